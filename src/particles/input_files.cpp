#include "particles/input_files.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tessera/core/error.hpp"

namespace tessera::particles {
namespace {

namespace fs = std::filesystem;

/// "snap_099.3.hdf5" → {"snap_099", 3}; "disc.hdf5" → {"disc", nothing}; nullopt for files of another kind.
struct ChunkName {
    std::string stem;
    std::optional<std::int64_t> number;
};
std::optional<ChunkName> parse(const fs::path& file) {
    const std::string extension = file.extension().string();
    if (extension != ".hdf5" && extension != ".h5") { return std::nullopt; }
    const std::string stem = file.stem().string();
    const auto dot = stem.rfind('.');
    const std::string digits = dot == std::string::npos ? "" : stem.substr(dot + 1);
    const bool number =
        !digits.empty() && digits.size() < 10 && digits.find_first_not_of("0123456789") == std::string::npos;
    if (!number) { return ChunkName{stem, std::nullopt}; }
    return ChunkName{stem.substr(0, dot), std::stoll(digits)};
}

/// The files of a folder by stem; within a stem by number, the one without a number first.
std::map<std::string, std::map<std::int64_t, fs::path>> families(const fs::path& folder) {
    std::map<std::string, std::map<std::int64_t, fs::path>> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (entry.is_directory()) { continue; }
        if (const auto name = parse(entry.path())) { found[name->stem][name->number.value_or(-1)] = entry.path(); }
    }
    if (error) {
        throw Error({.kind = Kind::data,
                     .where = folder.string(),
                     .found = error.message(),
                     .expected = "a readable folder",
                     .cure = "check its permissions"});
    }
    return found;
}

/// Chunks win over a file of the same stem without a number, which only links to them (SWIFT's virtual file).
std::vector<std::string> in_order(const fs::path& folder, const std::string& stem,
                                  const std::map<std::int64_t, fs::path>& family, std::optional<Error>* missing) {
    std::vector<std::string> files;
    std::int64_t next = 0;
    for (const auto& [number, path] : family) {
        if (number < 0 && family.size() > 1) { continue; }
        for (; next < number; ++next) {
            const std::string name = fmt::format("{}.{}{}", stem, next, path.extension().string());
            const Error gap({.kind = Kind::data,
                             .where = folder.string(),
                             .found = next > 0 ? fmt::format("{} after chunk {}", path.filename().string(), next - 1)
                                               : fmt::format("{} as the first", path.filename().string()),
                             .expected = fmt::format("{}: the chunks are numbered from 0 without gaps", name),
                             .cure = "fetch the missing chunk"});
            if (missing == nullptr) { throw gap; }
            if (!*missing) { *missing = gap; }
            files.push_back((folder / name).string());
        }
        ++next;
        files.push_back(path.string());
    }
    return files;
}

InputFiles under_base(const fs::path& base, std::int64_t snapshot) {
    const std::string n = three_digits(snapshot);
    std::vector<std::string> looked;
    for (const fs::path& folder : {base / ("snapdir_" + n), base}) {
        for (const char* name : {"snap_", "snapshot_"}) {
            looked.push_back((folder / fmt::format("{}{}[.0].hdf5", name, n)).string());
            if (!fs::is_directory(folder)) { continue; }
            InputFiles out;
            out.chunks = numbered_files(folder, name + n, &out.missing);
            if (out.chunks.empty()) { continue; }
            // A path that is the snapdir itself still has its run one folder up.
            const bool inside = folder == base && base.filename() == "snapdir_" + n;
            out.base = inside ? base.parent_path() : base;
            return out;
        }
    }
    throw Error(
        {.kind = Kind::data,
         .where = base.string(),
         .found = fmt::format("no file of snapshot {}", snapshot),
         .expected = fmt::format("{}", fmt::join(looked, ", or ")),
         .cure = "simulation.path must be the folder that holds snapdir_NNN, simulation.snapshot one of its numbers"});
}

std::vector<std::string> of_folder(const fs::path& folder) {
    const auto found = families(folder);
    if (found.size() == 1) { return in_order(folder, found.begin()->first, found.begin()->second, nullptr); }
    std::vector<std::string> stems;
    for (const auto& [stem, family] : found) { stems.push_back(family.begin()->second.filename().string()); }
    throw Error({.kind = Kind::data,
                 .where = folder.string(),
                 .found = stems.empty() ? "no file ending in .hdf5 or .h5"
                                        : fmt::format("files of several snapshots: {}", fmt::join(stems, ", ")),
                 .expected = "the chunks of one snapshot, NAME.0.hdf5, NAME.1.hdf5, …",
                 .cure = "name one file, or give simulation.snapshot when this is the folder of a TNG-style run"});
}

} // namespace

std::string three_digits(std::int64_t number) { return fmt::format("{:03}", number); }

std::vector<std::string> numbered_files(const fs::path& folder, const std::string& stem,
                                        std::optional<Error>* missing) {
    if (!fs::is_directory(folder)) { return {}; }
    const auto found = families(folder);
    const auto family = found.find(stem);
    return family == found.end() ? std::vector<std::string>{} : in_order(folder, stem, family->second, missing);
}

std::optional<std::string> numbered_like(const std::string& path, std::int64_t number) {
    const fs::path file(path);
    const auto name = parse(file);
    if (!name || !name->number) { return std::nullopt; }
    return (file.parent_path() / fmt::format("{}.{}{}", name->stem, number, file.extension().string())).string();
}

std::optional<std::int64_t> only_snapshot(const std::string& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) { return std::nullopt; }
    constexpr std::string_view prefix = "snapdir_";
    std::vector<std::int64_t> numbers;
    for (const auto& entry : fs::directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        const std::string digits = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
        if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        numbers.push_back(std::stoll(digits));
    }
    if (numbers.empty()) { return std::nullopt; }
    std::sort(numbers.begin(), numbers.end());
    if (numbers.size() > 1) {
        throw Error(
            {.kind = Kind::config,
             .where = path,
             .found = fmt::format("the snapshots {}", fmt::join(numbers, ", ")),
             .expected = "one of them chosen",
             .cure = "give its number: simulation.snapshot in a configuration, --snapshot on the command line"});
    }
    return numbers.front();
}

InputFiles find_input(const SnapshotOptions& options) {
    if (options.path.empty()) {
        throw Error({.kind = Kind::config,
                     .where = "simulation.path",
                     .found = "nothing",
                     .expected = "a file, a folder of chunk files, or the folder of a TNG-style run",
                     .cure = "set it in the configuration or with --set simulation.path=…"});
    }
    const fs::path path(options.path);
    std::error_code error;
    if (!fs::exists(path, error)) {
        throw Error({.kind = Kind::data,
                     .where = options.path,
                     .found = error ? error.message() : "no such file or folder",
                     .expected = "the input named by simulation.path",
                     .cure = "check the path; in a configuration file it starts at that file's folder"});
    }
    if (!fs::is_directory(path)) {
        // A number beside a file may be the one of a cut-out: harmless, the file is what is read.
        return {.chunks = {options.path}, .base = std::nullopt};
    }
    if (options.snapshot) { return under_base(path, *options.snapshot); }
    return {.chunks = of_folder(path), .base = std::nullopt};
}

} // namespace tessera::particles
