#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/write_aside.hpp"
#include "tessera/scaling/options.hpp"
#include "tessera/scaling/report.hpp"
#include "tessera/scaling/study.hpp"
#include "tessera_version.hpp"

namespace fs = std::filesystem;
namespace po = boost::program_options;

namespace tessera::app {

namespace {

/// Powers of two, and all.
std::string default_ranks(int n_available) {
    std::string text;
    for (int n = 1; n < n_available; n *= 2) { text += fmt::format("{},", n); }
    return text + fmt::format("{}", n_available);
}

/// "study" of "study", "study.json" and "study.png".
std::string base_name(const std::string& given) {
    fs::path path = given;
    for (const char* extension : {".json", ".csv", ".png", ".svg"}) {
        if (path.extension() == extension) { return path.replace_extension().string(); }
    }
    return given;
}

std::string read_name(const po::variables_map& given) {
    const std::string name = base_name(given["output"].as<std::string>());
    if (name.empty() || fs::path(name).filename().empty()) {
        throw Error({.kind = Kind::config,
                     .where = "--output",
                     .found = fmt::format("'{}'", given["output"].as<std::string>()),
                     .expected = "a name, such as study, to which .json, .csv, .png and .svg are added"});
    }
    return name;
}

int study(ScalingKind kind, const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string verb(word(kind));
    po::options_description known("Options");
    known.add_options()("config", po::value<std::string>(), "configuration file (also as the first word)");
    known.add_options()("ranks", po::value<std::string>(), "numbers of ranks, such as 1,2,4 [powers of two, and all]");
    known.add_options()("repeats", po::value<std::string>(), "timed runs of each, after one to warm up [5]");
    known.add_options()("output,o", po::value<std::string>()->default_value("study"),
                        "name of the files, to which .json, .csv, .png, .svg are added");
    known.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                        "key=value over the configuration; repeatable");
    known.add_options()("quiet,q", "the result only");
    known.add_options()("help,h", "this text");
    const auto given = parse("scaling " + verb, arguments, known, {"config"});
    if (given.count("help") > 0) {
        print(comm,
              help_text(
                  fmt::format("mpirun -n RANKS tessera scaling {} CONFIG.yaml [options]", verb),
                  kind == ScalingKind::strong
                      ? "Times the same galaxy on different numbers of ranks, within one allocation."
                      : "Times galaxies of as many stars a rank on different numbers of ranks, within one "
                        "allocation.",
                  known,
                  fmt::format("mpirun -n 4 tessera scaling {} scaling.yaml --ranks 1,2,4 --repeats 5 -o study", verb)));
        return 0;
    }
    if (given.count("config") == 0) {
        throw Error({.kind = Kind::config,
                     .where = "tessera scaling " + verb,
                     .found = "no configuration file",
                     .expected = fmt::format("tessera scaling {} CONFIG.yaml", verb)});
    }
    if (given.count("quiet") > 0) { log::set_level(log::Level::quiet); }
    ScalingConfig config;
    ScalingRequest request{.kind = kind};
    std::string name;
    agree(comm, [&] {
        config = read_scaling_config(given["config"].as<std::string>(),
                                     given.count("set") > 0 ? given["set"].as<std::vector<std::string>>()
                                                            : std::vector<std::string>{});
        name = read_name(given);
        request.ranks = parse_ranks(
            given.count("ranks") > 0 ? given["ranks"].as<std::string>() : default_ranks(comm.size()), comm.size());
        std::int64_t repeats = request.n_repeat;
        assign(given, "repeats", repeats);
        if (repeats < 1 || repeats > 10000) {
            throw Error({.kind = Kind::config,
                         .where = "--repeats",
                         .found = fmt::format("{}", repeats),
                         .expected = "1 to 10000"});
        }
        request.n_repeat = static_cast<int>(repeats);
    });
    for (const std::string& file : study_files(name)) { io::check_output_path(file, comm); }
    request.scratch = (fs::path(name).parent_path() / ("." + fs::path(name).filename().string() + ".scratch")).string();

    ScalingStudy result = run_scaling_study(config, request, comm);
    result.place.version = std::string("tessera ") + TESSERA_VERSION + " " + TESSERA_REVISION;
    std::vector<std::string> written;
    agree(comm, [&] {
        if (comm.is_root()) { written = write_study(result, config, name); }
    });
    if (comm.is_root()) { print(comm, study_text(result)); }
    for (const std::string& file : written) { log::info("wrote " + file); }
    return 0;
}

} // namespace

int run_scaling_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string verb = subcommand("scaling", arguments, {"strong", "weak"});
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (verb == "strong") { return study(ScalingKind::strong, rest, comm); }
    if (verb == "weak") { return study(ScalingKind::weak, rest, comm); }
    print(comm, "Usage: tessera scaling strong|weak CONFIG.yaml --ranks 1,2,4 -o study\n\n"
                "  strong  the same galaxy on different numbers of ranks\n"
                "  weak    as many stars a rank on different numbers of ranks\n\n"
                "Example:\n  mpirun -n 4 tessera scaling strong scaling.yaml --ranks 1,2,4 --repeats 5 -o study\n");
    return 0;
}

} // namespace tessera::app
