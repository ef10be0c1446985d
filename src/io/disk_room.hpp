#pragma once

#include <cstdint>
#include <string>

namespace tessera::io {

/// Blocks of the disk for bytes [from, to) of a file that exists. A disk that fills up while ranks write is found late, and on a
/// few ranks alone. @return  0, or the errno that says why there are none: ENOSPC, EDQUOT, EFBIG
int reserve_room(const std::string& path, std::int64_t from, std::int64_t to);

} // namespace tessera::io
