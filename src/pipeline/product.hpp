#pragma once

#include "pipeline/galaxy.hpp"
#include "pipeline/instrument_stage.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

/// Everything that the files hold. Collective.
CubeProduct make_product(const Plan& plan, const Galaxy& galaxy, const SynthesisReport& report, ObservedCube&& cube,
                         std::vector<CubeMap>&& maps, const std::vector<double>& image, Communicator& comm);

/// The files that were written.
struct WrittenFiles {
    std::vector<std::string> paths;
    std::optional<std::uint64_t> checksum; ///< of the first, where writing it has shown it
};

/// Writes the files that the configuration names. Collective.
WrittenFiles write_product(const Plan& plan, CubeProduct& product, const SynthesisReport& report,
                           const std::vector<double>& image, Communicator& comm);

/// Paths of the files that will be written: cube, FITS, picture.
std::vector<std::string> output_paths(const Config& config);

/// Of flux, variance (where there is noise, or the format wants it) and mask in a file of that name; 0: it is a picture.
std::int64_t bytes_a_voxel(const std::string& path, bool noisy);

/// Keeps a run from replacing what it reads. Collective.
/// @throws Error(Kind::config)  an output path is a particle file or the SSP library of this run
void check_inputs_stay(const Plan& plan, Communicator& comm);

} // namespace tessera
