#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "tessera/catalog/selection.hpp"
#include "tessera/scaling/options.hpp"

namespace po = boost::program_options;

namespace tessera::app {

namespace {

/// The keys of every command.
struct EveryConfig {
    ScalingConfig scaling; ///< and the cube
    CatalogOptions catalog;

    void describe(OptionTable& table) {
        scaling.describe(table);
        catalog.describe(table);
    }
};

/// Each section by itself: a file that `tessera cube` shares may hold what a catalogue cannot have, such as one subhalo.
EveryConfig read_every_config(const std::string& path, const std::vector<std::string>& settings) {
    EveryConfig config;
    OptionTable table = option_table(config);
    read_config(path, settings, config.scaling.cube, table);
    check_scaling(config.scaling);
    static_cast<void>(compile_selection(config.catalog));
    return config;
}

std::string bounds_text(const Option& option) {
    std::string text;
    for (const Bound& bound : option.bounds) { text += (text.empty() ? "" : ", ") + bound.text(); }
    return text;
}

std::string describe_text(const OptionTable& table) {
    std::string out;
    for (const Option& option : table.options()) {
        out += fmt::format("{}\n    {}\n    type {}", option.name, option.help, option.type);
        if (!option.unit.empty()) { out += fmt::format(", unit {}", option.unit); }
        if (!option.bounds.empty()) { out += fmt::format(", {}", bounds_text(option)); }
        out += fmt::format(", default {}\n", option.get().text());
    }
    return out;
}

/// A '|' ends a table cell in Markdown.
std::string cell(const std::string& text) {
    std::string out;
    for (const char c : text) { out += c == '|' ? std::string("\\|") : std::string(1, c); }
    return out;
}

std::string describe_markdown(const OptionTable& table) {
    std::string out =
        "# Configuration keys\n\nWritten by `tessera config describe --format markdown`; do not edit by hand.\n";
    std::string section = "-";
    for (const Option& option : table.options()) {
        const auto dot = option.name.find('.');
        const std::string prefix = dot == std::string::npos ? "" : option.name.substr(0, dot);
        if (prefix != section) {
            section = prefix;
            out += fmt::format("\n## {}\n\n| key | type | unit | default | meaning |\n|---|---|---|---|---|\n",
                               prefix.empty() ? "top level" : prefix);
        }
        const std::string bounds = option.bounds.empty() ? "" : " (" + bounds_text(option) + ")";
        out += fmt::format("| `{}` | {} | {} | `{}` | {} |\n", option.name, cell(option.type + bounds),
                           cell(option.unit), option.get().text(), cell(option.help));
    }
    return out;
}

std::string describe_json(const OptionTable& table) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Option& option : table.options()) {
        nlohmann::ordered_json bounds = nlohmann::ordered_json::array();
        for (const Bound& bound : option.bounds) { bounds.push_back(bound.text()); }
        all.push_back({{"key", option.name},
                       {"type", option.type},
                       {"unit", option.unit},
                       {"default", option.get().text()},
                       {"bounds", bounds},
                       {"help", option.help}});
    }
    return all.dump(2) + "\n";
}

int describe(const std::vector<std::string>& arguments, Communicator& comm) {
    po::options_description known("Options");
    known.add_options()("format", po::value<std::string>()->default_value("text"), "text, markdown or json");
    known.add_options()("help,h", "this text");
    const auto given = parse("config describe", arguments, known, {});
    if (given.count("help") > 0) {
        print(comm, help_text("tessera config describe [--format text|markdown|json]",
                              "Lists every key with type, unit, limits and default.", known,
                              "tessera config describe --format markdown > docs/configuration.md"));
        return 0;
    }
    EveryConfig config;
    const OptionTable table = option_table(config);
    const std::string format = given["format"].as<std::string>();
    if (format == "text") {
        print(comm, describe_text(table));
    } else if (format == "markdown") {
        print(comm, describe_markdown(table));
    } else if (format == "json") {
        print(comm, describe_json(table));
    } else {
        throw Error({.kind = Kind::config, .where = "--format", .found = format, .expected = "text, markdown or json"});
    }
    return 0;
}

int read(const std::string& verb, const std::vector<std::string>& arguments, Communicator& comm) {
    po::options_description known("Options");
    known.add_options()("config", po::value<std::string>(), "configuration file (also as the first word)");
    known.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                        "key=value over the configuration; repeatable");
    known.add_options()("help,h", "this text");
    const auto given = parse("config " + verb, arguments, known, {"config"});
    if (given.count("help") > 0) {
        print(comm,
              help_text(fmt::format("tessera config {} CONFIG.yaml [--set key=value …]", verb),
                        verb == "check" ? "Validates a configuration without reading any data."
                                        : "Prints the configuration with every default filled in, as YAML.",
                        known, fmt::format("tessera config {} galaxy.yaml --set telescope.name=MaNGA_127", verb)));
        return 0;
    }
    const std::string path = config_file(given, "config " + verb);
    EveryConfig config;
    agree(comm, [&] { config = read_every_config(path, settings_of(given)); });
    print(comm, verb == "show" ? option_table(config).yaml() : fmt::format("{}: valid\n", path));
    return 0;
}

} // namespace

int run_config_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string verb = subcommand("config", arguments, {"check", "show", "describe"});
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (verb == "describe") { return describe(rest, comm); }
    if (verb == "check" || verb == "show") { return read(verb, rest, comm); }
    print(comm, "Usage: tessera config check|show CONFIG.yaml, tessera config describe\n\n"
                "  check     validate a configuration without reading any data\n"
                "  show      print it with every default filled in\n"
                "  describe  list every key with type, unit, limits and default\n\n"
                "Example:\n  tessera config check galaxy.yaml\n");
    return 0;
}

} // namespace tessera::app
