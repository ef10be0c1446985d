#pragma once

#include <cstdint>
#include <vector>

#include "io/hdf5_handle.hpp"
#include "tessera/device/device.hpp"

namespace tessera::io {

/// Reads rows [first, first + n) of a chunked, deflated (and shuffled) dataset by this process alone: one thread fetches the
/// chunks, all of them unpack. HDF5 itself unpacks in one thread.
/// @param type  of the elements in memory; `out` has room for them
/// @return  false, with anything in `out`, where this does not apply (another layout, filter or stored type, one thread, chunks
///          that were never written or are damaged): then read by H5Dread, which knows all of it and says what is wrong
bool read_packed(const Hdf5Object& dataset, const std::vector<std::int64_t>& shape, std::int64_t first, std::int64_t n,
                 hid_t type, void* out, const device::Host& where);

} // namespace tessera::io
