#!/bin/bash
# One galaxy, one cube, under Slurm: sbatch jobscripts/slurm_cube.sh galaxy.yaml [options of tessera cube]
# One rank a NUMA domain, threads inside. Lines marked <- are yours to change; options of sbatch go before the script's name.
#SBATCH --job-name=tessera
#SBATCH --nodes=2                   # <- nodes
#SBATCH --ntasks-per-node=2         # <- NUMA domains of a node (`lscpu | grep NUMA` on one)
#SBATCH --cpus-per-task=16          # <- cores of a NUMA domain
#SBATCH --mem=0                     # all memory of the nodes
#SBATCH --time=01:00:00             # <- `tessera cube --timings` of a small run tells
#SBATCH --output=tessera-%j.log
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: sbatch jobscripts/slurm_cube.sh CONFIG.yaml [options of tessera cube]" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where sbatch was called
threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads OMP_PLACES=cores OMP_PROC_BIND=close

# PMIx is what Open MPI 4 and later is started by; `srun --mpi=list` shows what this Slurm has.
# Slurm 22.05 and later no longer pass --cpus-per-task on from sbatch to srun by themselves.
# --kill-on-bad-exit: a rank that is killed (out of memory) must not leave the others waiting until the time is up.
exec srun --mpi=pmix --cpus-per-task="$threads" --cpu-bind=cores --distribution=block:block --kill-on-bad-exit=1 \
    "$tessera" cube --set "parallel.threads=$threads" --timings "$@"
