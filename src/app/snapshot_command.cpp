#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "tessera/particles/snapshot.hpp"
#include "tessera/particles/synthetic.hpp"

namespace po = boost::program_options;

namespace tessera::app {

namespace {

int info(const std::vector<std::string>& arguments, Communicator& comm) {
    po::options_description known("Options");
    known.add_options()("path", po::value<std::string>(), "file, folder or base path (also as the first word)");
    known.add_options()("format", po::value<std::string>(), "auto | plain | rubix | tng | eagle | swift");
    known.add_options()("snapshot", po::value<std::string>(), "snapshot number under a TNG-style base path");
    known.add_options()("subhalo", po::value<std::string>(), "subhalo, through catalogue and offsets");
    known.add_options()("help,h", "this text");
    const auto given = parse("snapshot info", arguments, known, {"path"});
    if (given.count("help") > 0) {
        print(comm, help_text("tessera snapshot info PATH [options]",
                              "What an input holds: layout, files, particles, redshift, units, galaxy.", known,
                              "tessera snapshot info output --snapshot 99 --subhalo 17"));
        return 0;
    }
    SnapshotOptions options;
    assign(given, "path", options.path);
    assign(given, "format", options.format);
    assign(given, "snapshot", options.snapshot);
    assign(given, "subhalo", options.subhalo);
    print(comm, describe(open_snapshot(options, comm)->info()));
    return 0;
}

int make(const std::vector<std::string>& arguments, Communicator& comm) {
    SyntheticOptions options;
    po::options_description known("Options");
    known.add_options()("layout", po::value<std::string>(),
                        "plain: one galaxy in one file; tng: a box in TNG's folders [plain]");
    known.add_options()("output,o", po::value<std::string>(), "file (plain) or base folder (tng) to write");
    known.add_options()("stars", po::value<std::string>(), "number of stars in all [100000]");
    known.add_options()("gas", po::value<std::string>(), "number of gas cells in all [a fifth of the stars]");
    known.add_options()("subhalos", po::value<std::string>(), "tng: number of subhaloes [8]");
    known.add_options()("largest", po::value<std::string>(),
                        "tng: share of the stars in the largest subhalo [by the power law]");
    known.add_options()("chunks", po::value<std::string>(), "tng: files of snapshot and catalogue [3]");
    known.add_options()("seed", po::value<std::string>(), "same seed, same bytes, on any number of ranks [1]");
    known.add_options()("snapshot", po::value<std::string>(), "tng: number in the file names [99]");
    known.add_options()("redshift", po::value<std::string>(), "of the snapshot [0]");
    known.add_options()("box-size", po::value<std::string>(), "tng: side of the periodic box, ckpc/h [35000]");
    known.add_options()("stellar-mass", po::value<std::string>(), "Msun formed, all stars together [5e5 a star]");
    known.add_options()("scale-length", po::value<std::string>(), "kpc, of the largest disc [by mass]");
    known.add_options()("v-max", po::value<std::string>(), "km/s, flat part of its rotation curve [by mass]");
    known.add_options()("disc-fraction", po::value<std::string>(), "of the stars; the rest is the bulge [0.8]");
    known.add_options()("gas-fraction", po::value<std::string>(), "gas mass over stellar mass [0.1]");
    known.add_options()("inclination", po::value<std::string>(), "degree, 0 face-on [random orientation]");
    known.add_options()("position-angle", po::value<std::string>(),
                        "degree, major axis from +x towards +y, with --inclination [0]");
    known.add_options()("help,h", "this text");
    const auto given = parse("snapshot make", arguments, known, {});
    if (given.count("help") > 0) {
        print(comm,
              help_text(
                  "[mpirun -n RANKS] tessera snapshot make --layout plain|tng --stars N --seed S -o OUT [options]",
                  "Makes a synthetic galaxy (bulge, disc with rotation curve, spiral arms, gas) or a box of them.",
                  known, "tessera snapshot make --layout tng --stars 200000 --subhalos 20 --chunks 3 --seed 1 -o box"));
        return 0;
    }
    if (given.count("output") == 0) {
        throw Error(
            {.kind = Kind::config, .where = "tessera snapshot make", .found = "no output", .expected = "-o OUT"});
    }
    options.path = given["output"].as<std::string>();
    assign(given, "layout", options.layout);
    assign(given, "stars", options.n_star);
    assign(given, "gas", options.n_gas);
    assign(given, "subhalos", options.n_subhalo);
    assign(given, "largest", options.largest_fraction);
    assign(given, "chunks", options.n_chunk);
    assign(given, "seed", options.seed);
    assign(given, "snapshot", options.snapshot);
    assign(given, "redshift", options.redshift);
    assign(given, "box-size", options.box_size);
    assign(given, "stellar-mass", options.stellar_mass);
    assign(given, "scale-length", options.scale_length);
    assign(given, "v-max", options.v_max);
    assign(given, "disc-fraction", options.disc_fraction);
    assign(given, "gas-fraction", options.gas_fraction);
    assign(given, "inclination", options.inclination);
    assign(given, "position-angle", options.position_angle);
    make_snapshot(options, comm);
    print(comm, fmt::format("wrote {}\n", options.path));
    return 0;
}

} // namespace

int run_snapshot_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string verb = subcommand("snapshot", arguments, {"info", "make"});
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (verb == "info") { return info(rest, comm); }
    if (verb == "make") { return make(rest, comm); }
    print(comm, "Usage: tessera snapshot info PATH, tessera snapshot make --stars N -o OUT\n\n"
                "  info  what an input holds\n  make  write a synthetic galaxy, or a box of them in TNG's layout\n\n"
                "Example:\n  tessera snapshot make --stars 100000 --seed 1 -o disc.hdf5\n");
    return 0;
}

} // namespace tessera::app
