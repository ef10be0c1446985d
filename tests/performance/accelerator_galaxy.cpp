#include "tests/performance/accelerator_galaxy.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "particles/synthetic_population.hpp"
#include "pipeline/device_stages.hpp"
#include "tessera/core/region.hpp"
#include "tessera/particles/synthetic.hpp"

namespace tessera::bench {

namespace {

SyntheticOptions galaxy_options(std::int64_t n_star) {
    SyntheticOptions options;
    options.n_star = n_star;
    options.n_gas = 0;
    options.seed = 3;
    options.inclination = 50;
    options.scale_length = 1;
    options.v_max = 220;
    options.stellar_mass = 5e10;
    options.redshift = 0.06;
    return options;
}

std::string input_of(const std::filesystem::path& folder, Communicator& comm) {
    SyntheticOptions options = galaxy_options(1000);
    options.path = (folder / "plan.hdf5").string();
    make_snapshot(options, comm);
    return options.path;
}

Config config_of(std::vector<std::string> settings, const std::string& ssp, const std::filesystem::path& folder,
                 Communicator& comm) {
    settings.insert(settings.begin(),
                    {"simulation.path=" + input_of(folder, comm), "ssp.path=" + ssp, "parallel.device=cpu"});
    return read_config("", settings);
}

} // namespace

Stars disc_galaxy(std::int64_t n_star, int threads) {
    const synthetic::Population population(galaxy_options(n_star));
    Stars stars;
    stars.resize(n_star);
    device::for_each(device::Host{threads}, n_star, 1024, [&](std::int64_t i) {
        const synthetic::Star star = population.star(population.objects.front(), i);
        const auto at = static_cast<std::size_t>(i);
        const auto put = [&](std::vector<float>& to, double value) { to[at] = static_cast<float>(value); };
        put(stars.x, star.position[0]);
        put(stars.y, star.position[1]);
        put(stars.z, star.position[2]);
        put(stars.vx, star.velocity[0]);
        put(stars.vy, star.velocity[1]);
        put(stars.vz, star.velocity[2]);
        put(stars.initial_mass, star.initial_mass);
        put(stars.mass, star.mass);
        put(stars.metallicity, star.metallicity);
        put(stars.age, star.age);
    });
    return stars;
}

Stars first_of(const Stars& stars, std::int64_t n) {
    Stars out = stars;
    out.resize(n);
    return out;
}

double Run::resident() const {
    double seconds = 0;
    for (const auto& [name, value] : stage) {
        if (name != "spaxels" && name != "download") { seconds += value; }
    }
    return seconds;
}

Telescope::Telescope(const std::vector<std::string>& settings, const std::string& ssp,
                     const std::filesystem::path& folder, std::shared_ptr<device::Accelerator> accelerator,
                     Communicator& comm)
    : comm_(comm), config_(config_of(settings, ssp, folder, comm)), plan_(make_plan(config_, comm)) {
    if (auto* measured = dynamic_cast<MeasuredAccelerator*>(accelerator.get()); measured != nullptr) {
        accelerator_ = measured;
        plan_.accelerator = std::move(accelerator);
    } else {
        auto owned = std::make_unique<MeasuredAccelerator>(std::move(accelerator));
        accelerator_ = owned.get();
        plan_.accelerator = std::move(owned);
    }
}

Run Telescope::observe(const Stars& stars) {
    Galaxy galaxy;
    galaxy.stars = stars;
    Run run;
    const device::AcceleratorInfo before = accelerator_->info();
    Regions::instance().clear();
    const auto start = std::chrono::steady_clock::now();
    SynthesisReport report;
    {
        DeviceStages stages({&plan_}, comm_);
        const auto named = [&](const char* name) { accelerator_->stage(name); };
        named("spaxels");
        stages.project(std::array{&galaxy});
        named("synthesis");
        stages.synthesise({&report, 1}, {}, {});
        named("reduce");
        stages.reduce(0);
        named("psf, lsf, noise");
        const ObservedCube cube = stages.observe(0, 1);
        run.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    for (const Regions::Entry& entry : Regions::instance().entries()) {
        if (entry.name.rfind("gpu/", 0) == 0) {
            run.stage[entry.name.substr(4)] = entry.seconds;
        } else {
            run.part[entry.name] = entry.seconds;
        }
    }
    run.up = accelerator_->info().copy_bytes - before.copy_bytes;
    run.down = accelerator_->info().back_bytes - before.back_bytes;
    run.method = fmt::format("{} spaxels exact, {} binned, {} compressed", report.n_spaxel_exact,
                             report.n_spaxel_binned, report.n_spaxel_compressed);
    run.error = report.error_rms;
    return run;
}

} // namespace tessera::bench
