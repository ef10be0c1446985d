#pragma once

#include <cstdint>

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cufft.h>

namespace tessera::device {

/// Every call of CUDA and its libraries goes through one of these; a test looks for those that do not.
/// @param call  its name, for the message;  of  what it was to do, if several do the same
/// @throws Error(Kind::resource)  it failed: the call, its text, and for lack of memory how much is free
void check(cudaError_t code, const char* call, const char* of = nullptr);
void check(cublasStatus_t code, const char* call);
void check(cufftResult code, const char* call);

/// As check(), but lack of memory is an answer: false.
bool has_memory_for(cudaError_t code, const char* call);

/// For destructors: a failure has been reported by an earlier call, or comes from a driver that has shut down before us.
inline void forget(cudaError_t code) noexcept {
    if (code != cudaSuccess) { static_cast<void>(cudaGetLastError()); } // the next call must not report it again
}
inline void forget(cublasStatus_t /*code*/) noexcept {}
inline void forget(cufftResult /*code*/) noexcept {}

/// The error of a request for memory that failed. @param where  of the memory: "GPU 0 (NVIDIA H100)", "the host, pinned"
[[noreturn]] void throw_no_memory(const char* where, std::int64_t asked, const char* what, std::int64_t n_free,
                                  std::int64_t n_total);

} // namespace tessera::device
