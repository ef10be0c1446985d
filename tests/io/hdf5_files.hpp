#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <hdf5.h>

#include "tests/support/test_support.hpp"

namespace tessera::test {

/// first, first + 1, …
template <class T>
std::vector<T> ramp(std::int64_t first, std::int64_t n) {
    std::vector<T> out(static_cast<std::size_t>(n));
    std::iota(out.begin(), out.end(), static_cast<T>(first));
    return out;
}

/// A file made by rank 0 alone through the C interface: what our writer does not make (text, filters, odd types).
template <class Make>
std::string foreign_file(const std::string& folder, const std::string& name, Make&& make) {
    const std::string path = (scratch(folder) / name).string();
    if (world().is_root()) {
        const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        make(file);
        H5Fclose(file);
    }
    world().barrier();
    return path;
}

} // namespace tessera::test
