#include "scaling/synthetic_work.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/particles/synthetic.hpp"

namespace fs = std::filesystem;

namespace tessera {

namespace {

/// The galaxy of docs/benchmark.md: most of its stars fall into the 5 arcsec of a MUSE cube at redshift 0.06.
SyntheticOptions galaxy(const ScalingConfig& config, const std::string& path, std::int64_t n_star) {
    SyntheticOptions options;
    options.path = path;
    options.n_star = n_star;
    options.n_gas = 0;
    options.seed = config.scaling.seed;
    options.redshift = config.cube.galaxy.redshift;
    options.stellar_mass = 5e10;
    options.scale_length = 1;
    options.v_max = 220;
    options.inclination = 50;
    return options;
}

} // namespace

ScratchFolder::~ScratchFolder() {
    if (!owns_) { return; }
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

ScalingWork::ScalingWork(const ScalingConfig& config, const ScalingRequest& request, Communicator& world)
    : config_(config), kind_(request.kind), folder_(fs::absolute(request.scratch).string(), world.is_root()) {
    if (!config.cube.simulation.path.empty() && kind_ == ScalingKind::weak) {
        throw Error({.kind = Kind::config,
                     .where = "simulation.path",
                     .found = config.cube.simulation.path + " in a weak study",
                     .expected = "null: a weak study needs as many stars a rank on any number of ranks",
                     .cure = "Leave simulation out, for a synthetic galaxy of scaling.stars a rank, or ask for "
                             "`tessera scaling strong`"});
    }
    agree(world, [&] {
        if (!world.is_root()) { return; }
        std::error_code failure;
        fs::remove_all(folder_.path(), failure); // of a study that was killed
        fs::create_directory(folder_.path(), failure);
        if (failure) {
            throw Error({.kind = Kind::resource,
                         .where = folder_.path(),
                         .found = failure.message(),
                         .expected = "a folder that can be made, for the galaxy and the cubes of the study"});
        }
    });
    if (!config.cube.simulation.path.empty()) { return; }
    std::set<std::int64_t> numbers;
    for (const int n_rank : request.ranks) {
        numbers.insert(stars_on(n_rank));
        if (config.scaling.side_by_side) { numbers.insert(stars_a_rank(n_rank)); }
    }
    for (const std::int64_t n_star : numbers) { make_snapshot(galaxy(config, galaxy_file(n_star), n_star), world); }
}

std::int64_t ScalingWork::stars_on(int n_rank) const {
    return config_.scaling.stars * (kind_ == ScalingKind::weak ? n_rank : 1);
}

std::int64_t ScalingWork::stars_a_rank(int n_rank) const {
    return std::max<std::int64_t>(1, stars_on(n_rank) / n_rank);
}

std::string ScalingWork::galaxy_file(std::int64_t n_star) const {
    return (fs::path(folder_.path()) / fmt::format("stars_{}.hdf5", n_star)).string();
}

Config ScalingWork::config_of(int n_rank, Reduction reduction) const { return config_of(stars_on(n_rank), reduction); }

Config ScalingWork::share_of(int n_rank) const { return config_of(stars_a_rank(n_rank), Reduction::automatic); }

Config ScalingWork::config_of(std::int64_t n_star, Reduction reduction) const {
    Config config = config_.cube;
    if (config.simulation.path.empty()) {
        config.simulation.path = galaxy_file(n_star);
        config.simulation.format = SnapshotFormat::plain;
    }
    // The cube alone: FITS and picture are written beside it where they are wanted, and tell nothing more of scaling.
    config.output.path = (fs::path(folder_.path()) / "cube.h5").string();
    config.output.fits.reset();
    config.output.quicklook.reset();
    config.parallel.reduction = reduction;
    return config;
}

std::string ScalingWork::text() const {
    if (!config_.cube.simulation.path.empty()) { return config_.cube.simulation.path; }
    return fmt::format("synthetic disc galaxy, {} stars {}, seed {}", config_.scaling.stars,
                       kind_ == ScalingKind::weak ? "a rank" : "in all", config_.scaling.seed);
}

} // namespace tessera
