// What the main library finds in this one, by name.
#include <nvtx3/nvToolsExt.h>

#include "device/cuda_backend.hpp"
#include "device/cuda_kernel_list.hpp"
#include "device/cuda_library.hpp"
#include "tessera_version.hpp"

namespace tessera::device {

namespace {

std::vector<Gpu> list(std::string& problem) {
    std::vector<Gpu> found;
    int count = 0;
    // Without a driver the runtime reports one that is too old, not "no device": whatever the error, there is no GPU.
    if (const cudaError_t code = cudaGetDeviceCount(&count); code != cudaSuccess) {
        problem = std::string("cudaGetDeviceCount: ") + cudaGetErrorString(code);
        forget(code);
        return found;
    }
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties{};
        check(cudaGetDeviceProperties(&properties, i), "cudaGetDeviceProperties");
        found.push_back({properties.name, static_cast<std::int64_t>(properties.totalGlobalMem), properties.major,
                         properties.minor});
    }
    return found;
}

std::unique_ptr<Accelerator> open(int index) { return std::make_unique<CudaAccelerator>(index); }
void begin_range(const char* name) { nvtxRangePushA(name); }
void end_range() { nvtxRangePop(); }

} // namespace

} // namespace tessera::device

extern "C" const tessera::device::CudaEntry* tessera_cuda_entry() {
    using namespace tessera::device;
    static const CudaEntry entry{
        TESSERA_VERSION " " TESSERA_REVISION, list, open, kernel_names, begin_range, end_range};
    return &entry;
}
