#!/bin/bash
# One galaxy, one cube, one rank a GPU, under PBS Pro or OpenPBS: qsub -v CONFIG=galaxy.yaml jobscripts/pbs_gpu.sh
# What follows a line `# <-` is yours to change.
#PBS -N tessera-gpu
# <- nodes; cores of a node, GPUs of a node twice (one rank a GPU), cores / GPUs
#PBS -l select=1:ncpus=64:ngpus=4:mpiprocs=4:ompthreads=16
#PBS -l place=scatter:excl
# <-
#PBS -l walltime=00:15:00
#PBS -j oe
set -euo pipefail

cd -- "${PBS_O_WORKDIR:-.}"
if [ -z "${CONFIG:-}" ]; then
    echo "usage: qsub -v CONFIG=galaxy.yaml jobscripts/pbs_gpu.sh" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw cuda nccl # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where qsub was called
threads=${OMP_NUM_THREADS:-1}
# Rank N of a node takes GPU N of those it sees, in this order; networks: see slurm_gpu.sh and docs/cluster.md.
export CUDA_DEVICE_ORDER=PCI_BUS_ID OMP_PLACES=cores OMP_PROC_BIND=close
export TESSERA_NCCL_TIMEOUT=${TESSERA_NCCL_TIMEOUT:-300} # seconds until a rank that never comes is an error

# Ranks fill the NUMA domains in order. Where GPU N is nearer to another domain (`nvidia-smi topo -m`), a rank file says so.
# cuda, not auto: a node whose GPUs cannot be used ends the job (exit code 4) instead of computing slowly.
exec mpirun --map-by "numa:PE=$threads" --rank-by slot --bind-to core -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND \
    -x CUDA_DEVICE_ORDER -x TESSERA_NCCL_TIMEOUT \
    "$tessera" cube "$CONFIG" --set parallel.device=cuda --set "parallel.threads=$threads" --timings
