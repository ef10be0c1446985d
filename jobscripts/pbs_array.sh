#!/bin/bash
# Many galaxies under PBS Pro or OpenPBS, each a task of a job array; LIST names a configuration a line:
#   qsub -J 1-$(wc -l < LIST) -v LIST=list.txt,CUBES=cubes jobscripts/pbs_array.sh
# With BASE=base.yaml in -v, LIST holds a subhalo's number a line. A cube that is there already is left as it is, so that the
# same command, given again, does what is missing: PBS starts a task again after a node failed, not when its time was up.
# What follows a line `# <-` is yours to change.
#PBS -N tessera-array
# <- cores, ranks and threads of a galaxy, and its memory (`tessera cube --dry-run` tells what a rank needs)
#PBS -l select=1:ncpus=8:mpiprocs=1:ompthreads=8:mem=16gb
# <- longer than most galaxies take
#PBS -l walltime=00:30:00
#PBS -r y
#PBS -j oe
set -euo pipefail

cd -- "${PBS_O_WORKDIR:-.}"
if [ -z "${LIST:-}" ] || [ -z "${CUBES:-}" ] || [ -z "${PBS_ARRAY_INDEX:-}" ]; then
    echo "usage: qsub -J 1-N -v LIST=list.txt,CUBES=cubes[,BASE=base.yaml] jobscripts/pbs_array.sh" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where qsub was called
threads=${OMP_NUM_THREADS:-1}
export OMP_PLACES=cores OMP_PROC_BIND=close

line=$(sed -n "${PBS_ARRAY_INDEX}p" "$LIST")
if [ -z "$line" ]; then
    echo "$LIST has no line $PBS_ARRAY_INDEX" >&2
    exit 2
elif [ -n "${BASE:-}" ]; then
    name=subhalo_$line
    # One name in BASE would be the same file for all of them.
    galaxy=("$BASE" --set "simulation.subhalo=$line" --set output.fits=null --set output.quicklook=null)
else
    name=$(basename "$line" .yaml)
    galaxy=("$line")
fi
cube=$CUBES/$name.h5
if [ -e "$cube" ]; then # tessera gives a file its name when it is complete, not before
    echo "$cube is there already"
    exit 0
fi
mkdir -p "$CUBES"
exec mpirun --map-by "slot:PE=$threads" --bind-to core -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND \
    "$tessera" cube "${galaxy[@]}" -o "$cube" --set "parallel.threads=$threads"
