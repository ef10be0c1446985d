#include "app/command.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/options.hpp"

namespace po = boost::program_options;

namespace tessera::app {

const std::vector<Command>& commands() {
    static const std::vector<Command> all{
        {"cube", "one galaxy to one cube", run_cube_command},
        {"catalog", "the galaxies of a snapshot to cubes and a table, restartable", run_catalog_command},
        {"scaling", "strong and weak scaling studies", run_scaling_command},
        {"config", "check, show or describe a configuration", run_config_command},
        {"ssp", "look into, convert or make an SSP library", run_ssp_command},
        {"snapshot", "look into a snapshot, or make a synthetic one", run_snapshot_command},
    };
    return all;
}

void print(Communicator& comm, const std::string& text) {
    if (!comm.is_root()) { return; }
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

std::string bytes_text(std::int64_t bytes) {
    const double value = static_cast<double>(bytes);
    if (value < 1e6) { return fmt::format("{:.1f} kB", value / 1e3); }
    if (value < 1e9) { return fmt::format("{:.1f} MB", value / 1e6); }
    return fmt::format("{:.2f} GB", value / 1e9);
}

std::vector<std::string> settings_of(const po::variables_map& given) {
    return given.count("set") > 0 ? given["set"].as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::string config_file(const po::variables_map& given, const std::string& command, const std::string& expected,
                        const std::string& cure) {
    if (given.count("config") > 0) { return given["config"].as<std::string>(); }
    throw Error({.kind = Kind::config,
                 .where = "tessera " + command,
                 .found = "no configuration file",
                 .expected = expected.empty() ? fmt::format("tessera {} CONFIG.yaml", command) : expected,
                 .cure = cure});
}

void set_log_level(const std::string& command, const po::variables_map& given) {
    const bool quiet = given.count("quiet") > 0, verbose = given.count("verbose") > 0;
    if (quiet && verbose) {
        throw Error({.kind = Kind::config,
                     .where = "tessera " + command,
                     .found = "--quiet and --verbose together",
                     .expected = "one of them"});
    }
    if (quiet) { log::set_level(log::Level::quiet); }
    if (verbose) { log::set_level(log::Level::verbose); }
}

po::variables_map parse(const std::string& command, const std::vector<std::string>& arguments,
                        const po::options_description& options, const std::vector<std::string>& positional) {
    po::positional_options_description places;
    for (const std::string& name : positional) { places.add(name.c_str(), 1); }
    try {
        po::variables_map map;
        po::command_line_parser parser(arguments);
        namespace style = po::command_line_style;
        parser.options(options).positional(places).style(style::unix_style & ~style::allow_guessing);
        po::store(parser.run(), map);
        po::notify(map);
        return map;
    } catch (const po::unknown_option& error) {
        std::vector<std::string> names;
        for (const auto& option : options.options()) { names.push_back("--" + option->long_name()); }
        throw Error({.kind = Kind::config,
                     .where = "tessera " + command,
                     .found = fmt::format("the unknown option '{}'", error.get_option_name()),
                     .cure = fmt::format("Did you mean '{}'? `tessera {} --help` lists them",
                                         nearest_name(error.get_option_name(), names), command)});
    } catch (const po::error& error) {
        throw Error({.kind = Kind::config,
                     .where = "tessera " + command,
                     .found = error.what(),
                     .cure = fmt::format("`tessera {} --help` shows the usage", command)});
    }
}

std::string help_text(const std::string& usage, const std::string& about, const po::options_description& options,
                      const std::string& example) {
    std::ostringstream text;
    text << "Usage: " << usage << "\n\n" << about << "\n\n" << options << "\nExample:\n  " << example << "\n";
    return text.str();
}

std::string subcommand(const std::string& command, const std::vector<std::string>& arguments,
                       const std::vector<std::string>& known) {
    std::string list;
    for (const std::string& name : known) { list += (list.empty() ? "" : " | ") + name; }
    const std::string word = arguments.empty() ? "" : arguments.front();
    if (std::find(known.begin(), known.end(), word) != known.end() || word == "--help" || word == "-h") { return word; }
    throw Error({.kind = Kind::config,
                 .where = "tessera " + command,
                 .found = word.empty() ? "nothing after it" : fmt::format("'{}'", word),
                 .expected = list,
                 .cure = word.empty() ? fmt::format("`tessera {} --help` explains them", command)
                                      : fmt::format("Did you mean '{}'?", nearest_name(word, known))});
}

} // namespace tessera::app
