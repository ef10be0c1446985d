// The loops of this layer, for GPUs.
#include "cube/slab_kernels.hpp"
#include "device/cuda_kernel.hpp"

TESSERA_CUDA_KERNEL(tessera::ScaleFlux)
TESSERA_CUDA_KERNEL(tessera::CutOut)
TESSERA_CUDA_KERNEL(tessera::AddOwnSpaxels)
