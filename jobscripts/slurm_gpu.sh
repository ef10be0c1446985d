#!/bin/bash
# One galaxy, one cube, one rank a GPU, under Slurm: sbatch jobscripts/slurm_gpu.sh galaxy.yaml [options of tessera cube]
# Lines marked <- are yours to change; options of sbatch go before the script's name.
#SBATCH --job-name=tessera-gpu
#SBATCH --nodes=1                   # <- nodes
#SBATCH --gpus-per-node=4           # <- GPUs of a node
#SBATCH --ntasks-per-node=4         # <- the same: one rank a GPU
#SBATCH --cpus-per-task=16          # <- cores of a node / GPUs of a node
#SBATCH --exclusive
#SBATCH --mem=0                     # all memory of the nodes
#SBATCH --time=00:15:00             # <-
#SBATCH --output=tessera-gpu-%j.log
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: sbatch jobscripts/slurm_gpu.sh CONFIG.yaml [options of tessera cube]" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw cuda nccl # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where sbatch was called
threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads OMP_PLACES=cores OMP_PROC_BIND=close

# Which rank takes which GPU: every rank sees all GPUs of its node, and rank N of the node (SLURM_LOCALID) takes GPU N.
# Not --gpus-per-task: it hides the others' GPUs, and NCCL and MPI then copy through the host instead of over NVLink
# (https://github.com/NVIDIA/nccl/issues/1066, https://github.com/open-mpi/ompi/issues/11949).
export CUDA_DEVICE_ORDER=PCI_BUS_ID # GPU N is then the one that nvidia-smi calls N

# The cores near its GPU: NUMA domain of GPU 0, 1, ... as `nvidia-smi topo -m` prints it in the column NUMA Affinity.
numa_of_gpu=${NUMA_OF_GPU:-}        # <- such as 3,1,7,5; empty: cores in order
bind=(--cpu-bind=cores)
[ -z "$numa_of_gpu" ] || bind=(--cpu-bind="map_ldom:$numa_of_gpu" --mem-bind=local)

# Networks. Set these only where several nodes fail to find one another or are slow; docs/cluster.md says when.
# export NCCL_SOCKET_IFNAME=ib0               # <- `ip -br link`: interface of NCCL's first contact (no Infiniband needed)
# export NCCL_IB_HCA=mlx5                     # <- `ibstat -l`: cards that carry NCCL's data
# export NCCL_DEBUG=INFO                      # what NCCL chose, once, for looking at
# export UCX_NET_DEVICES=mlx5_0:1             # <- card of MPI's data
# export UCX_TLS=rc,sm,self,cuda_copy,cuda_ipc
# export TESSERA_MPI_STAGING=on               # without NCCL: GPU memory through the host, where MPI with CUDA misbehaves
export TESSERA_NCCL_TIMEOUT=${TESSERA_NCCL_TIMEOUT:-300} # seconds until a rank that never comes is an error

# cuda, not auto: a node whose GPUs cannot be used ends the job (exit code 4) instead of computing slowly.
exec srun --mpi=pmix --cpus-per-task="$threads" "${bind[@]}" --distribution=block:block --kill-on-bad-exit=1 \
    "$tessera" cube --set parallel.device=cuda --set "parallel.threads=$threads" --timings "$@"
