#include <fmt/format.h>

#include "app/command.hpp"
#include "device/cuda_library.hpp"
#include "tessera/comm/environment.hpp"
#include "tessera/device/device.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera_version.hpp"

namespace tessera::app {

std::string version_text() {
    std::string text = fmt::format("tessera {} (revision {})\n", TESSERA_VERSION, TESSERA_REVISION);
    text += fmt::format("  MPI       {}\n", MpiEnvironment::library_version());
    text += fmt::format("  HDF5      {}\n", io::Hdf5File::library_version());
    text += fmt::format("  compiler  {}\n", __VERSION__);
    text += fmt::format("  CUDA      {}\n", device::built_with_cuda() ? device::cuda_version() : "not in this build");
    const auto gpus = device::gpus();
    if (gpus.empty()) { text += fmt::format("  GPU       no GPU: {}\n", device::why_no_gpu()); }
    for (const auto& gpu : gpus) {
        text += fmt::format("  GPU       {}, {:.0f} GiB, compute capability {}.{}\n", gpu.name,
                            static_cast<double>(gpu.memory) / (1LL << 30), gpu.major, gpu.minor);
    }
    return text;
}

} // namespace tessera::app
