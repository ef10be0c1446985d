#pragma once

#include <vector>

#include "synthesis/row_weights.hpp"

namespace tessera {

class Communicator;

/// Row weights of the stars of all ranks: for each spaxel the sum of what the ranks' own stars left there, in the order of the ranks, the same on
/// every rank. List i goes to rank i mod P, which sums; then every rank gets all sums. Collective.
/// @param own  lists of the same spaxels in the same order on all ranks, keys of one velocity grid; may be empty lists
/// @par Cost  eight bytes a weight: what a rank sends is (P-1)/P of its own weights, and (P-1)/P of the sum's
std::vector<RowList> sum_over_ranks(std::vector<RowList>&& own, const device::Host& where, Communicator& comm);

} // namespace tessera
