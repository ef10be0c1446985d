#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "app/progress.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace po = boost::program_options;

namespace tessera::app {

namespace {

po::options_description options() {
    po::options_description all("Options");
    all.add_options()("config", po::value<std::string>(), "configuration file (also as the first word)");
    all.add_options()("output,o", po::value<std::string>(),
                      "cube file, sets output.path (.h5, .hdf5 or .fits; from the current folder)");
    all.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                      "key=value over the configuration; repeatable");
    all.add_options()("dry-run", "say what would be read, computed and written, and the memory a rank needs");
    all.add_options()("timings", "print the time of each stage");
    all.add_options()("quiet,q", "warnings and errors only");
    all.add_options()("verbose,v", "more about what is done");
    all.add_options()("help,h", "this text");
    return all;
}

std::string counted(int n, const std::string& what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

/// Whether it fits, and where it would.
std::string fit_text(const CubeForecast& forecast) {
    const int least = forecast.least_ranks, on_node = forecast.ranks_on_node;
    if (least == 0) { return "does not fit, on no number of ranks with so much memory each"; }
    const std::string where = counted(least, "rank") + " with so much memory each";
    if (peak_memory(forecast.memory) <= forecast.available) { return "fits; it would on " + where; }
    return fmt::format("does not fit; it would on {}: {} like this one, {} on each", where,
                       counted((least + on_node - 1) / on_node, "node"), counted(on_node, "rank"));
}

std::string forecast_text(const CubeForecast& forecast, Communicator& comm) {
    std::string text;
    for (const std::string& line : forecast.lines) { text += line + "\n"; }
    text += fmt::format("read     {} in all\nwrite    {}\nmemory   {} on each of {} ranks ({} free to each)\n",
                        bytes_text(forecast.bytes_to_read), bytes_text(forecast.bytes_to_write),
                        bytes_text(peak_memory(forecast.memory)), comm.size(), bytes_text(forecast.available));
    text += "         " + fit_text(forecast) + "\n";
    for (const MemoryItem& item : forecast.memory) {
        text += fmt::format("  {:<30} {:>12}\n", item.name, bytes_text(item.bytes));
    }
    return text;
}

/// Mean and largest time over ranks of every stage.
std::string timings_text(Communicator& comm) {
    std::string text = fmt::format("{:<28} {:>10} {:>10}\n", "stage", "mean s", "max s");
    double whole = 0;
    for (const Regions::Entry& entry : Regions::instance().entries()) {
        const double largest = comm.all_reduce_value(entry.seconds, Op::max);
        const double mean = comm.all_reduce_value(entry.seconds, Op::sum) / comm.size();
        text += fmt::format("{:<28} {:>10.4f} {:>10.4f}\n", entry.name, mean, largest);
        if (entry.name.find('/') == std::string::npos) { whole += largest; }
    }
    return text + fmt::format("{:<28} {:>10} {:>10.4f}\n", "sum of stages", "", whole);
}

/// "auto: 48 spaxels exact, 408 binned, 913 compressed (rank 72); rms error on a sample of 16: 2.1e-04 at worst, …"
std::string method_text(const SynthesisReport& report) {
    if (report.velocity_step == 0) { return "exact, RUBIX's resampling"; }
    const std::int64_t approximated = report.n_spaxel_binned + report.n_spaxel_compressed;
    if (approximated == 0) {
        return fmt::format("{}every spaxel exact; rms error against the direct integral {:.1e} of the mean",
                           report.method == Method::exact ? "" : std::string(word(report.method)) + ": ",
                           report.exact_error_rms);
    }
    std::string text = fmt::format("{}: {} spaxels exact, {} binned", word(report.method), report.n_spaxel_exact,
                                   report.n_spaxel_binned);
    if (report.rank > 0) { text += fmt::format(", {} compressed (rank {})", report.n_spaxel_compressed, report.rank); }
    return text +
           fmt::format("; rms error against exact {:.1e} of the mean at worst, {:.1e} in the median, on a sample of {}",
                       report.error_rms, report.error_rms_median, report.n_error_sample);
}

std::string summary_text(const CubeSummary& summary) {
    // The PSF brings light of stars next to the field into it: more may give light than lie in it.
    const bool beside = summary.synthesis.n_synthesised > summary.n_in_field;
    std::string text =
        fmt::format("{} stars read, {} in the field, {} gave light{}", summary.n_star, summary.n_in_field,
                    summary.synthesis.n_synthesised, beside ? ", some from next to the field" : "");
    if (summary.n_wind_dropped > 0) { text += fmt::format("; {} wind cells dropped", summary.n_wind_dropped); }
    text += "\n" + method_text(summary.synthesis);
    for (const std::string& file : summary.files) { text += "\nwrote " + file; }
    return text;
}

} // namespace

int run_cube_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const po::options_description known = options();
    const po::variables_map given = parse("cube", arguments, known, {"config"});
    if (given.count("help") > 0) {
        print(
            comm,
            help_text(
                "[mpirun -n RANKS] tessera cube CONFIG.yaml [options]",
                "Turns the star particles of one galaxy into the data cube that an integral-field unit would record.\n"
                "Every key of CONFIG.yaml: tessera config describe.",
                known, "mpirun -n 4 tessera cube galaxy.yaml -o cube.h5 --set view.rotation=face-on --timings"));
        return 0;
    }
    const std::string file =
        config_file(given, "cube", {}, "configs/ has examples; `tessera cube --help` shows the usage");
    set_log_level("cube", given);

    Config config;
    agree(comm, [&] {
        config = read_config(file, settings_of(given));
        if (given.count("output") > 0) {
            config.output.path = std::filesystem::absolute(given["output"].as<std::string>()).string();
            check_config(config);
        }
    });
    if (given.count("dry-run") > 0) {
        const CubeForecast forecast = forecast_cube(config, comm);
        print(comm, forecast_text(forecast, comm));
        return 0;
    }
    ProgressPrinter printer(comm.is_root() && log::level() != log::Level::quiet);
    const CubeSummary summary =
        run_cube(config, comm, [&printer](std::int64_t done, std::int64_t total) { printer(done, total); });
    log::info(summary_text(summary));
    if (given.count("timings") > 0) { print(comm, timings_text(comm)); }
    return 0;
}

} // namespace tessera::app
