#!/bin/bash
# A scaling study in one job, under PBS Pro or OpenPBS. STUDY.json, .csv, .png and .svg get its numbers and plots:
#   qsub -v KIND=strong,CONFIG=galaxy.yaml,STUDY=study jobscripts/pbs_scaling.sh        KIND: strong or weak
# What follows a line `# <-` is yours to change.
#PBS -N tessera-scaling
# <- nodes of the largest run; cores of a node, its NUMA domains (or GPUs), cores of each
#PBS -l select=4:ncpus=32:mpiprocs=2:ompthreads=16
#PBS -l place=scatter:excl
# <- (1 + 1/2 + 1/4 + ...) x repeats x the time of one rank, for a strong study
#PBS -l walltime=01:00:00
#PBS -j oe
set -euo pipefail

cd -- "${PBS_O_WORKDIR:-.}"
if [ -z "${KIND:-}" ] || [ -z "${CONFIG:-}" ] || [ -z "${STUDY:-}" ]; then
    echo "usage: qsub -v KIND=strong|weak,CONFIG=galaxy.yaml,STUDY=study jobscripts/pbs_scaling.sh" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where qsub was called
threads=${OMP_NUM_THREADS:-1}
export OMP_PLACES=cores OMP_PROC_BIND=close

# 1, 2, 4, ... and all ranks, each five times; other numbers: --ranks 1,3,6 --repeats 9. On GPUs: as pbs_gpu.sh.
# --rank-by slot: ranks fill one node after the other, so the first few share a node, as in real runs.
exec mpirun --map-by "numa:PE=$threads" --rank-by slot --bind-to core -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND \
    "$tessera" scaling "$KIND" "$CONFIG" -o "$STUDY" --set "parallel.threads=$threads"
