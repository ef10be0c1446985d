#include "device/cuda_kernel_list.hpp"

#include <map>

namespace tessera::device {

namespace {
/// Made by the first that registers: the order of the files' static objects is open.
std::map<std::string_view, CudaKernel>& kernels() {
    static std::map<std::string_view, CudaKernel> all;
    return all;
}
} // namespace

RegisterKernel::RegisterKernel(const CudaKernel& kernel) { kernels().emplace(kernel.name, kernel); }

const CudaKernel* find_kernel(std::string_view name) {
    const auto it = kernels().find(name);
    return it == kernels().end() ? nullptr : &it->second;
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const auto& [name, kernel] : kernels()) { names.emplace_back(name); }
    return names;
}

} // namespace tessera::device
