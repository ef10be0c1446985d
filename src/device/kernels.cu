#include "device/cuda_kernel.hpp"
#include "device/self_check.hpp"

namespace tessera::device {

TESSERA_CUDA_KERNEL(SelfCheckScale)
TESSERA_CUDA_KERNEL(SelfCheckSum)
TESSERA_CUDA_KERNEL(SelfCheckRandom)
TESSERA_CUDA_KERNEL(SelfCheckMath)
TESSERA_CUDA_KERNEL(SelfCheckSlow)

} // namespace tessera::device
