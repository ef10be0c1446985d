// The CUDA parts are opened when a GPU is wanted, so that the program starts where neither driver nor CUDA libraries exist.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/region_hooks.hpp"
#include "device/cuda_library.hpp"
#include "tessera/core/error.hpp"
#include "tessera_version.hpp"

namespace tessera::device {

namespace {

constexpr const char* cure = "Set parallel.device: cpu to go on without a GPU";
constexpr const char* driver_name = "libcuda.so.1";

/// A library that was looked for: its handle, or why there is none.
struct Loaded {
    void* handle = nullptr;
    const CudaEntry* entry = nullptr;
    std::string found, expected, cure; ///< of the error, if `entry` is null
};

/// Where it is looked for: beside the file that this function is in.
std::string library_path() {
    if (const char* set = std::getenv("TESSERA_CUDA_LIBRARY"); set != nullptr && *set != '\0') { return set; }
    static const char here = 0;
    Dl_info info{};
    if (dladdr(&here, &info) == 0 || info.dli_fname == nullptr) { return "libtessera_cuda.so"; }
    return (std::filesystem::path(info.dli_fname).parent_path() / "libtessera_cuda.so").string();
}

std::string loader_text() {
    const char* text = dlerror();
    return text == nullptr ? "no reason given by the loader" : text;
}

Loaded load(const std::string& path) {
    Loaded library;
    library.cure = cure;
    library.expected = "the CUDA parts of this program";
    std::error_code ignored;
    if (path == "none") {
        library.found = "TESSERA_CUDA_LIBRARY=none, which hides them";
        library.cure = fmt::format("{}, or unset TESSERA_CUDA_LIBRARY", cure);
        return library;
    }
    if (!std::filesystem::exists(path, ignored)) {
        library.found = built_with_cuda() ? "no such file" : "no such file: this program was built without CUDA";
        library.cure = fmt::format("{}, or {}", cure,
                                   built_with_cuda() ? "put the file there, or its path into TESSERA_CUDA_LIBRARY"
                                                     : "build where there is nvcc (cmake -DTESSERA_CUDA=ON)");
        return library;
    }
    // Never closed: the CUDA runtime in it may still be at work when the process ends.
    library.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library.handle == nullptr) {
        library.found = fmt::format("a file that cannot be loaded ({})", loader_text());
        library.cure = fmt::format("{}; if a library of CUDA is missing, put its folder into LD_LIBRARY_PATH", cure);
        return library;
    }
    using Entry = const CudaEntry* (*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(library.handle, cuda_entry_name));
    if (entry == nullptr) {
        library.found = fmt::format("another library ({})", loader_text());
        return library;
    }
    const std::string build = fmt::format("{} {}", TESSERA_VERSION, TESSERA_REVISION);
    if (build != entry()->build) {
        library.found = fmt::format("the CUDA parts of build {}", entry()->build);
        library.expected = fmt::format("those of this program's, {}", build);
        library.cure = fmt::format("{}, or install both libraries from one build", cure);
        return library;
    }
    library.entry = entry();
    set_region_hooks({library.entry->begin_range, library.entry->end_range});
    return library;
}

const Loaded& loaded(const std::string& path) {
    static std::map<std::string, Loaded> tried; // by path: the variable may change between calls
    const auto it = tried.find(path);
    return it != tried.end() ? it->second : tried.emplace(path, load(path)).first->second;
}

/// Empty where the driver can be loaded. Asked first where no GPU is no error: the libraries of CUDA are large.
std::string driver_problem() {
    static const std::string problem = [] {
        if (dlopen(driver_name, RTLD_NOW | RTLD_LOCAL) != nullptr) { return std::string(); }
        return fmt::format("no NVIDIA driver ({})", loader_text());
    }();
    return problem;
}

struct Found {
    std::vector<Gpu> gpus;
    std::string problem;
};

Found look() {
    Found found;
    found.problem = driver_problem();
    if (!found.problem.empty()) { return found; }
    try {
        found.gpus = cuda_library().gpus(found.problem);
    } catch (const std::exception& error) { found.problem = error.what(); }
    if (found.gpus.empty() && found.problem.empty()) { found.problem = "the driver lists none"; }
    return found;
}

} // namespace

#ifdef TESSERA_CUDA_VERSION
bool built_with_cuda() { return true; }
std::string cuda_version() { return TESSERA_CUDA_VERSION; }
#else
bool built_with_cuda() { return false; }
std::string cuda_version() { return {}; }
#endif

const CudaEntry& cuda_library() {
    const std::string path = library_path();
    const Loaded& library = loaded(path);
    if (library.entry == nullptr) {
        throw Error({.kind = Kind::resource,
                     .where = path == "none" ? "libtessera_cuda.so" : path,
                     .found = library.found,
                     .expected = library.expected,
                     .cure = library.cure});
    }
    return *library.entry;
}

void* cuda_symbol(const char* name) {
    static_cast<void>(cuda_library());
    const std::string path = library_path();
    void* symbol = dlsym(loaded(path).handle, name);
    if (symbol == nullptr) {
        throw Error({.kind = Kind::resource,
                     .where = path,
                     .found = loader_text(),
                     .expected = fmt::format("the function {}", name),
                     .cure = "It was built without: build again where its library is installed"});
    }
    return symbol;
}

std::vector<Gpu> gpus() { return look().gpus; }

std::string why_no_gpu() { return look().problem; }

std::unique_ptr<Accelerator> open_cuda(int index) {
    const CudaEntry& library = cuda_library();
    Found found = look();
    if (found.gpus.empty()) {
        throw Error({.kind = Kind::resource,
                     .where = fmt::format("GPU {}", index),
                     .found = fmt::format("none: {}", found.problem),
                     .expected = fmt::format("an NVIDIA driver ({}, {}) and a GPU that CUDA_VISIBLE_DEVICES does not "
                                             "hide",
                                             driver_name, "for CUDA " + cuda_version()),
                     .cure = cure});
    }
    const int count = static_cast<int>(found.gpus.size());
    if (index < 0 || index >= count) {
        throw Error({.kind = Kind::resource,
                     .where = fmt::format("GPU {}", index),
                     .found = fmt::format("{} GPU{} on this node, numbered from 0 (first: {})", count,
                                          count == 1 ? "" : "s", found.gpus.front().name),
                     .expected = count == 1 ? "cuda:0" : fmt::format("cuda:0 to cuda:{}", count - 1),
                     .cure = "Set parallel.device: cuda to let the ranks of a node take its GPUs in turn"});
    }
    return library.open(index);
}

} // namespace tessera::device
