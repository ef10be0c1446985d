#pragma once

#include <cstdint>
#include <vector>

#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

class Communicator;

/// Consecutive stars of one spaxel, in a list that is ordered by spaxel.
struct StarRun {
    std::int64_t first, count;
};

/// Which stars of a rank go to the owners of their spaxels, as runs of its own list, and how what arrives is strung together there: in
/// the order of the ranks that read them.
struct StarRoutes {
    struct Leaving {
        StarRun run;
        std::int64_t at; ///< in what is sent
    };
    std::vector<Leaving> leaving;          ///< to other ranks: by rank, then by spaxel
    std::vector<std::int64_t> own;         ///< spaxels that this rank makes
    std::vector<StarRun> arriving;         ///< [own spaxel][rank] of what is received; this rank's of what it had
    std::vector<std::int64_t> send_counts; ///< [rank] stars; none to this one
    std::vector<std::int64_t> receive_counts;
    std::vector<std::int64_t> start; ///< [spaxel + 1] of the stars that this rank has afterwards
    std::int64_t n_sent = 0, n_received = 0;
};

/// Collective. @param start  [spaxel + 1] of this rank's stars, ordered by spaxel
/// @par Cost  8 bytes a spaxel that another rank owns
StarRoutes star_routes(const std::vector<std::int64_t>& start, const SpaxelOwners& owners, Communicator& comm);

} // namespace tessera
