// The forward model in the order of its stages; each is a call into its layer.
#include "tessera/pipeline/pipeline.hpp"

#include <numeric>

#include <fmt/format.h>

#include "pipeline/galaxy.hpp"
#include "pipeline/instrument_stage.hpp"
#include "pipeline/maps.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/product.hpp"
#include "pipeline/stages.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/comm/time_limit.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera {

namespace {

template <class Stage>
auto timed(const char* name, Stage&& stage) {
    const Region region(name);
    return stage();
}

/// Progress that looks at the clock as well, where no other rank has to be asked.
Progress limited(const Progress& progress, const TimeLimit& limit, const SharedInputs& shared, Communicator& comm) {
    if (!shared.time_limit || comm.size() > 1) { return progress; }
    return [&](std::int64_t done, std::int64_t total) {
        if (progress) { progress(done, total); }
        limit.check(comm, "a batch of stars");
    };
}

void report_outside(const Plan& plan, const SynthesisReport& report) {
    if (report.n_outside_grid == 0) { return; }
    log::warning(
        fmt::format("{} stars in the field have ages and {} metallicities outside the grid of {} ({:g} to {:g} Gyr, Z "
                    "{:g} to {:g}): {}",
                    report.n_age_outside, report.n_metallicity_outside, plan.library.name, plan.library.age.front(),
                    plan.library.age.back(), plan.library.metallicity.front(), plan.library.metallicity.back(),
                    plan.config.ssp.outside == ssp::Outside::zero ? "they give no light" : "the nearest edge is used"));
}

CubeSummary make_cube(const Config& config, Communicator& comm, const Progress& progress, const SharedInputs& shared) {
    Regions::instance().clear();
    const TimeLimit limit(shared.time_limit);
    for (const std::string& path : output_paths(config)) { io::check_output_path(path, comm); }
    const Plan plan = timed("prepare", [&] { return make_plan(config, comm, shared); });
    check_inputs_stay(plan, comm);
    check_memory(plan, comm);

    const std::unique_ptr<Stages> stages = make_stages(plan, comm);
    CubeSummary summary;
    Galaxy galaxy;
    const Vector3 origin = timed("read", [&] { return read_stars(plan, galaxy); });
    limit.check(comm, "reading");
    const auto n_star = static_cast<double>(galaxy.stars.size());
    timed("orient", [&] { orient(plan, origin, galaxy, comm); });
    if (config.simulation.depth) {
        timed("others", [&] { add_others(plan, galaxy, comm); });
    }
    timed("spaxels", [&] { stages->project(galaxy); });
    timed("gas", [&] { add_gas(plan, origin, galaxy, comm); });
    limit.check(comm, "projection");
    timed("synthesis", [&] {
        stages->synthesise(summary.synthesis, limited(progress, limit, shared, comm),
                           [&] { limit.check(comm, "a block of synthesis"); });
    });
    limit.check(comm, "synthesis");
    report_outside(plan, summary.synthesis);
    timed("reduce", [&] { stages->reduce(); });
    ObservedCube cube = stages->observe(); // psf, lsf, noise
    limit.check(comm, "the instrument");
    const auto n_voxel = static_cast<double>(cube.flux.data().size());
    std::vector<double> image;
    std::vector<CubeMap> maps = timed("maps", [&] {
        image = white_light(plan, cube.flux, comm);
        return make_maps(plan, galaxy, std::move(summary.synthesis.sums), comm);
    });
    summary.total_flux = std::accumulate(image.begin(), image.end(), 0.0);
    summary.n_star = galaxy.report.n_star;
    summary.n_wind_dropped = galaxy.report.n_wind_dropped;
    summary.n_in_field = galaxy.projection.n_in_field;
    timed("write", [&] {
        CubeProduct product =
            make_product(plan, galaxy, summary.synthesis, std::move(cube), std::move(maps), image, comm);
        product.provenance.traffic = stages->traffic();
        if (shared.with_sums && comm.size() == 1 && !is_fits(plan.config.output.path)) {
            const Region region("write/sums");
            summary.sums = sums_of(product);
        }
        WrittenFiles written = write_product(plan, product, summary.synthesis, image, comm);
        summary.files = std::move(written.paths);
        summary.checksum = written.checksum;
    });
    for (const char* stage : {"read", "orient", "spaxels"}) { Regions::instance().count(stage, n_star, "stars"); }
    for (const char* stage : {"psf", "lsf", "noise", "write"}) { Regions::instance().count(stage, n_voxel, "voxels"); }
    summary.traffic = stages->traffic();
    return summary;
}

} // namespace

CubeSummary run_cube(const Config& config, Communicator& comm, const Progress& progress, const SharedInputs& shared) {
    try {
        return make_cube(config, comm, progress, shared);
    } catch (...) {
        if (shared.accelerator) { shared.accelerator->drop(); } // what went wrong may have been its own
        throw;
    }
}

CubeForecast forecast_cube(const Config& config, Communicator& comm, const SharedInputs& shared) {
    for (const std::string& path : output_paths(config)) { io::check_output_path(path, comm); }
    const Plan plan = make_plan(config, comm, shared, WithoutFile::none);
    check_inputs_stay(plan, comm);
    const SnapshotInfo& info = plan.snapshot->info();
    CubeForecast forecast;
    forecast.sizes = {.n_star_rows = plan.n_star_rows(),
                      .n_spaxel = plan.field.n_padded(),
                      .n_spaxel_field = plan.field.n_x * plan.field.n_y,
                      .n_pixel = plan.pixels.size(),
                      .n_pixel_band = plan.band.size(),
                      .lsf_half_width = plan.lsf.is_identity() ? 0 : plan.lsf.half_width(),
                      .n_node = plan.library.n_node(),
                      .library_bytes = plan.library.n_node() * plan.library.n_wave() * 4,
                      .work = spaxel_work(plan.library, plan.pixels, config.synthesis),
                      .estimates_errors = config.synthesis.method != Method::exact};
    forecast.lines.push_back(
        fmt::format("input    {}: {} rows of stars, {} of gas", info.description, info.n_star_rows, info.n_gas_rows));
    if (config.simulation.depth) {
        forecast.lines.push_back(
            plan.index.stars ? fmt::format("others   about {:.0f} stars and {:.0f} gas cells more in the field, {} "
                                           "rows read for them",
                                           plan.others.stars.n_inside, plan.others.gas.n_inside,
                                           plan.others.stars.n_row + plan.others.gas.n_row)
                             : std::string("others   unknown: there is no index of the stars yet, a run makes it "
                                           "first"));
    }
    forecast.lines.push_back(fmt::format("SSP      {}: {} ages, {} metallicities, {} wavelengths", plan.library.name,
                                         plan.library.n_age(), plan.library.n_metallicity(), plan.library.n_wave()));
    forecast.lines.push_back(fmt::format(
        "grid     {}: {} x {} spaxels (+{} around for the PSF), {} wavelengths (+{} for the LSF)", plan.telescope.name,
        plan.field.n_x, plan.field.n_y, plan.field.margin, plan.band.size(), plan.pixels.size() - plan.band.size()));
    forecast.lines.push_back(fmt::format("method   {}, {} resampling, {} interpolation; {} ranks of {} threads",
                                         word(config.synthesis.method), word(config.synthesis.resampling),
                                         word(config.synthesis.interpolation), comm.size(), plan.where.threads));
    forecast.lines.push_back(
        fmt::format("reduce   {}{}", word(plan.reduction),
                    plan.reduction_reason.empty() ? ": the stars decide" : " (" + plan.reduction_reason + ")"));
    forecast.lines.push_back(fmt::format("convolve {} ({})", word(plan.convolution), plan.convolution_reason));
    if (plan.accelerator) {
        const device::AcceleratorInfo& device = plan.accelerator->info();
        forecast.lines.push_back(fmt::format("device   {} {}: {}, {:.3g} GB free; stars and cubes take {:.3g} GB",
                                             device.kind, device.index, device.name,
                                             static_cast<double>(plan.accelerator->free_share()) * 1e-9,
                                             static_cast<double>(device_memory(plan, comm, plan.reduction)) * 1e-9));
    }
    for (const std::string& path : output_paths(config)) { forecast.lines.push_back("write    " + path); }
    forecast.memory = memory_plan(plan, comm);
    forecast.available = available_memory(comm);
    forecast.least_ranks = least_ranks(plan, forecast.available);
    forecast.ranks_on_node = comm.ranks_on_node();
    forecast.bytes_to_read = info.bytes_to_read;
    for (const ParticleType type : both_types) {
        if (plan.galaxies) { forecast.bytes_to_read += plan.others[type].n_row * plan.galaxies->row_bytes(type); }
    }
    const std::int64_t voxels = plan.field.n_x * plan.field.n_y * plan.band.size();
    for (const std::string& path : output_paths(config)) {
        forecast.bytes_to_write += voxels * bytes_a_voxel(path, plan.config.noise.kind != NoiseKind::none);
    }
    if (config.output.stages) { forecast.bytes_to_write += voxels * 12; } // three cubes more
    return forecast;
}

} // namespace tessera
