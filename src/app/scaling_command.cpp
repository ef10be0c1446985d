#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/command.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/write_aside.hpp"
#include "tessera/scaling/cost_model.hpp"
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

/// A hidden folder beside the files of a study, for what lives as long as the command.
std::string scratch_of(const std::string& name) {
    return (fs::path(name).parent_path() / ("." + fs::path(name).filename().string() + ".scratch")).string();
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
    known.add_options()("machine", po::value<std::string>(),
                        "file that describes this machine: prints the model's times beside the measured");
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
    const std::string path = config_file(given, "scaling " + verb);
    set_log_level("scaling " + verb, given);
    ScalingConfig config;
    ScalingRequest request{.kind = kind};
    std::optional<Machine> machine;
    std::string name;
    agree(comm, [&] {
        if (given.count("machine") > 0) { machine = read_machine(given["machine"].as<std::string>()); }
        config = read_scaling_config(path, settings_of(given));
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
    request.scratch = scratch_of(name);

    ScalingStudy result = run_scaling_study(config, request, comm);
    result.place.version = std::string("tessera ") + TESSERA_VERSION + " " + TESSERA_REVISION;
    std::vector<std::string> written;
    agree(comm, [&] {
        if (comm.is_root()) { written = write_study(result, config, name); }
    });
    if (comm.is_root()) {
        print(comm, study_text(result));
        if (machine) { print(comm, comparison_text(result, *machine)); }
    }
    for (const std::string& file : written) { log::info("wrote " + file); }
    return 0;
}

int model(const std::vector<std::string>& arguments, Communicator& comm) {
    po::options_description known("Options");
    known.add_options()("config", po::value<std::string>(), "configuration file (also as the first word)");
    known.add_options()("machine", po::value<std::string>()->default_value(""),
                        "file that describes a machine, such as configs/machines/gpu_cluster.yaml [two cores]");
    known.add_options()("ranks", po::value<std::string>()->default_value("1,2,4,8,16,32,64,128,256,512,1024,2048,4096"),
                        "numbers of ranks");
    known.add_options()("output,o", po::value<std::string>()->default_value("model"),
                        "name of the files, to which .json, .png, .svg are added");
    known.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                        "key=value over the configuration; repeatable");
    known.add_options()("help,h", "this text");
    const auto given = parse("scaling model", arguments, known, {"config"});
    if (given.count("help") > 0) {
        print(comm,
              help_text("tessera scaling model CONFIG.yaml [--machine FILE] [--ranks 1,2,4] [options]",
                        "Predicts strong and weak scaling on a machine described by a few numbers (docs/scaling.md).",
                        known,
                        "tessera scaling model scaling.yaml --machine configs/machines/gpu_cluster.yaml --set "
                        "scaling.stars=1000000000 -o model"));
        return 0;
    }
    const std::string path = config_file(given, "scaling model");
    ModelReport report;
    ScalingConfig config;
    std::string name;
    std::vector<int> ranks;
    agree(comm, [&] {
        config = read_scaling_config(path, settings_of(given));
        name = read_name(given);
        constexpr int most = 1 << 24;
        ranks = parse_ranks(given["ranks"].as<std::string>(), most);
        report.machine = read_machine(given["machine"].as<std::string>());
    });
    for (const std::string& file : ModelReport::files(name)) { io::check_output_path(file, comm); }
    report.sizes = sizes_of(config, scratch_of(name), comm);
    report.strong =
        predict_scaling(report.machine, report.sizes, ScalingKind::strong, ranks, config.scaling.reductions);
    report.weak = predict_scaling(report.machine, report.sizes, ScalingKind::weak, ranks, config.scaling.reductions);
    std::vector<std::string> written;
    agree(comm, [&] {
        if (comm.is_root()) { written = report.write(name); }
    });
    print(comm, report.text());
    for (const std::string& file : written) { log::info("wrote " + file); }
    return 0;
}

} // namespace

int run_scaling_command(const std::vector<std::string>& arguments, Communicator& comm) {
    const std::string verb = subcommand("scaling", arguments, {"strong", "weak", "model"});
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (verb == "strong") { return study(ScalingKind::strong, rest, comm); }
    if (verb == "weak") { return study(ScalingKind::weak, rest, comm); }
    if (verb == "model") { return model(rest, comm); }
    print(comm, "Usage: tessera scaling strong|weak|model CONFIG.yaml --ranks 1,2,4 -o study\n\n"
                "  strong  the same galaxy on different numbers of ranks\n"
                "  weak    as many stars a rank on different numbers of ranks\n"
                "  model   what both would be on a machine described by a few numbers\n\n"
                "Example:\n  mpirun -n 4 tessera scaling strong scaling.yaml --ranks 1,2,4 --repeats 5 -o study\n");
    return 0;
}

} // namespace tessera::app
