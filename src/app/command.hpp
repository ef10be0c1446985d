#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/options.hpp"

namespace tessera::app {

/// All of the program: from the signals and MPI to the exit code.
int run_program(int argc, char** argv);

/// One command of the program. `run` is called on every rank with the words after the command's name and returns the exit
/// code; it throws Error.
struct Command {
    std::string name;
    std::string summary;
    int (*run)(const std::vector<std::string>& arguments, Communicator& comm);
};

const std::vector<Command>& commands();

int run_cube_command(const std::vector<std::string>& arguments, Communicator& comm);
int run_catalog_command(const std::vector<std::string>& arguments, Communicator& comm);
int run_config_command(const std::vector<std::string>& arguments, Communicator& comm);
int run_ssp_command(const std::vector<std::string>& arguments, Communicator& comm);
int run_snapshot_command(const std::vector<std::string>& arguments, Communicator& comm);
int run_scaling_command(const std::vector<std::string>& arguments, Communicator& comm);

/// "tessera 0.1.0 (…)" with libraries, MPI and GPUs, several lines.
std::string version_text();

/// Prints to standard output, on one rank only.
void print(Communicator& comm, const std::string& text);

/// "1.2 MB"
std::string bytes_text(std::int64_t bytes);

/// Parses the words after a command. `positional` names the options that words without a dash fill, in order.
/// @throws Error(Kind::config)  unknown flag (with the nearest), missing or extra word
boost::program_options::variables_map parse(const std::string& command, const std::vector<std::string>& arguments,
                                            const boost::program_options::options_description& options,
                                            const std::vector<std::string>& positional);

/// The configuration file, the first word. @throws Error(Kind::config)  there is none
/// @param expected  the usage; empty: the command and CONFIG.yaml
std::string config_file(const boost::program_options::variables_map& given, const std::string& command,
                        const std::string& expected = {}, const std::string& cure = {});

/// By --quiet and --verbose. @throws Error(Kind::config)  both
void set_log_level(const std::string& command, const boost::program_options::variables_map& given);

/// The key=value settings of --set, in order; none where it is not given.
std::vector<std::string> settings_of(const boost::program_options::variables_map& given);

/// "Usage: tessera cube …" followed by the options and an example.
std::string help_text(const std::string& usage, const std::string& about,
                      const boost::program_options::options_description& options, const std::string& example);

/// Sets `field` from the text given for an option, read like a value of a configuration file; leaves it alone when not given.
/// @throws Error(Kind::config)  not of the field's type
template <class T>
void assign(const boost::program_options::variables_map& given, const std::string& option, T& field) {
    if (given.count(option) == 0) { return; }
    const std::string text = given[option].as<std::string>();
    try {
        field = OptionType<T>::parse(parse_yaml(text, "--" + option));
    } catch (const std::invalid_argument& expected) {
        throw Error({.kind = Kind::config, .where = "--" + option, .found = text, .expected = expected.what()});
    }
}

/// The first word as a sub-command, which must be one of `known`. @throws Error(Kind::config) with the nearest
std::string subcommand(const std::string& command, const std::vector<std::string>& arguments,
                       const std::vector<std::string>& known);

} // namespace tessera::app
