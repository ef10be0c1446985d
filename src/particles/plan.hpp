#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file_stamp.hpp"
#include "tessera/particles/snapshot.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::particles {

using Range = RowRange;

/// Where a field of a particle type is and how to scale it.
struct FieldPlan {
    std::string dataset;        ///< name inside the type's group; empty: the input has none
    std::int64_t columns = 1;   ///< numbers in a row
    double factor = 1.0;        ///< stored value to our unit
    std::int64_t row_bytes = 0; ///< as stored
    bool present() const { return !dataset.empty(); }
};

/// A chunk file and the rows of one particle type in it.
struct Chunk {
    std::string path;
    std::int64_t first = 0;                  ///< row in the concatenation of all chunks
    std::int64_t n_row = 0;                  ///< 0: no such type here, the group may be absent
    std::optional<io::FileStamp> stamp = {}; ///< when its rows were counted; none where not all of them are there
    std::optional<Error> failure = {};       ///< why none of its rows can be had: who needs one meets it
};

/// One particle type of the input: rows [begin, end) of the concatenated chunks are the selection.
struct TablePlan {
    std::string group;
    std::vector<Chunk> chunks;
    std::vector<FieldPlan> fields; ///< indexed by StarField or GasField
    std::int64_t begin = 0, end = 0;
    ParticleType kind = ParticleType::stars;
    std::int64_t size() const { return end - begin; }
    std::int64_t row_bytes() const; ///< of a row of all fields, as stored
    /// The chunks that hold rows of the selection.
    std::vector<Chunk> selected_chunks() const {
        const Range selection{begin, end};
        return chunks_of({&selection, 1});
    }
    /// Those that hold rows of these ranges.
    std::vector<Chunk> chunks_of(std::span<const Range> ranges) const;
};

enum StarField : std::size_t {
    star_coordinates,
    star_velocities,
    star_birth,
    star_initial_mass,
    star_mass,
    star_metallicity,
    n_star_field
};
enum GasField : std::size_t {
    gas_coordinates,
    gas_velocities,
    gas_mass,
    gas_density,
    gas_metallicity,
    gas_star_formation_rate,
    gas_temperature,
    gas_internal_energy,
    gas_electron_abundance,
    n_gas_field
};

/// The field of positions, of either type.
inline constexpr std::size_t any_coordinates = star_coordinates;
static_assert(any_coordinates == static_cast<std::size_t>(gas_coordinates));

/// How the layout tells a star's age.
enum class Birth : std::int64_t {
    age,          ///< Gyr
    scale_factor, ///< of the universe when the star formed
    time,         ///< Gyr, on the clock that gives `snapshot_time`
};

/// All that reading needs to know, worked out by rank 0 alone and then sent to the others: no handle, no communication.
struct Plan {
    SnapshotInfo info;
    TablePlan stars, gas;
    Birth birth = Birth::age;
    bool drops_wind = false;                ///< rows with a formation time <= 0 are wind cells
    double snapshot_time = 0;               ///< Gyr, for Birth::time
    std::array<double, 3> first_position{}; ///< kpc, box frame, of the first star row; where no centre is known
    std::string input_kind = {};            ///< for messages: "TNG mini snapshot 98"
};

/// Rank 0's plan to all ranks; collective.
void broadcast(Plan& plan, Communicator& comm);

/// The share of [begin, end) that belongs to `rank` of `n_rank`: [begin + n·r/P, begin + n·(r+1)/P).
Range share(std::int64_t begin, std::int64_t end, int rank, int n_rank);
/// The same of the rows of several ranges, ascending and apart, one after the other.
std::vector<Range> share(std::span<const Range> ranges, int rank, int n_rank);

} // namespace tessera::particles
