#!/bin/bash
# One cube under Slurm: sbatch jobscripts/slurm_cube.sh galaxy.yaml [options of tessera cube]
# One rank a NUMA domain, threads inside. Change the numbers to your nodes: `lscpu | grep NUMA` on one of them.
#SBATCH --job-name=tessera
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --mem=0
#SBATCH --time=01:00:00
#SBATCH --output=tessera-%j.log
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: sbatch $0 CONFIG.yaml [options of tessera cube]" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw ...        the modules that tessera was built with

tessera=${TESSERA:-${SLURM_SUBMIT_DIR:-.}/build/release/bin/tessera}
threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads OMP_PLACES=cores OMP_PROC_BIND=close

# PMIx is what Open MPI 4 and later is started by; `srun --mpi=list` shows what this Slurm has.
# Slurm 22.05 and later no longer pass --cpus-per-task on from sbatch to srun by themselves.
exec srun --mpi=pmix --cpus-per-task="$threads" --cpu-bind=cores --distribution=block:block \
    "$tessera" cube "$@" --set "parallel.threads=$threads" --timings
