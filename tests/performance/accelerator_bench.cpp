// tessera_gpu_bench: what a GPU makes of a galaxy, beside what it can do at most. Needs no file and no other program; results in JSON.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tessera/comm/environment.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/hdf5.hpp"
#include "tests/performance/accelerator_galaxy.hpp"
#include "tests/performance/accelerator_roofs.hpp"

namespace tessera::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* usage = R"(tessera_gpu_bench [options]
  --device NAME     cuda (default), cuda:N, emulated
  --small           sizes that the emulation does in seconds: tests this program, measures nothing
  --ssp FILE        SSP library [demo, the built-in one]
  --stars N         largest number of stars [1e7]
  --seconds S       stop beginning new measurements after so long [240]
  --model           no measurement: the work of each stage, counted in a run on the emulation, and the time that a device of
                    4 TB/s and 60 TFLOP/s needs at least
  -o FILE           results [standard output]
  --compare A B     compare the fluxes of two cubes: prints the largest difference over the largest flux
  --leave MIB       take all memory of the device but so much, say "held", keep it until standard input ends
)";

struct Options {
    std::string device = "cuda", ssp = "demo", output;
    std::vector<std::string> compare;
    std::int64_t stars = 10'000'000, leave = -1;
    double seconds = 240;
    bool small = false, model = false;
};

[[noreturn]] void refuse(const std::string& why) {
    throw Error({.kind = Kind::config, .where = "tessera_gpu_bench", .found = why, .expected = usage, .cure = ""});
}

Options options_of(const std::vector<std::string>& words) {
    Options options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto next = [&] {
            if (i + 1 >= words.size()) { refuse(words[i] + " without a value"); }
            return words[++i];
        };
        const std::string& word = words[i];
        if (word == "--device") {
            options.device = next();
        } else if (word == "--small") {
            options.small = true;
        } else if (word == "--model") {
            options.model = true;
        } else if (word == "--ssp") {
            options.ssp = std::filesystem::absolute(next()).string();
        } else if (word == "--stars") {
            options.stars = std::llround(std::atof(next().c_str()));
        } else if (word == "--seconds") {
            options.seconds = std::atof(next().c_str());
        } else if (word == "--leave") {
            options.leave = std::atoll(next().c_str());
        } else if (word == "-o") {
            options.output = next();
        } else if (word == "--compare") {
            options.compare = {next(), next()};
        } else {
            refuse("'" + word + "'");
        }
    }
    if (options.stars < 1 || options.seconds <= 0) { refuse("a number that is not positive"); }
    return options;
}

/// Seconds since the program's start.
double clock_now() {
    static const auto start = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class Values>
double median(Values values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? std::nan("") : values[values.size() / 2];
}

/// Operations of one kernel in one stage.
struct Sum {
    std::string stage, name;
    std::int64_t calls = 0;
    double seconds = 0;
    Work work = {};
    Limit limit = {}; ///< sum of the operations' limits; `by` of the longest
    double longest = 0;
};

std::vector<Sum> sums_of(const std::vector<Operation>& operations, const Rates& rates) {
    std::vector<Sum> sums;
    for (const Operation& operation : operations) {
        auto at = std::find_if(sums.begin(), sums.end(),
                               [&](const Sum& s) { return s.stage == operation.stage && s.name == operation.name; });
        if (at == sums.end()) { at = sums.insert(at, Sum{operation.stage, operation.name}); }
        ++at->calls;
        at->seconds += operation.seconds;
        at->work += operation.work;
        const Limit limit = limit_of(operation.name, operation.work, rates);
        at->limit.seconds += limit.seconds;
        if (limit.seconds > at->longest) {
            at->longest = limit.seconds;
            at->limit.by = limit.by;
        }
    }
    return sums;
}

Json json_of(const Work& work) {
    return Json{{"bytes", work.bytes},
                {"cache_bytes", work.cache_bytes},
                {"multiply_adds", work.multiply_adds},
                {"doubles", work.doubles},
                {"shared_adds", work.shared_adds}};
}

Json json_of(const Run& run) {
    return Json{{"wall_s", run.wall},   {"resident_s", run.resident()}, {"stages_s", run.stage},
                {"parts_s", run.part},  {"up_bytes", run.up},           {"down_bytes", run.down},
                {"chosen", run.method}, {"error_rms", run.error}};
}

/// The run whose synthesis to noise took the median.
Run median_run(std::vector<Run> runs) {
    std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.resident() < b.resident(); });
    return runs[runs.size() / 2];
}

class Bench {
public:
    Bench(const Options& options, const std::filesystem::path& folder, Communicator& comm)
        : options_(options), folder_(folder), comm_(comm), threads_(device::threads_for(0, 1)),
          accelerator_(open(options, threads_)) {}

    std::string run() {
        const device::AcceleratorInfo info = accelerator_->info();
        Json out = Json::object();
        out["schema"] = 1;
        out["device"] = Json{{"kind", info.kind}, {"name", info.name}, {"memory", info.memory}};
        out["threads"] = threads_;
        out["ssp"] = std::filesystem::path(options_.ssp).filename().string();
        out["small"] = options_.small;
        if (!options_.model) { add_roofs(out); }
        say("making a galaxy");
        stars_ = disc_galaxy(largest(), threads_);
        add_galaxy(out);
        if (!options_.model) {
            add_numbers_of_stars(out);
            add_many(out);
        }
        out["seconds"] = clock_now();
        return out.dump(1) + "\n";
    }

private:
    static std::shared_ptr<device::Accelerator> open(const Options& options, int threads) {
        if (options.model) {
            return device::emulate({.memory = std::int64_t{80} << 30, .checked = false, .threads = threads});
        }
        return device::open_accelerator(options.device, 0, threads);
    }
    static void say(const std::string& what) {
        fmt::print(stderr, "{:6.1f} s  {}\n", clock_now(), what);
        std::fflush(stderr);
    }
    bool late() const { return clock_now() > options_.seconds; }
    std::int64_t largest() const {
        return options_.small   ? 20000
               : options_.model ? std::min<std::int64_t>(options_.stars, 6'000'000)
                                : options_.stars;
    }
    std::int64_t paper() const { return std::min<std::int64_t>(largest(), 6'000'000); }
    /// Small: few pixels.
    std::vector<std::string> muse(const std::string& method) const {
        std::vector<std::string> settings{"telescope.name=MUSE", "galaxy.redshift=0.06", "noise.kind=signal-to-noise",
                                          "noise.signal_to_noise=30", "synthesis.method=" + method};
        if (options_.small) {
            settings.insert(settings.end(), {"telescope.wavelength_range=[5000, 5150]", "telescope.spaxel_size=0.5"});
        }
        return settings;
    }
    Telescope telescope(const std::vector<std::string>& settings) {
        return {settings, options_.ssp, folder_, std::move(accelerator_), comm_};
    }

    void add_roofs(Json& out) {
        say("roofs");
        const Roofs roofs = measure_roofs(*accelerator_, options_.small);
        rates_.name = "measured";
        rates_.bytes = roofs.copy;
        rates_.multiply_adds = roofs.product;
        rates_.host_bytes = std::min(roofs.up, roofs.down);
        out["roofs"] = Json{{"copy_gb_s", roofs.copy * 1e-9},
                            {"up_gb_s", roofs.up * 1e-9},
                            {"down_gb_s", roofs.down * 1e-9},
                            {"sgemm_tflop_s", 2e-12 * roofs.product},
                            {"sgemm_of_synthesis_tflop_s", 2e-12 * roofs.product_of_synthesis}};
    }

    Json json_of_kernel(const std::string& method, const Sum& sum) const {
        return Json{{"method", method},
                    {"stage", sum.stage},
                    {"name", sum.name},
                    {"calls", sum.calls},
                    {"seconds", sum.seconds},
                    {"work", json_of(sum.work)},
                    {"limit_s", sum.limit.seconds},
                    {"limited_by", sum.limit.by},
                    {"of_copy", sum.work.bytes / rates_.bytes / sum.seconds},
                    {"of_product", sum.work.multiply_adds / rates_.multiply_adds / sum.seconds}};
    }

    void add_galaxy(Json& out) {
        const Stars stars = first_of(stars_, paper());
        Json galaxies = Json::array(), kernels = Json::array();
        for (const std::string method : {"auto", "exact"}) {
            say(fmt::format("{} stars, {}", stars.size(), method));
            Telescope muse_telescope = telescope(muse(method));
            std::vector<Run> runs;
            if (!options_.model) {
                muse_telescope.observe(stars); // memory pools, plans and pinned memory are made
                for (int i = 0; i < (options_.small ? 1 : 7) && (i == 0 || !late()); ++i) {
                    runs.push_back(muse_telescope.observe(stars));
                }
            }
            muse_telescope.accelerator().record(stars.size(), options_.model);
            const Run recorded = muse_telescope.observe(stars);
            const std::vector<Operation> operations = muse_telescope.accelerator().take();
            double busy = 0, up = 0, down = 0, all = 0;
            for (const Operation& operation : operations) {
                all += operation.seconds;
                if (operation.name == "copy to the device") {
                    up += operation.seconds;
                } else if (operation.name == "copy to the host") {
                    down += operation.seconds;
                } else if (operation.stage != "spaxels") {
                    busy += operation.seconds;
                }
            }
            const Run& shown = runs.empty() ? recorded : median_run(runs);
            std::vector<double> walls;
            for (const Run& run : runs) { walls.push_back(run.wall); }
            galaxies.push_back(Json{{"method", method},
                                    {"stars", stars.size()},
                                    {"runs", runs.size()},
                                    {"median", json_of(shown)},
                                    {"wall_median_s", median(walls)},
                                    {"kernels_s", busy},
                                    {"up_s", up},
                                    {"down_s", down},
                                    {"host_s", std::max(0.0, recorded.wall - all)}});
            for (const Sum& sum : sums_of(operations, rates_)) { kernels.push_back(json_of_kernel(method, sum)); }
            accelerator_ = muse_telescope.release();
        }
        out["rates"] = Json{{"name", rates_.name},
                            {"bytes", rates_.bytes},
                            {"cache_bytes", rates_.cache_bytes},
                            {"multiply_adds", rates_.multiply_adds},
                            {"doubles", rates_.doubles},
                            {"shared_adds", rates_.shared_adds},
                            {"host_bytes", rates_.host_bytes},
                            {"launch_s", rates_.launch}};
        out["galaxy"] = galaxies;
        out["kernels"] = kernels;
    }

    void add_numbers_of_stars(Json& out) {
        Json list = Json::array();
        for (const std::string method : {"auto", "exact"}) {
            Telescope muse_telescope = telescope(muse(method));
            for (std::int64_t n = 1000; n <= largest() && !late(); n *= 10) {
                say(fmt::format("{} stars, {}", n, method));
                const Stars stars = first_of(stars_, n);
                muse_telescope.observe(stars);
                std::vector<Run> runs;
                for (int i = 0; i < (options_.small ? 1 : 3) && (i == 0 || !late()); ++i) {
                    runs.push_back(muse_telescope.observe(stars));
                }
                list.push_back(Json{{"method", method}, {"stars", n}, {"median", json_of(median_run(runs))}});
            }
            accelerator_ = muse_telescope.release();
        }
        out["stars"] = list;
    }

    /// Galaxies of 10^4 stars one after the other, from the host's memory and back.
    void add_many(Json& out) {
        Json list = Json::array();
        const std::int64_t n_star = std::min<std::int64_t>(10000, largest());
        const Stars stars = first_of(stars_, n_star);
        for (const std::string name : {"MaNGA_37", "MaNGA_127"}) {
            for (const std::string method : {"auto", "exact"}) {
                if (late()) { break; }
                say(fmt::format("many galaxies of {} stars, {}, {}", n_star, name, method));
                std::vector<std::string> settings{"telescope.name=" + name,   "galaxy.redshift=0.03",
                                                  "synthesis.uncovered=flag", "noise.kind=signal-to-noise",
                                                  "noise.signal_to_noise=30", "synthesis.method=" + method};
                if (options_.small) { settings.emplace_back("telescope.wavelength_range=[5000, 5100]"); }
                Telescope manga = telescope(settings);
                manga.observe(stars);
                const double begin = clock_now(), at_least = options_.small ? 0 : 2;
                std::int64_t n_galaxy = 0;
                std::vector<Run> runs;
                do {
                    runs.push_back(manga.observe(stars));
                    ++n_galaxy;
                } while (clock_now() - begin < at_least);
                const double seconds = clock_now() - begin;
                const Run shown = median_run(runs);
                list.push_back(Json{{"telescope", name},
                                    {"method", method},
                                    {"stars", n_star},
                                    {"galaxies", n_galaxy},
                                    {"galaxies_a_second", static_cast<double>(n_galaxy) / seconds},
                                    {"median", json_of(shown)}});
                accelerator_ = manga.release();
            }
        }
        out["many"] = list;
    }

    const Options& options_;
    std::filesystem::path folder_;
    Communicator& comm_;
    int threads_;
    std::shared_ptr<device::Accelerator> accelerator_;
    Rates rates_;
    Stars stars_;
};

/// Largest difference of two cubes over the largest flux of the first.
int compare(const std::vector<std::string>& paths) {
    const auto flux = [](const std::string& path) {
        return io::Hdf5File::open(path).dataset("flux").read_all<float>();
    };
    const std::vector<float> a = flux(paths[0]), b = flux(paths[1]);
    if (a.size() != b.size() || a.empty()) { refuse("cubes of different sizes"); }
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(a[i])));
        const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        difference = d <= difference ? difference : d; // not a number: a difference
    }
    fmt::print("{:.3e}\n", largest > 0 ? difference / largest : difference);
    return 0;
}

int hold(const Options& options) {
    const auto accelerator = device::open_accelerator(options.device, 0, 1);
    if (accelerator == nullptr) { refuse("--leave without a GPU"); }
    device::Queue& queue = accelerator->compute();
    std::vector<device::Buffer<char>> held;
    for (std::int64_t left = 0; (left = accelerator->free_memory() - (options.leave << 20)) > 0;) {
        try {
            held.emplace_back(queue, std::min(left, std::int64_t{1} << 30), "memory to hold");
        } catch (const Error&) { break; } // in pieces: not all that is free can be had in one
    }
    queue.finish();
    fmt::print("held\n");
    std::fflush(stdout);
    std::string line;
    while (std::getline(std::cin, line)) {}
    return 0;
}

int run(const std::vector<std::string>& words, Communicator& comm) {
    clock_now();
    const Options options = options_of(words);
    if (!options.compare.empty()) { return compare(options.compare); }
    if (options.leave >= 0) { return hold(options); }
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / fmt::format("tessera-gpu-bench-{}", getpid());
    std::filesystem::create_directories(folder);
    std::string text;
    try {
        text = Bench(options, folder, comm).run();
    } catch (...) {
        std::filesystem::remove_all(folder);
        throw;
    }
    std::filesystem::remove_all(folder);
    if (options.output.empty()) {
        fmt::print("{}", text);
    } else {
        std::ofstream(options.output) << text;
    }
    return 0;
}

} // namespace
} // namespace tessera::bench

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (std::find(words.begin(), words.end(), "--help") != words.end()) {
        fmt::print("{}", tessera::bench::usage);
        return 0;
    }
    tessera::MpiEnvironment mpi(argc, argv);
    try {
        return tessera::bench::run(words, mpi.world());
    } catch (const tessera::Error& error) {
        fmt::print(stderr, "tessera_gpu_bench: {}\n", error.what());
        return error.exit_code();
    } catch (const std::exception& error) {
        fmt::print(stderr, "tessera_gpu_bench: {}\n", error.what());
        return 1;
    }
}
