#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "tessera/ssp/library.hpp"

namespace po = boost::program_options;

namespace tessera::app {

namespace {

po::options_description reading_options() {
    po::options_description known("Options");
    known.add_options()("input", po::value<std::string>(),
                        "file of the library (also as the first word); demo: the built-in one");
    known.add_options()("format", po::value<std::string>(),
                        "auto | rubix | plain | dsps | bc03-fits | ppxf | pypipe3d");
    known.add_options()("age-unit", po::value<std::string>(),
                        "Gyr | Myr | yr | log10(Gyr) | log10(yr), where the file does not say or says it wrongly");
    known.add_options()("metallicity-unit", po::value<std::string>(), "Z | log10(Z) | Zsun | log10(Zsun), likewise");
    known.add_options()("solar-metallicity", po::value<std::string>(), "mass fraction that solar units stand for");
    known.add_options()("medium", po::value<std::string>(), "air | vacuum, of the wavelengths");
    known.add_options()("output,o", po::value<std::string>(), "file to write (convert, demo)");
    known.add_options()("help,h", "this text");
    return known;
}

ssp::Library read(const po::variables_map& given, const std::string& verb, Communicator& comm) {
    if (given.count("input") == 0) {
        throw Error({.kind = Kind::config,
                     .where = "tessera ssp " + verb,
                     .found = "no file",
                     .expected = fmt::format("tessera ssp {} FILE", verb)});
    }
    ssp::LibraryOptions options;
    options.path = given["input"].as<std::string>();
    ssp::ReadHints hints;
    assign(given, "format", options.format);
    assign(given, "age-unit", hints.age_unit);
    assign(given, "metallicity-unit", hints.metallicity_unit);
    assign(given, "solar-metallicity", hints.solar_metallicity);
    assign(given, "medium", hints.medium);
    return ssp::read_library(options, comm, hints);
}

std::string output_of(const po::variables_map& given, const std::string& verb) {
    if (given.count("output") == 0) {
        throw Error(
            {.kind = Kind::config, .where = "tessera ssp " + verb, .found = "no output file", .expected = "-o FILE"});
    }
    return given["output"].as<std::string>();
}

} // namespace

int run_ssp_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string verb = subcommand("ssp", arguments, {"info", "convert", "demo"});
    const po::options_description known = reading_options();
    const std::vector<std::string> rest(arguments.begin() + (verb.starts_with("-") ? 0 : 1), arguments.end());
    const auto given = parse("ssp " + verb, rest, known, {"input"});
    if (given.count("help") > 0) {
        print(comm, help_text("tessera ssp info FILE | convert FILE -o OUT | demo -o OUT",
                              "info     what a library holds: axes, ranges, units, medium\n"
                              "convert  writes it in the plain layout (docs/ssp.md), units made explicit\n"
                              "demo     writes the built-in demonstration library",
                              known, "tessera ssp convert bc03_miles_stellar_grids.fits -o bc03_miles.h5"));
        return 0;
    }
    if (verb == "info") {
        print(comm, ssp::summary(read(given, verb, comm)));
        return 0;
    }
    const std::string path = output_of(given, verb);
    const ssp::Library library = verb == "demo" ? ssp::demo_library() : read(given, verb, comm);
    agree(comm, [&] {
        if (comm.is_root()) { ssp::write_library(library, path); }
    });
    print(comm, fmt::format("wrote {}\n", path));
    return 0;
}

} // namespace tessera::app
