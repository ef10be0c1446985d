// The loops of this layer, for GPUs. Compiled with -fmad=false: products and sums stay apart, as on the host.
#include "device/cuda_kernel.hpp"
#include "instrument/convolve_kernels.hpp"
#include "instrument/lsf_kernels.hpp"
#include "instrument/noise_kernels.hpp"

TESSERA_CUDA_KERNEL(tessera::ConvolveLines)
TESSERA_CUDA_KERNEL(tessera::ConvolvePlanes)
TESSERA_CUDA_KERNEL(tessera::PadPlanes)
TESSERA_CUDA_KERNEL(tessera::RowSizes)
TESSERA_CUDA_KERNEL(tessera::PlaneRounding)
TESSERA_CUDA_KERNEL(tessera::MultiplySpectra)
TESSERA_CUDA_KERNEL(tessera::CropPlanes)
TESSERA_CUDA_KERNEL(tessera::ConvolveWavelengths)
TESSERA_CUDA_KERNEL(tessera::LargestFlux)
TESSERA_CUDA_KERNEL(tessera::SumOverWavelengths)
TESSERA_CUDA_KERNEL(tessera::AddNoise)
