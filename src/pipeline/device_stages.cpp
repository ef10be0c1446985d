#include "pipeline/device_stages.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/instrument/device_instrument.hpp"
#include "tessera/synthesis/device_synthesis.hpp"
#include "tessera/view/star_exchange.hpp"

namespace tessera {

DeviceStages::DeviceStages(std::vector<const Plan*> plans, Communicator& comm)
    : plans_(std::move(plans)), plan_(*plans_.front()), mpi_(comm), accelerator_(*plan_.accelerator),
      by_nccl_(device_communicator(comm, accelerator_)) {}

void DeviceStages::project(std::span<Galaxy* const> galaxies) {
    const StageMarks::Stage stage(joint_marks_, "spaxels");
    std::vector<FieldStars> fields;
    for (Galaxy* galaxy : galaxies) { fields.push_back({galaxy->stars, galaxy->rotation.matrix, galaxy->projection}); }
    sky_ = order_on_device(accelerator_, fields, plan_.field, plan_.config.output.stages, plan_.where, mpi_);
    // Several galaxies are made by one rank, which has nothing to choose.
    reduction_ = choose_reduction(plan_, [&] { return stars_in_spaxels(sky_.start, mpi_); }, mpi_);
    for (Galaxy* galaxy : galaxies) {
        galaxy->reduction = reduction_.method;
        galaxy->reduction_reason = reduction_.reason;
    }
    if (exchanges()) {
        sky_ = exchange_by_spaxel(accelerator_, std::move(sky_), reduction_.owners, mpi_, comm());
        watch();
        rows_ = reduction_.owners.of_rank(mpi_.rank());
    }
}

void DeviceStages::synthesise(std::span<SynthesisReport> reports, const Progress& progress,
                              const std::function<void()>& /*check*/) { // the stages are short
    const StageMarks::Stage stage(joint_marks_, "synthesis");
    const bool in_blocks = mpi_.size() > 1 && reduction_.method == Reduction::reduce_scatter;
    PlaneBlocks blocks;
    std::optional<std::span<const std::int64_t>> rows;
    if (exchanges()) { rows = rows_; }
    agree(mpi_, [&] {
        partial_ = DevicePartial(accelerator_, plan_.pixels.size(), rows ? std::ssize(rows_) : plan_.field.n_padded(),
                                 std::ssize(plans_));
        if (!in_blocks) { return; }
        while_made_ = std::make_unique<BlockedReduction>(accelerator_, partial_, plan_.field.padded_y(),
                                                         plan_.field.padded_x(), comm());
        blocks = {while_made_->blocks(), [&](WaveRange block) { while_made_->done(block); }};
    });
    synthesise_into(partial_, blocks, accelerator_, sky_, plan_.library, plan_.config.ssp.outside, plan_.pixels,
                    plan_.config.galaxy.redshift, plan_.config.synthesis, plan_.where, mpi_, reports, progress,
                    std::array{plan_.band.edges.front(), plan_.band.edges.back()}, {}, rows);
    sky_ = DeviceSpaxelStars();
}

void DeviceStages::reduce(std::size_t galaxy) {
    const StageMarks::Stage stage(marks_, "reduce");
    const std::int64_t n_y = plan_.field.padded_y(), n_x = plan_.field.padded_x();
    if (plans_.size() > 1) { // one rank, several galaxies
        summed_ = planes_of_field(accelerator_, partial_, static_cast<std::int64_t>(galaxy), n_y, n_x);
    } else if (while_made_) {
        summed_ = while_made_->finish();
        while_made_.reset();
        partial_ = DevicePartial();
    } else if (exchanges()) {
        summed_ = collect_planes(accelerator_, std::move(partial_), reduction_.owners, n_y, n_x, mpi_, comm());
    } else {
        summed_ = tessera::reduce(accelerator_, std::move(partial_), n_y, n_x, reduction_.method, comm());
    }
    watch();
    agree(mpi_, [&] { scale(accelerator_, summed_, plans_[galaxy]->luminosity_to_output()); });
}

/// A rank that died leaves the others' GPUs waiting without end: the host waits here, with an eye on errors and the clock.
void DeviceStages::watch() {
    if (by_nccl_) { by_nccl_->wait(accelerator_.compute()); }
}

/// What the cube took of the accelerator besides arithmetic.
void DeviceStages::log_work() {
    const device::AcceleratorInfo& now = accelerator_.info();
    const device::WorkCounts work = now.work.since(before_.work);
    log::detail(fmt::format("accelerator: {} launches, {} uploads of {} bytes, {} downloads of {} bytes, {} "
                            "reservations, {} plans of Fourier transforms, {} waits of the host",
                            work.launches, work.uploads, now.copy_bytes - before_.copy_bytes, work.downloads,
                            now.back_bytes - before_.back_bytes, work.reservations, work.fft_plans, work.waits));
    before_ = now;
}

namespace {

/// The planes of the slab that lie in the telescope's band, renumbered from the band's first pixel; margin cut off.
DeviceSlab band_planes(device::Accelerator& accelerator, const Plan& plan, const DeviceSlab& slab,
                       std::int64_t margin) {
    const WaveRange band = plan.band_range();
    const std::int64_t first = std::clamp(slab.range.first, band.first, band.end());
    const std::int64_t end = std::clamp(slab.range.end(), first, band.end());
    if (first == end) { // cut_out has no planes to start from
        return DeviceSlab(accelerator, {first - band.first, 0}, slab.n_y - 2 * margin, slab.n_x - 2 * margin);
    }
    return cut_out(accelerator, slab, {first, end - first}, margin, band.first);
}

} // namespace

Traffic DeviceStages::traffic() const {
    Traffic all = mpi_.traffic();
    if (by_nccl_) { all.add_device_part(by_nccl_->traffic()); }
    return all;
}

ObservedCube DeviceStages::observe(std::size_t galaxy, double share) {
    const Plan& own = *plans_[galaxy];
    ObservedCube out;
    const bool stages = plan_.config.output.stages;
    const auto keep = [&](const DeviceSlab& slab, std::int64_t margin) {
        return to_host(accelerator_, band_planes(accelerator_, plan_, slab, margin));
    };
    DeviceSlab blurred;
    {
        const Region region("psf");
        const StageMarks::Stage stage(marks_, "psf");
        agree(mpi_, [&] {
            if (stages) { out.accumulated = keep(summed_, plan_.field.margin); }
            blurred = convolve(accelerator_, summed_, plan_.psf, plan_.field.margin);
            summed_ = DeviceSlab();
            if (stages) { out.psf = keep(blurred, 0); }
        });
    }
    DeviceSlab flux;
    {
        const Region region("lsf");
        const StageMarks::Stage stage(marks_, "lsf");
        if (!plan_.lsf.is_identity()) {
            const WaveRange wanted = blurred.range;
            DeviceSlab ghosts = with_ghosts(accelerator_, blurred, plan_.lsf.half_width(), plan_.pixels.size(), comm());
            blurred = DeviceSlab(); // two slabs at a time, and no more
            watch();
            agree(mpi_, [&] { blurred = apply_lsf(accelerator_, ghosts, wanted, plan_.lsf); });
        }
        agree(mpi_, [&] {
            flux = band_planes(accelerator_, plan_, blurred, 0);
            if (stages) { out.lsf = to_host(accelerator_, flux); }
        });
        blurred = DeviceSlab();
    }
    {
        const Region region("noise");
        const NoiseScene scene{.wavelengths = &plan_.band,
                               .spaxel_size = plan_.telescope.spaxel_size,
                               .flux_unit = own.flux_unit(),
                               .n_thread = plan_.where.threads};
        DeviceSlab variance;
        {
            const StageMarks::Stage stage(marks_, "noise");
            variance = add_noise(accelerator_, flux, own.noise(), scene, mpi_);
        }
        const StageMarks::Stage stage(marks_, "download");
        agree(mpi_, [&] {
            out.flux = to_host(accelerator_, flux);
            if (variance.n_wave() > 0) { out.variance = to_host(accelerator_, variance); }
        });
    }
    agree(mpi_, [&] {
        accelerator_.compute().finish(); // all is done already but the last mark
        joint_marks_.report(share);
        marks_.report();
        marks_.clear();
    });
    log_work();
    return out;
}

} // namespace tessera
