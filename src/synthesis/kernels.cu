// The loops of synthesis that a GPU runs: one line each.
#include "device/cuda_kernel.hpp"
#include "synthesis/deposit_kernels.hpp"
#include "synthesis/panel_kernels.hpp"
#include "synthesis/rubix_kernels.hpp"
#include "synthesis/star_kernels.hpp"

namespace tessera {

TESSERA_CUDA_KERNEL(SumChunks);
TESSERA_CUDA_KERNEL(LeastOfChunks);
TESSERA_CUDA_KERNEL(LookAtVelocities);
TESSERA_CUDA_KERNEL(SurveyChunk);
TESSERA_CUDA_KERNEL(CountNodes);
TESSERA_CUDA_KERNEL(CountRows);
TESSERA_CUDA_KERNEL(FlagListed);
TESSERA_CUDA_KERNEL(DepositStar);
TESSERA_CUDA_KERNEL(FromFixed);
TESSERA_CUDA_KERNEL(ListStar);
TESSERA_CUDA_KERNEL(TurnSpectra);
TESSERA_CUDA_KERNEL(GatherSpectra);
TESSERA_CUDA_KERNEL(BandOfPixel);
TESSERA_CUDA_KERNEL(FillPanel);
TESSERA_CUDA_KERNEL(AddBatch);
TESSERA_CUDA_KERNEL(AddListed);
TESSERA_CUDA_KERNEL(SumLight);
TESSERA_CUDA_KERNEL(LookUpStar);
TESSERA_CUDA_KERNEL(SampleStar);
TESSERA_CUDA_KERNEL(SumSamples);
TESSERA_CUDA_KERNEL(ScaleStar);
TESSERA_CUDA_KERNEL(SumStarsOfChunk);
TESSERA_CUDA_KERNEL(JoinChunks);

} // namespace tessera
