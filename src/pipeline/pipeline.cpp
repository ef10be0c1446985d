// The forward model in the order of its stages; each is a call into its layer.
#include "tessera/pipeline/pipeline.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "pipeline/galaxy.hpp"
#include "pipeline/instrument_stage.hpp"
#include "pipeline/making.hpp"
#include "pipeline/maps.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/product.hpp"
#include "pipeline/stages.hpp"
#include "pipeline/together.hpp"
#include "tessera/comm/communicator.hpp"
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

std::unique_ptr<Making> planned(const std::function<Config()>& config, Communicator& comm, const SharedInputs& shared) {
    auto one = std::make_unique<Making>(shared.time_limit);
    work_on(*one, [&] {
        one->config = config();
        for (const std::string& path : output_paths(*one->config)) { io::check_output_path(path, comm); }
        one->plan.emplace(timed("prepare", [&] { return make_plan(*one->config, comm, shared); }));
        check_inputs_stay(*one->plan, comm);
        check_memory(*one->plan, comm);
    });
    return one;
}

/// The first galaxy, and those of the next that can be made together with it.
Makings made_together(std::size_t most, const std::function<Config(std::size_t)>& config_of, Communicator& comm,
                      const SharedInputs& shared) {
    Makings out;
    out.push_back(planned([&] { return config_of(0); }, comm, shared));
    std::vector<const Plan*> plans;
    const auto may = [&](const Making& one) { return !one.failure && may_join(*one.plan, comm); };
    while (may(*out.back()) && out.size() < std::min<std::size_t>(most, most_together)) {
        plans.push_back(&*out.back()->plan);
        auto next = planned([&] { return config_of(out.size()); }, comm, shared);
        if (!may(*next) || !joins(plans, *next->plan, comm)) { break; } // it will be the first of others
        out.push_back(std::move(next));
    }
    return out;
}

/// After this a galaxy's stars are about its own centre, and turned when they are projected.
void read_and_orient(Making& one, Communicator& comm) {
    const Plan& plan = *one.plan;
    one.origin = timed("read", [&] { return read_stars(plan, one.galaxy); });
    one.limit.check(comm, "reading");
    one.n_star = static_cast<double>(one.galaxy.stars.size());
    timed("orient", [&] { orient(plan, one.origin, one.galaxy, comm); });
    if (plan.config.simulation.depth) {
        timed("others", [&] { add_others(plan, one.galaxy, comm); });
    }
}

/// From a galaxy's planes to its files.
void observe_and_write(Making& one, ObservedCube cube, const Stages& stages, const SharedInputs& shared,
                       Communicator& comm) {
    const Plan& plan = *one.plan;
    CubeSummary& summary = one.summary;
    one.limit.check(comm, "the instrument");
    const auto n_voxel = static_cast<double>(cube.flux.data().size());
    std::vector<double> image;
    std::vector<CubeMap> maps = timed("maps", [&] {
        image = white_light(plan, cube.flux, comm);
        return make_maps(plan, one.galaxy, std::move(summary.synthesis.sums), comm);
    });
    summary.total_flux = std::accumulate(image.begin(), image.end(), 0.0);
    summary.n_star = one.galaxy.report.n_star;
    summary.n_wind_dropped = one.galaxy.report.n_wind_dropped;
    summary.n_in_field = one.galaxy.projection.n_in_field;
    timed("write", [&] {
        CubeProduct product =
            make_product(plan, one.galaxy, summary.synthesis, std::move(cube), std::move(maps), image, comm);
        product.provenance.traffic = stages.traffic();
        if (shared.with_sums && comm.size() == 1 && !is_fits(plan.config.output.path)) {
            const Region region("write/sums");
            summary.sums = sums_of(product);
        }
        WrittenFiles written = write_product(plan, product, summary.synthesis, image, comm);
        summary.files = std::move(written.paths);
        summary.checksum = written.checksum;
    });
    for (const char* stage : {"read", "orient", "spaxels"}) { Regions::instance().count(stage, one.n_star, "stars"); }
    for (const char* stage : {"psf", "lsf", "noise", "write"}) { Regions::instance().count(stage, n_voxel, "voxels"); }
    summary.traffic = stages.traffic();
}

/// The forward model. Up to synthesis its stages are those of all galaxies, then of one after the other.
/// @return  false: what is done for all at once has failed, and none is made
bool make(const Makings& galaxies, Communicator& comm, const Progress& progress, const SharedInputs& shared,
          const CubeEvents& events) {
    std::vector<Making*> all; // with stars
    for (const auto& one : galaxies) {
        work_on(*one, [&] { read_and_orient(*one, comm); });
        if (!one->failure) { all.push_back(one.get()); }
    }
    // What goes wrong there may be the accelerator's own.
    const auto drop_accelerator = [&] {
        if (shared.accelerator) { shared.accelerator->drop(); }
    };
    const auto for_all = [&](const auto& work) {
        const bool alone = all.size() == 1 && !all.front()->failure;
        const bool done = work_on_all(all, work);
        if (!done || (alone && all.front()->failure)) { drop_accelerator(); }
        return done;
    };
    std::unique_ptr<Stages> stages;
    const auto project_all = [&] {
        std::vector<const Plan*> plans;
        std::vector<Galaxy*> stars;
        for (Making* one : all) {
            plans.push_back(&*one->plan);
            stars.push_back(&one->galaxy);
        }
        stages = make_stages(std::move(plans), comm);
        timed("spaxels", [&] { stages->project(stars); });
    };
    if (!for_all(project_all)) { return false; }
    for (Making* one : all) {
        work_on(*one, [&] {
            check_field(*one->plan, one->galaxy.projection);
            timed("gas", [&] { add_gas(*one->plan, one->origin, one->galaxy, comm); });
            one->limit.check(comm, "projection");
        });
    }
    const auto synthesise_all = [&] {
        std::vector<SynthesisReport> reports(all.size());
        const TimeLimit& limit = all.front()->limit; // several are too short for a look at the clock
        timed("synthesis", [&] {
            stages->synthesise(reports, all.size() == 1 ? limited(progress, limit, shared, comm) : Progress(),
                               [&] { limit.check(comm, "a block of synthesis"); });
        });
        for (std::size_t i = 0; i < all.size(); ++i) { all[i]->summary.synthesis = std::move(reports[i]); }
    };
    if (!for_all(synthesise_all)) { return false; }
    std::size_t i_stage = 0;
    for (std::size_t i = 0; i < galaxies.size(); ++i) {
        Making& one = *galaxies[i];
        if (i_stage < all.size() && all[i_stage] == &one) {
            const bool sound = !one.failure;
            work_on(one, [&] {
                one.limit.check(comm, "synthesis");
                report_outside(*one.plan, one.summary.synthesis);
                timed("reduce", [&] { stages->reduce(i_stage); });
                ObservedCube cube = stages->observe(i_stage, share_of(one, all)); // psf, lsf, noise
                observe_and_write(one, std::move(cube), *stages, shared, comm);
            });
            if (sound && one.failure) { drop_accelerator(); }
            ++i_stage;
        }
        if (i + 1 == galaxies.size()) { stages.reset(); } // before ranks learn of each other's failures
        Regions::instance().exchange(std::move(one.stages));
        const CubeOutcome outcome{std::move(one.summary), one.failure, one.limit.taken()};
        if (events.end && !events.end(i, outcome)) { break; }
    }
    return true;
}

/// @return  how many galaxies were begun
std::size_t make_first(std::size_t most, const std::function<Config(std::size_t)>& config_of, Communicator& comm,
                       const Progress& progress, const SharedInputs& shared, const CubeEvents& events) {
    Regions::instance().clear();
    Makings galaxies = made_together(most, config_of, comm, shared);
    const std::size_t n = galaxies.size();
    if (n > 1) { log::detail(fmt::format("{} galaxies are made together", n)); }
    if (events.begin && !events.begin(n)) { return n; }
    if (make(galaxies, comm, progress, shared, events)) { return n; }
    // One of them spoils it for all, or the accelerator does: each for itself.
    galaxies.clear();
    bool go_on = true;
    for (std::size_t i = 0; i < n && go_on; ++i) {
        Regions::instance().clear();
        Makings alone;
        alone.push_back(planned([&] { return config_of(i); }, comm, shared));
        make(alone, comm, progress, shared, {{}, [&](std::size_t, const CubeOutcome& outcome) {
                                                 go_on = !events.end || events.end(i, outcome);
                                                 return go_on;
                                             }});
    }
    return n;
}

} // namespace

CubeSummary run_cube(const Config& config, Communicator& comm, const Progress& progress, const SharedInputs& shared) {
    CubeSummary summary;
    std::exception_ptr failure;
    make_first(1, [&](std::size_t) { return config; }, comm, progress, shared,
               {{}, [&](std::size_t, const CubeOutcome& outcome) {
                    summary = outcome.summary;
                    failure = outcome.failure;
                    return true;
                }});
    if (failure) { std::rethrow_exception(failure); }
    return summary;
}

std::size_t run_cubes(std::size_t most, const std::function<Config(std::size_t)>& config_of, Communicator& comm,
                      const SharedInputs& shared, const CubeEvents& events) {
    return make_first(most, config_of, comm, {}, shared, events);
}

} // namespace tessera
