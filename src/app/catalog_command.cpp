#include <charconv>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "tessera/catalog/run.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/termination.hpp"

namespace po = boost::program_options;

namespace tessera::app {

namespace {

po::options_description options() {
    po::options_description all("Options");
    all.add_options()("config", po::value<std::string>(), "configuration file (also as the first word)");
    all.add_options()("resume", "go on with the catalogue in the folder; without one, begin");
    all.add_options()("retry-failed", "go on, and try again what failed");
    all.add_options()("time-limit", po::value<std::string>(),
                      "time for this run, SECONDS or HH:MM:SS: begins no cube that would not be done by then");
    all.add_options()("dry-run", "say what would be made, its sizes, and estimates of time, memory and disk");
    all.add_options()("output,o", po::value<std::string>(), "folder, sets catalog.output (from the current folder)");
    all.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                      "key=value over the configuration; repeatable");
    all.add_options()("quiet,q", "warnings and errors only");
    all.add_options()("verbose,v", "what is done for each galaxy of rank 0");
    all.add_options()("help,h", "this text");
    return all;
}

/// "90", "1:30:00", "0:01:30.5" in seconds.
double seconds_of(const std::string& text) {
    double seconds = 0;
    int n_part = 0;
    for (std::size_t at = 0; at <= text.size(); ++n_part) {
        const std::size_t end = std::min(text.find(':', at), text.size());
        double part = -1;
        const auto [stop, status] = std::from_chars(text.data() + at, text.data() + end, part);
        const bool whole = status == std::errc() && stop == text.data() + end && part >= 0;
        if (!whole || (n_part > 0 && part >= 60)) {
            n_part = 0;
            break;
        }
        seconds = 60 * seconds + part;
        at = end + 1;
    }
    if ((n_part != 1 && n_part != 3) || !(seconds > 0)) {
        throw Error({.kind = Kind::config,
                     .where = "--time-limit",
                     .found = fmt::format("'{}'", text),
                     .expected = "seconds, or HH:MM:SS"});
    }
    return seconds;
}

std::string time_text(double seconds) {
    if (seconds < 120) { return fmt::format("{:.0f} s", std::max(1.0, seconds)); }
    if (seconds < 7200) { return fmt::format("{:.0f} min", seconds / 60); }
    return fmt::format("{:.1f} h", seconds / 3600);
}

std::string forecast_text(const CatalogForecast& forecast, Communicator& comm) {
    std::string text;
    text +=
        fmt::format("select   {} of {} subhaloes, {} cubes\n", forecast.n_galaxy, forecast.n_subhalo, forecast.n_cube);
    text += fmt::format("stars    {} to {} a galaxy, median {}; {} for all cubes (wind cells included)\n",
                        forecast.fewest_stars, forecast.most_stars, forecast.median_stars, forecast.n_stars);
    text += "largest\n";
    for (const std::string& line : forecast.largest.lines) {
        if (!line.starts_with("write")) { text += "  " + line + "\n"; }
    }
    text += fmt::format("time     about {} on {} ranks\n", time_text(forecast.seconds), comm.size());
    text += fmt::format("memory   {} a rank for the largest ({} free to each)\n",
                        bytes_text(peak_memory(forecast.largest.memory)), bytes_text(available_memory(comm)));
    text +=
        fmt::format("disk     {} ({} free){}\n", bytes_text(forecast.bytes_to_write), bytes_text(forecast.bytes_free),
                    forecast.bytes_to_write > forecast.bytes_free ? ": not enough" : "");
    return text;
}

std::string summary_text(const CatalogSummary& summary) {
    std::string text = fmt::format("{} of {} cubes done, {} failed; {} made now in {:.1f} s", summary.n_done,
                                   summary.n_entry, summary.n_failed, summary.n_made, summary.seconds);
    if (summary.n_adopted > 0) { text += fmt::format(", {} found finished", summary.n_adopted); }
    for (const std::string& file : summary.files) { text += "\nwrote " + file; }
    if (summary.n_open > 0 || summary.n_unpacked > 0) {
        text += fmt::format("\nresumable: {} of {} done, go on with --resume", summary.n_done, summary.n_entry);
    }
    return text;
}

/// Exit code 5, when some failed.
void refuse_failures(const CatalogSummary& summary, const std::string& folder) {
    if (summary.failures.empty() || summary.n_open > 0 || summary.n_unpacked > 0) {
        return;
    } // a later run makes the rest and lists them
    constexpr std::size_t most = 10;
    std::string list;
    for (std::size_t i = 0; i < std::min(most, summary.failures.size()); ++i) {
        list += fmt::format("\n  {}: {}", summary.failures[i].first, summary.failures[i].second);
    }
    if (summary.failures.size() > most) {
        list += fmt::format("\n  … and {} more: tessera catalog status {}", summary.failures.size() - most, folder);
    }
    throw Error({.kind = Kind::partial,
                 .where = folder,
                 .found = fmt::format("{} of {} cubes that could not be made", summary.n_failed, summary.n_entry),
                 .expected = "",
                 .cure = "The rest is complete; --retry-failed tries them again:" + list});
}

int make(const std::vector<std::string>& arguments, Communicator& comm) {
    const po::options_description known = options();
    const po::variables_map given = parse("catalog", arguments, known, {"config"});
    if (given.count("help") > 0) {
        print(comm,
              help_text("[mpirun -n RANKS] tessera catalog CONFIG.yaml [options]\n"
                        "       tessera catalog status FOLDER\n       [mpirun -n RANKS] tessera catalog verify FOLDER",
                        "Turns the galaxies that catalog.select takes from a snapshot into cubes and a table of them.\n"
                        "A run that was killed goes on with --resume (docs/catalogues.md).",
                        known, "mpirun -n 4 tessera catalog survey.yaml --resume"));
        return 0;
    }
    const std::string file =
        config_file(given, "catalog", "tessera catalog CONFIG.yaml, or status or verify and a folder",
                    "configs/catalog.yaml is an example; `tessera catalog --help` shows the usage");
    set_log_level("catalog", given);
    CatalogConfig config;
    agree(comm, [&] {
        config = read_catalog_config(file, settings_of(given));
        if (given.count("output") > 0) {
            config.catalog.output = std::filesystem::absolute(given["output"].as<std::string>()).string();
            check_catalog(config);
        }
    });
    if (given.count("dry-run") > 0) {
        const CatalogForecast forecast = forecast_catalog(config, comm);
        print(comm, forecast_text(forecast, comm));
        return 0;
    }
    CatalogRequest request{.resume = given.count("resume") > 0, .retry_failed = given.count("retry-failed") > 0};
    if (given.count("time-limit") > 0) { request.time_limit = seconds_of(given["time-limit"].as<std::string>()); }
    const StopRequests stop_requests;
    const CatalogSummary summary = run_catalog(config, request, comm);
    log::info(summary_text(summary));
    refuse_failures(summary, config.cube.resolve(config.catalog.output));
    return 0;
}

/// The one word after status or verify; empty where help was asked for and printed.
std::string folder_of(const std::string& verb, const std::vector<std::string>& arguments, Communicator& comm) {
    po::options_description known("Options");
    known.add_options()("folder", po::value<std::string>(), "catalog.output of the catalogue (also as the first word)");
    known.add_options()("help,h", "this text");
    const auto given = parse("catalog " + verb, arguments, known, {"folder"});
    if (given.count("help") > 0) {
        print(comm, help_text(fmt::format("tessera catalog {} FOLDER", verb),
                              verb == "status" ? "Progress, rate, time left, failures; while a run goes on, too."
                                               : "Reads every finished cube and compares it with manifest and table.",
                              known, fmt::format("tessera catalog {} mocks", verb)));
        return "";
    }
    if (given.count("folder") == 0) {
        throw Error({.kind = Kind::config,
                     .where = "tessera catalog " + verb,
                     .found = "no folder",
                     .expected = fmt::format("tessera catalog {} FOLDER", verb)});
    }
    return given["folder"].as<std::string>();
}

int status(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string folder = folder_of("status", arguments, comm);
    if (folder.empty()) { return 0; }
    std::string text;
    agree(comm, [&] {
        if (comm.is_root()) { text = catalog_status(folder); }
    });
    print(comm, text);
    return 0;
}

int verify(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string folder = folder_of("verify", arguments, comm);
    if (folder.empty()) { return 0; }
    const CatalogVerdict verdict = verify_catalog(folder, comm);
    print(comm, fmt::format("{} of {} cubes done ({} read), {} failed, {} open: {}\n", verdict.n_done, verdict.n_entry,
                            bytes_text(verdict.bytes), verdict.n_failed, verdict.n_open,
                            verdict.problems.empty() ? "all as recorded" : "not all as recorded"));
    if (verdict.problems.empty()) { return 0; }
    std::string list;
    for (const std::string& problem : verdict.problems) { list += "\n  " + problem; }
    throw Error({.kind = Kind::data,
                 .where = folder,
                 .found = fmt::format("{} problems", verdict.problems.size()),
                 .expected = "files as the manifest and the catalogue table have them",
                 .cure = "Remove the cubes named, and make them again with --resume:" + list});
}

} // namespace

int run_catalog_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string word = arguments.empty() ? "" : arguments.front();
    if (word == "status") { return status({arguments.begin() + 1, arguments.end()}, comm); }
    if (word == "verify") { return verify({arguments.begin() + 1, arguments.end()}, comm); }
    return make(arguments, comm);
}

} // namespace tessera::app
