#!/bin/bash
# A scaling study in one allocation, under Slurm. STUDY.json, .csv, .png and .svg get its numbers and plots:
#   sbatch jobscripts/slurm_scaling.sh strong|weak galaxy.yaml STUDY [options of tessera scaling]
# Lines marked <- are yours to change; options of sbatch go before the script's name. GPUs: see the end.
#SBATCH --job-name=tessera-scaling
#SBATCH --nodes=4                   # <- nodes of the largest run
#SBATCH --ntasks-per-node=2         # <- NUMA domains of a node, or its GPUs
#SBATCH --cpus-per-task=16          # <- cores of a NUMA domain, or of a node / GPUs
#SBATCH --exclusive                 # others on the nodes would be in the timings
#SBATCH --mem=0                     # all memory of the nodes
#SBATCH --time=01:00:00             # <- (1 + 1/2 + 1/4 + ...) x repeats x the time of one rank, for a strong study
#SBATCH --output=tessera-scaling-%j.log
set -euo pipefail

if [ $# -lt 3 ] || { [ "$1" != strong ] && [ "$1" != weak ]; }; then
    echo "usage: sbatch jobscripts/slurm_scaling.sh strong|weak CONFIG.yaml STUDY [options of tessera scaling]" >&2
    exit 2
fi
kind=$1 config=$2 study=$3
shift 3
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where sbatch was called
threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads OMP_PLACES=cores OMP_PROC_BIND=close

# 1, 2, 4, ... and all ranks, each five times; other numbers: --ranks 1,3,6 --repeats 9 as options.
# Ranks fill one node after the other (block), so the first few share a node, as in real runs.
# On GPUs: --gpus-per-node and the lines above as in slurm_gpu.sh, and --set parallel.device=cuda.
exec srun --mpi=pmix --cpus-per-task="$threads" --cpu-bind=cores --distribution=block:block --kill-on-bad-exit=1 \
    "$tessera" scaling "$kind" "$config" -o "$study" --set "parallel.threads=$threads" "$@"
