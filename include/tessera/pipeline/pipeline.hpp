#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/output/cube_measures.hpp"
#include "tessera/particles/row_index.hpp"
#include "tessera/pipeline/config.hpp"
#include "tessera/synthesis/synthesis.hpp"
#include "tessera/synthesis/work_estimate.hpp"

namespace tessera {

/// What a run did, for the person who started it; the same on every rank but for the traffic.
struct CubeSummary {
    std::vector<std::string> files; ///< written, absolute or as configured
    std::int64_t n_star = 0;        ///< read and kept
    std::int64_t n_wind_dropped = 0;
    std::int64_t n_in_field = 0;
    SynthesisReport synthesis;
    Traffic traffic;       ///< of this rank, that of the communicator before the run included
    double total_flux = 0; ///< sum over the cube of flux times pixel width, in the output's unit times Angstrom
    /// Of an HDF5 cube that one rank made, what its file would have to be read for: its sums, where SharedInputs asks for them, and its
    /// io::file_checksum.
    std::optional<CubeSums> sums;
    std::optional<std::uint64_t> checksum;
};

/// Memory that a rank will need, by item. Phases follow each other: the peak is what is always there plus the largest phase.
struct MemoryItem {
    enum class Phase { always, reading, gas, synthesis, reduction, instrument, writing };
    std::string name;
    std::int64_t bytes = 0;
    Phase phase = Phase::always;
};

/// The largest sum of what is there at one time, bytes.
std::int64_t peak_memory(const std::vector<MemoryItem>& items);

/// Sizes that decide what a run costs.
struct CubeSizes {
    std::int64_t n_star_rows = 0;    ///< of the selection; with simulation.depth also of others, by an estimate
    std::int64_t n_spaxel = 0;       ///< of the field with the margin that the PSF reaches over
    std::int64_t n_spaxel_field = 0; ///< of the field alone
    std::int64_t n_pixel = 0;        ///< wavelengths, with the ghost pixels that the LSF reaches over
    std::int64_t n_pixel_band = 0;   ///< the telescope's own
    std::int64_t lsf_half_width = 0; ///< planes on either side that the LSF mixes; 0: no LSF
    std::int64_t n_node = 0;         ///< of the SSP library
    std::int64_t library_bytes = 0;
    SpaxelWork work = {};          ///< of the method, by the stars of a spaxel
    bool estimates_errors = false; ///< any method but exact: its settings and its error sample take time as well

    /// Of the cube that is summed over ranks: single precision, margin and ghosts included.
    std::int64_t cube_bytes() const { return n_spaxel * n_pixel * 4; }
};

/// What a run would do: `tessera cube --dry-run`.
struct CubeForecast {
    CubeSizes sizes;
    std::vector<std::string> lines; ///< input, grid, method, in words
    std::vector<MemoryItem> memory; ///< of a rank
    std::int64_t available = 0;     ///< bytes that each rank may use
    int least_ranks = 0;            ///< on which it would fit with as much memory each; 0: on no number
    int ranks_on_node = 1;
    std::int64_t bytes_to_read = 0; ///< all ranks
    std::int64_t bytes_to_write = 0;
};

/// What many galaxies have in common, so that it is read once. Null: each run reads its own.
struct SharedInputs {
    std::shared_ptr<const ssp::Library> library; ///< what read_shared_inputs() makes of the same configuration's `ssp`
    std::optional<double> time_limit = {};       ///< s that each run may take until it writes; none: any time
    std::shared_ptr<SnapshotIndex> snapshot =
        {};                 ///< of the same `simulation`, with the galaxies that will be asked for
    FieldIndex index = {};  ///< of that snapshot, for simulation.depth
    bool with_sums = false; ///< CubeSummary::sums
    /// Of this rank, with what galaxies have in common in its memory. Dropped after an error that may be its own.
    std::shared_ptr<device::AcceleratorSlot> accelerator = {};
};

/// Reads it; every rank of `comm` holds it afterwards. Collective. @throws Error(Kind::data)  as ssp::read_library
SharedInputs read_shared_inputs(const Config& config, Communicator& comm);

/// One galaxy to one cube: read, orient, filter, spaxels, SSP look-up, Doppler shift, resampling, sum, PSF, LSF, noise, maps,
/// files. Collective. The time limit is looked at between stages, between blocks of synthesis, and on one rank between its batches of stars.
/// @throws Error  of every kind, the same on every rank; no file under its final name is left incomplete
CubeSummary run_cube(const Config& config, Communicator& comm, const Progress& progress = {},
                     const SharedInputs& shared = {});

/// How one of several cubes ended. Regions::instance() has its stages, with its share of those that were done for several together.
struct CubeOutcome {
    CubeSummary summary;
    std::exception_ptr failure; ///< null: it is made
    double seconds = 0;         ///< its own, and its share
};

/// What run_cubes tells of its work; on every rank.
struct CubeEvents {
    /// The first so many cubes are to be begun. @return  false: they are not
    std::function<bool(std::size_t n)> begin;
    /// The i-th has ended. @return  false: the others are given up, too
    std::function<bool(std::size_t i, const CubeOutcome& outcome)> end;
};

/// Makes the first of some cubes, and together with it as many of the next as can be: on an accelerator, by one rank, small galaxies that
/// agree in all that synthesis depends on and fit into its memory, 16 at most. Their stars go through one synthesis, whose methods are
/// those of each galaxy alone: a cube is the one that run_cube makes within 1e-6 of its maximum, since sums in single precision are
/// parted otherwise. A galaxy that fails fails alone. The time limit is each galaxy's. Collective.
/// @param most       cubes there are to be made, at least 1
/// @param config_of  of the i-th, asked for as far as it is needed
/// @return           how many were begun
std::size_t run_cubes(std::size_t most, const std::function<Config(std::size_t)>& config_of, Communicator& comm,
                      const SharedInputs& shared, const CubeEvents& events);

/// Looks at the inputs and plans, reads no particle. Collective.
CubeForecast forecast_cube(const Config& config, Communicator& comm, const SharedInputs& shared = {});

/// Bytes a rank may use on this node: memory available now (or the control group's limit), shared among its ranks.
std::int64_t available_memory(Communicator& comm);

} // namespace tessera
