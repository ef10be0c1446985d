#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/device/accelerator.hpp"
#include "tessera/device/device.hpp"

namespace tessera::device {

/// What libtessera_cuda.so gives to the main library: found by one name, so that nothing of it is linked.
struct CudaEntry {
    const char* build; ///< version and revision: both libraries must be of one build, as they share classes
    /// @param problem  why the list is empty, else left alone
    std::vector<Gpu> (*gpus)(std::string& problem);
    std::unique_ptr<Accelerator> (*open)(int index);
    std::vector<std::string> (*kernels)(); ///< names of the loop bodies compiled for CUDA, sorted
    void (*begin_range)(const char* name); ///< NVTX
    void (*end_range)();
};
inline constexpr const char* cuda_entry_name = "tessera_cuda_entry"; ///< extern "C" const CudaEntry* (*)()

/// The library of CUDA parts, loaded by the first call. Looked for beside the main library; TESSERA_CUDA_LIBRARY names
/// another file, or "none" for none.
/// @throws Error(Kind::resource)  not there, not loadable (the loader's text, e.g. a missing libcublas.so), of another build
const CudaEntry& cuda_library();

/// An extern "C" function of that library. @throws Error(Kind::resource)  as cuda_library(), or no such name
void* cuda_symbol(const char* name);

/// Why gpus() is empty, in one line; empty if it is not.
std::string why_no_gpu();

} // namespace tessera::device
