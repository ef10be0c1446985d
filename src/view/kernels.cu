// The loops of this layer, for GPUs.
#include "device/cuda_kernel.hpp"
#include "view/apply.hpp"
#include "view/exchange_kernels.hpp"
#include "view/order_kernels.hpp"

TESSERA_CUDA_KERNEL(tessera::RotateVector)
TESSERA_CUDA_KERNEL(tessera::ShiftVector)
TESSERA_CUDA_KERNEL(tessera::PlaceStar)
TESSERA_CUDA_KERNEL(tessera::TakeStar)
TESSERA_CUDA_KERNEL(tessera::WidenRange)
TESSERA_CUDA_KERNEL(tessera::FirstOfSpaxel)
TESSERA_CUDA_KERNEL(tessera::GatherValue)
TESSERA_CUDA_KERNEL(tessera::PickOut)
TESSERA_CUDA_KERNEL(tessera::StringTogether)
