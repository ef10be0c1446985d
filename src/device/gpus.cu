#include <string>
#include <vector>

#include <cuda_runtime.h>

#include "tessera/device/device.hpp"

namespace tessera::device {

bool built_with_cuda() { return true; }

std::string cuda_version() {
    return std::to_string(CUDART_VERSION / 1000) + "." + std::to_string(CUDART_VERSION % 1000 / 10);
}

std::vector<Gpu> gpus() {
    std::vector<Gpu> found;
    int count = 0;
    // Without a driver the runtime reports an insufficient driver, not "no device": any error means no GPU.
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
        static_cast<void>(cudaGetLastError());
        return found;
    }
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties{};
        if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) {
            static_cast<void>(cudaGetLastError());
            continue;
        }
        found.push_back({properties.name, static_cast<std::int64_t>(properties.totalGlobalMem), properties.major,
                         properties.minor});
    }
    return found;
}

} // namespace tessera::device
