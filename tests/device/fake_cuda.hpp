#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "device/cuda_check.hpp"

/// The functions of CUDA, cuBLAS and cuFFT that src/device/cuda_*.cu call, done on the host: so that the calls, their arguments and
/// their order run in tests where there is no GPU. Streams do nothing before something waits for them.
namespace tessera::test::fake {

inline constexpr std::int64_t memory = std::int64_t{1} << 26; ///< of the GPU, bytes

/// How often each function was called.
std::map<std::string, int>& calls();

/// Its next call does nothing and returns `code` (as its own type). Until cleared by ("", 0).
void fail_next(const std::string& name, int code);

/// The error that cudaGetLastError would still report.
cudaError_t pending_error();

cublasMath_t math_mode(); ///< last one set

/// Streams, events, pools, handles, plans, pieces of memory that were made and not given back.
int n_left();

} // namespace tessera::test::fake
