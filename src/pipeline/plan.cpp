#include "pipeline/plan.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "pipeline/convolution_choice.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/random.hpp"
#include "tessera/pipeline/field.hpp"
#include "tessera/synthesis/coverage.hpp"
#include "tessera/view/rotation.hpp"

namespace tessera {

namespace {

/// `n` more pixels of the same spacing on the side of the first (direction -1) or last (+1) pixel.
void extend(WavelengthGrid& grid, std::int64_t n, int direction) {
    for (std::int64_t i = 0; i < n; ++i) {
        const std::size_t last = grid.centres.size() - 1;
        const double a = direction > 0 ? grid.centres[last] : grid.centres[0];
        const double b = direction > 0 ? grid.centres[last - 1] : grid.centres[1];
        const double edge_a = direction > 0 ? grid.edges[last + 1] : grid.edges[0];
        const double edge_b = direction > 0 ? grid.edges[last] : grid.edges[1];
        const double centre = grid.logarithmic ? a * a / b : 2 * a - b;
        const double edge = grid.logarithmic ? edge_a * edge_a / edge_b : 2 * edge_a - edge_b;
        if (centre <= 0 || edge <= 0) { return; }
        grid.centres.insert(direction > 0 ? grid.centres.end() : grid.centres.begin(), centre);
        grid.edges.insert(direction > 0 ? grid.edges.end() : grid.edges.begin(), edge);
    }
}

/// The band with as many pixels on either side as the LSF reaches over and the library covers.
void add_ghost_pixels(Plan& plan, std::int64_t half_width) {
    plan.pixels = plan.band;
    if (half_width == 0 || plan.band.size() < 2) { return; }
    WavelengthGrid wide = plan.band;
    extend(wide, half_width, -1);
    const std::int64_t before = wide.size() - plan.band.size();
    extend(wide, half_width, +1);
    constexpr double speed = 1000; // km/s: faster stars change what is covered by less than the LSF's width
    const std::vector<bool> covered = covered_pixels(plan.library, wide, plan.config.galaxy.redshift, speed);
    std::int64_t first = before;
    while (first > 0 && covered[static_cast<std::size_t>(first - 1)]) { --first; }
    std::int64_t end = before + plan.band.size();
    while (end < wide.size() && covered[static_cast<std::size_t>(end)]) { ++end; }
    plan.pixels.centres.assign(wide.centres.begin() + first, wide.centres.begin() + end);
    plan.pixels.edges.assign(wide.edges.begin() + first, wide.edges.begin() + end + 1);
    plan.n_before = before - first;
}

void refuse_weights(const Plan& plan) {
    if (plan.config.parallel.reduction != Reduction::weights || plan.has_weights()) { return; }
    const bool rubix = plan.config.synthesis.resampling == Resampling::rubix;
    throw Error({.kind = Kind::config,
                 .where = "parallel.reduction",
                 .found = rubix ? std::string("weights, with RUBIX's resampling, which has no row weights")
                                : fmt::format("weights, on a GPU ({})", plan.accelerator->info().name),
                 .expected = "auto, allreduce, reduce-scatter or exchange there",
                 .cure = rubix ? "Take parallel.reduction: auto, or synthesis.resampling: conserving"
                               : "Take parallel.reduction: auto, or parallel.device: cpu"});
}

/// What is known before the stars are: with one rank nothing is summed. On the host reduce-scatter and exchange need much the same memory, on a
/// GPU partial cubes of the whole field may not fit.
void set_reduction(Plan& plan, Communicator& comm) {
    plan.reduction = plan.config.parallel.reduction;
    plan.reduction_reason = comm.size() == 1 ? "one rank" : "as configured";
    if (plan.reduction != Reduction::automatic) { return; }
    if (comm.size() == 1) {
        plan.reduction = Reduction::reduce_scatter;
        return;
    }
    plan.reduction_reason.clear();
    if (!plan.accelerator) { return; } // the stars decide
    const std::int64_t room = comm.all_reduce_value(plan.accelerator->free_share(), Op::min);
    const auto fits = [&](Reduction reduction) { return device_memory(plan, comm, reduction) <= room; };
    if (fits(Reduction::reduce_scatter) || !fits(Reduction::exchange)) {
        plan.reduction = Reduction::reduce_scatter;
        plan.reduction_reason = "on a GPU, where it overlaps with the product";
        return;
    }
    plan.reduction = Reduction::exchange;
    plan.reduction_reason = "partial cubes of the whole field would not fit into memory";
}

void warn_about_media(const Plan& plan) {
    const Medium telescope = plan.band.medium;
    if (telescope != Medium::unknown && plan.library.medium != Medium::unknown && telescope != plan.library.medium) {
        log::warning(fmt::format("{} measures wavelengths in {}, the SSP library {} gives them in {}: the cube keeps "
                                 "the library's (a shift of about 1.4 Angstrom at 5000)",
                                 plan.telescope.name, word(telescope), plan.library.name, word(plan.library.medium)));
    }
}

} // namespace

std::optional<double> Plan::flux_unit() const {
    if (config.output.flux_unit == FluxUnit::flux) { return 1e-20; }
    return std::nullopt;
}

double Plan::luminosity_to_output() const {
    if (config.output.flux_unit == FluxUnit::luminosity) { return 1; }
    // F = L / (4 pi D_L^2); the 1/(1+z) of a flux density stands in the Angstrom, which is an observed one already.
    const double distance = cosmology.luminosity_distance(config.galaxy.redshift) * 1000 * constants::kpc; // cm
    const double per_angstrom =
        config.synthesis.resampling == Resampling::rubix ? 1 / (1 + config.galaxy.redshift) : 1.0;
    return constants::solar_luminosity * per_angstrom / (4 * constants::pi * distance * distance) / 1e-20;
}

CubeBlocks Plan::blocks(Reduction way, int n_rank, int n_thread) const {
    const bool own = way == Reduction::exchange && n_rank > 1;
    const BlockSizes sizes{.n_spaxel = field.n_padded(),
                           .n_wave = pixels.size(),
                           .n_rank = n_rank,
                           .n_row = own ? (field.n_padded() + n_rank - 1) / n_rank : field.n_padded(),
                           .n_thread = n_thread,
                           .bytes = static_cast<std::int64_t>(config.parallel.block * 1e6),
                           .own_planes = way == Reduction::weights && n_rank > 1};
    return synthesis_blocks(sizes, n_star_rows() / n_rank, config.synthesis);
}

std::int64_t Plan::n_star_rows() const {
    return snapshot->info().n_star_rows + static_cast<std::int64_t>(std::ceil(others.stars.n_inside));
}

std::int64_t Plan::n_gas_rows() const {
    return snapshot->info().n_gas_rows + static_cast<std::int64_t>(std::ceil(others.gas.n_inside));
}

FieldBox Plan::field_of(const Vector3& centre, const Matrix3& rotation) const {
    const auto half = [](const std::vector<double>& edges) { return std::max(-edges.front(), edges.back()); };
    return field_box({half(field.x_edges), half(field.y_edges)}, config.simulation.depth.value(), centre, rotation);
}

std::string Plan::unit_text() const { return std::string(word(config.output.flux_unit)); }

NoiseOptions Plan::noise() const {
    NoiseOptions noise = config.noise;
    if (config.simulation.subhalo) {
        constexpr std::uint64_t stream = 0x6e6f6973; // "nois"
        const Philox own = Philox::at(static_cast<std::uint64_t>(noise.seed), stream,
                                      static_cast<std::uint64_t>(*config.simulation.subhalo));
        noise.seed = static_cast<std::int64_t>(own.word[0]) | static_cast<std::int64_t>(own.word[1] >> 1U) << 32;
    }
    return noise;
}

SharedInputs read_shared_inputs(const Config& config, Communicator& comm) {
    ssp::LibraryOptions options = config.ssp;
    if (options.path != "demo") { options.path = config.resolve(options.path); }
    const device::Host where{device::threads_for(static_cast<int>(config.parallel.threads), comm.ranks_on_node())};
    return {.library = std::make_shared<const ssp::Library>(ssp::read_library(options, comm, {}, where))};
}

namespace {

/// Stars and gas of others are found through indices: those of a catalogue, or of this cube's folder.
void find_others(Plan& plan, const SharedInputs& shared, WithoutFile otherwise, Communicator& comm) {
    const SnapshotOptions& options = plan.config.simulation;
    if (!options.depth) { return; }
    plan.index = shared.index;
    const bool looked_for = shared.snapshot && otherwise == WithoutFile::none; // a catalogue's forecast has done so
    if (!plan.index.stars && !looked_for) {
        const std::string cube = plan.config.resolve(plan.config.output.path);
        const std::string folder =
            options.index ? plan.config.resolve(*options.index) : std::filesystem::path(cube).parent_path().string();
        plan.index = find_field_index(*plan.galaxies, folder, comm, otherwise);
    }
    const auto identity = static_cast<std::uint64_t>(options.subhalo.value_or(0));
    const ByType<RowRange> own = plan.galaxies->rows_of(options.subhalo.value_or(0));
    agree(comm, [&] {
        // Where the stars are to decide, any direction gives an idea of how many there are.
        plan.others = rows_in(plan.index,
                              plan.field_of(plan.snapshot->provisional_origin(),
                                            known_rotation(plan.config.view, identity).value_or(Matrix3())),
                              own);
    });
}

} // namespace

Plan make_plan(const Config& config, Communicator& comm, const SharedInputs& shared, WithoutFile otherwise) {
    check_depth(config);
    SnapshotOptions snapshot_options = config.simulation;
    if (!snapshot_options.path.empty()) { snapshot_options.path = config.resolve(snapshot_options.path); }
    std::shared_ptr<SnapshotIndex> galaxies = shared.snapshot;
    if (config.simulation.depth && !galaxies) {
        SnapshotOptions whole = snapshot_options;
        whole.subhalo.reset();
        galaxies = index_snapshot(whole, {&*config.simulation.subhalo, 1}, comm);
    }

    const device::Host where{device::threads_for(static_cast<int>(config.parallel.threads), comm.ranks_on_node())};
    const int rank_on_node = comm.rank_on_node();
    const int ranks_on_node = comm.ranks_on_node();
    std::shared_ptr<device::Accelerator> accelerator; // first: without it nothing need be read
    agree(comm, [&] {
        accelerator = shared.accelerator
                          ? shared.accelerator->open(config.parallel.device, rank_on_node, where.threads)
                          : device::open_accelerator(config.parallel.device, rank_on_node, where.threads);
        if (!accelerator || accelerator->info().kind != "cuda") { return; }
        const bool one_for_all = config.parallel.device.find(':') != std::string::npos;
        const int n_gpu = one_for_all ? 1 : std::max(1, static_cast<int>(device::gpus().size()));
        accelerator->share_among((ranks_on_node + n_gpu - 1) / n_gpu);
    });
    Plan plan{.config = config,
              .galaxies = galaxies,
              .snapshot = open_snapshot(snapshot_options, comm, where, galaxies.get()),
              .owned_library = shared.library ? shared.library : read_shared_inputs(config, comm).library,
              .cosmology = Cosmology(config.cosmology),
              .where = where};
    plan.accelerator = std::move(accelerator);
    plan.rubix = config.preset == Preset::rubix;
    plan.telescope = load_telescope(config.telescope, config.folder);
    plan.psf = make_psf(config.psf, plan.telescope.spaxel_size);
    const double scale = plan.cosmology.kpc_per_arcsec(config.galaxy.redshift);
    plan.field = plan.rubix ? make_rubix_spatial_grid(plan.telescope.n_x, plan.telescope.field_of_view,
                                                      plan.telescope.spaxel_size, scale)
                            : make_spatial_grid(plan.telescope.n_x, plan.telescope.n_y, plan.telescope.spaxel_size,
                                                scale, plan.psf.reach());
    find_others(plan, shared, otherwise, comm);
    plan.band = plan.telescope.wavelengths();
    warn_about_media(plan);
    if (plan.library.medium != Medium::unknown) { plan.band.medium = plan.library.medium; }
    const auto lsf_on = [&](const WavelengthGrid& grid) {
        return make_lsf(config.lsf, grid, plan.telescope.lsf_fwhm, plan.library.resolution_fwhm,
                        config.galaxy.redshift);
    };
    plan.lsf = lsf_on(plan.band);
    // A kernel with zeros beyond the band (RUBIX) has no use for light from there.
    add_ghost_pixels(plan, plan.lsf.edge == Lsf::Edge::zero ? 0 : plan.lsf.half_width());
    if (plan.pixels.size() != plan.band.size()) { plan.lsf = lsf_on(plan.pixels); }
    // What even a star at rest would miss is known before any is read; synthesis looks again with their true speeds.
    if (config.synthesis.uncovered == Uncovered::error) {
        check_coverage(plan.library, plan.band, config.galaxy.redshift, 0);
    }
    agree(comm, [&] { refuse_weights(plan); });
    set_reduction(plan, comm);
    choose_convolution(plan, comm);
    return plan;
}

} // namespace tessera
