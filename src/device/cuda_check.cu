#include "device/cuda_check.hpp"

#include <cstdio>
#include <string>

#include "tessera/core/error.hpp"

namespace tessera::device {

namespace {

constexpr const char* memory_cure =
    "Use more ranks with a GPU each, a GPU with more memory that nobody else uses, or parallel.device: cpu";

std::string size(std::int64_t bytes) {
    char text[64];
    const double mebibytes = static_cast<double>(bytes) / (1 << 20);
    if (mebibytes < 1) {
        std::snprintf(text, sizeof text, "%lld bytes", static_cast<long long>(bytes));
    } else if (mebibytes < 1024) {
        std::snprintf(text, sizeof text, "%.1f MiB", mebibytes);
    } else {
        std::snprintf(text, sizeof text, "%.2f GiB", mebibytes / 1024);
    }
    return text;
}

/// "; 1.20 GiB of 79.10 GiB free", or nothing where even that cannot be asked.
std::string free_text() {
    std::size_t n_free = 0;
    std::size_t n_total = 0;
    if (const cudaError_t code = cudaMemGetInfo(&n_free, &n_total); code != cudaSuccess) {
        forget(code);
        return {};
    }
    return "; " + size(static_cast<std::int64_t>(n_free)) + " of " + size(static_cast<std::int64_t>(n_total)) + " free";
}

/// A kernel that went wrong is noticed by whichever call comes next.
bool breaks_everything(cudaError_t code) {
    switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorAssert: return true;
    default: return false; // CUDA's enum, not ours: it grows with each version
    }
}

[[noreturn]] void fail(const std::string& call, const std::string& text, const char* cure) {
    throw Error({.kind = Kind::resource, .where = call, .found = text, .cure = cure});
}

const char* text_of(cufftResult code) {
    switch (code) {
    case CUFFT_INVALID_PLAN: return "CUFFT_INVALID_PLAN";
    case CUFFT_ALLOC_FAILED: return "CUFFT_ALLOC_FAILED";
    case CUFFT_INVALID_TYPE: return "CUFFT_INVALID_TYPE";
    case CUFFT_INVALID_VALUE: return "CUFFT_INVALID_VALUE";
    case CUFFT_INTERNAL_ERROR: return "CUFFT_INTERNAL_ERROR (driver or library)";
    case CUFFT_EXEC_FAILED: return "CUFFT_EXEC_FAILED";
    case CUFFT_SETUP_FAILED: return "CUFFT_SETUP_FAILED";
    case CUFFT_INVALID_SIZE: return "CUFFT_INVALID_SIZE";
    case CUFFT_INVALID_DEVICE: return "CUFFT_INVALID_DEVICE";
    case CUFFT_NO_WORKSPACE: return "CUFFT_NO_WORKSPACE";
    case CUFFT_NOT_SUPPORTED: return "CUFFT_NOT_SUPPORTED";
    default: return "unknown to this program"; // cuFFT's enum: it grows with each version
    }
}

} // namespace

void check(cudaError_t code, const char* name, const char* of) {
    if (code == cudaSuccess) { return; }
    forget(code);
    const std::string call = of == nullptr ? std::string(name) : std::string(name) + " (" + of + ")";
    if (code == cudaErrorMemoryAllocation) { fail(call, cudaGetErrorString(code) + free_text(), memory_cure); }
    const std::string text = std::string(cudaGetErrorName(code)) + ", " + cudaGetErrorString(code);
    if (breaks_everything(code)) {
        fail(call, text + " (in this call or in work given before it)",
             "CUDA_LAUNCH_BLOCKING=1 in the environment shows which: please report it");
    }
    fail(call, text, "");
}

bool has_memory_for(cudaError_t code, const char* call) {
    if (code == cudaErrorMemoryAllocation) {
        forget(code);
        return false;
    }
    check(code, call);
    return true;
}

void check(cublasStatus_t code, const char* call) {
    if (code == CUBLAS_STATUS_SUCCESS) { return; }
    const bool memory = code == CUBLAS_STATUS_ALLOC_FAILED;
    fail(call, std::string(cublasGetStatusString(code)) + (memory ? free_text() : ""), memory ? memory_cure : "");
}

void check(cufftResult code, const char* call) {
    if (code == CUFFT_SUCCESS) { return; }
    const bool memory = code == CUFFT_ALLOC_FAILED;
    fail(call, std::to_string(static_cast<int>(code)) + ", " + text_of(code) + (memory ? free_text() : ""),
         memory ? memory_cure : "");
}

void throw_no_memory(const char* where, std::int64_t asked, const char* what, std::int64_t n_free,
                     std::int64_t n_total) {
    throw Error({.kind = Kind::resource,
                 .where = std::string("memory of ") + where,
                 .found = size(n_free) + " free of " + size(n_total),
                 .expected = size(asked) + " for " + what,
                 .cure = memory_cure});
}

} // namespace tessera::device
