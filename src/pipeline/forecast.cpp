#include <fmt/format.h>

#include "pipeline/plan.hpp"
#include "pipeline/product.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/io/write_aside.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera {

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
