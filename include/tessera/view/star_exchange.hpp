#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tessera/cube/spaxel_owners.hpp"
#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"
#include "tessera/view/spaxel_stars.hpp"

namespace tessera {

class Communicator;

/// Stars of all ranks in each spaxel. Collective.
/// @param spaxel  [star] of this rank, 0 … n_spaxel - 1, or -1: outside
std::vector<std::int64_t> stars_in_spaxels(std::span<const std::int32_t> spaxel, std::int64_t n_spaxel,
                                           Communicator& comm);

/// The same of stars that are ordered already. @param start  [spaxel + 1] of this rank
std::vector<std::int64_t> stars_in_spaxels(const std::vector<std::int64_t>& start, Communicator& comm);

/// Sends each star to the rank that makes its spaxel and orders what arrives by spaxel: this rank then has all stars of its spaxels,
/// in the order of the ranks that read them and within it in input order, as one rank alone would have them. Of a shared spaxel it has
/// an equal part. Collective.
/// @param stars   `vz` is the line-of-sight velocity; positions are not looked at. Properties are taken apart one after the other
/// @param spaxel  [star] as `order_by_spaxel` wants it
/// @par Cost  20 bytes a star that changes its rank and 8 a spaxel that another rank owns, in six messages to each other rank
/// @par Memory  32 bytes a star while it travels, 20 before and afterwards
SpaxelStars exchange_by_spaxel(const device::Host& where, Stars&& stars, std::span<const std::int32_t> spaxel,
                               const SpaxelOwners& owners, Communicator& comm);

} // namespace tessera
