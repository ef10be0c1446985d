#pragma once

#include <cstdint>
#include <vector>

namespace tessera::test {

/// Results of the host/device functors for star i = 0 … n - 1, flattened; one row of `columns` numbers a star.
inline constexpr std::int64_t functor_columns = 3 + 4 + 4 + 1;

/// Evaluated by a loop on the host.
std::vector<double> functors_on_host(std::int64_t n);

/// Evaluated by a kernel on GPU 0. Throws std::runtime_error with CUDA's text.
std::vector<double> functors_on_gpu(std::int64_t n);

} // namespace tessera::test
