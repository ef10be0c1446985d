#!/bin/bash
# One galaxy, one cube, under PBS Pro or OpenPBS: qsub -v CONFIG=galaxy.yaml jobscripts/pbs_cube.sh
# One rank a NUMA domain, threads inside. What follows a line `# <-` is yours to change.
#PBS -N tessera
# <- 2 nodes; cores of a node, NUMA domains of a node (`lscpu | grep NUMA` on one), cores of a domain
#PBS -l select=2:ncpus=32:mpiprocs=2:ompthreads=16
# <-
#PBS -l walltime=01:00:00
#PBS -j oe
set -euo pipefail

cd -- "${PBS_O_WORKDIR:-.}"
if [ -z "${CONFIG:-}" ]; then
    echo "usage: qsub -v CONFIG=galaxy.yaml jobscripts/pbs_cube.sh" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where qsub was called
threads=${OMP_NUM_THREADS:-1}
export OMP_PLACES=cores OMP_PROC_BIND=close

# Open MPI's own launcher; a rank gets `threads` cores of one NUMA domain.
exec mpirun --map-by "numa:PE=$threads" --bind-to core -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND \
    "$tessera" cube "$CONFIG" --set "parallel.threads=$threads" --timings
