#pragma once

#include <numeric>

#include "tessera/core/random.hpp"
#include "tessera/instrument/psf.hpp"

namespace tessera::test {

/// Kernel of random values: neither symmetric nor separable, so that a flip or a transposition shows.
inline Kernel2D random_kernel(std::int64_t n_y, std::int64_t n_x) {
    Kernel2D kernel;
    kernel.n_y = n_y;
    kernel.n_x = n_x;
    kernel.centre_y = (n_y - 1) / 2;
    kernel.centre_x = (n_x - 1) / 2;
    kernel.values.clear();
    for (std::int64_t i = 0; i < n_y * n_x; ++i) {
        kernel.values.push_back(Philox::at(5, 2, static_cast<std::uint64_t>(i)).uniform(0));
    }
    const double sum = std::accumulate(kernel.values.begin(), kernel.values.end(), 0.0);
    for (double& value : kernel.values) { value /= sum; }
    return kernel;
}

} // namespace tessera::test
