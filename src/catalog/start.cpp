#include "catalog/start.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalog/bands.hpp"
#include "catalog/shards.hpp"
#include "tessera/core/host_name.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/file_checksum.hpp"
#include "tessera_version.hpp"

namespace tessera::catalog {

namespace {

namespace fs = std::filesystem;

/// Keys that say how the cubes are made, not which: they may change from run to run.
constexpr std::array free_keys{"catalog.output",   "catalog.ranks",    "catalog.giants",  "catalog.time_limit",
                               "catalog.together", "parallel.threads", "simulation.index"};

std::map<std::string, std::string> config_map(const CatalogConfig& config) {
    CatalogConfig copy = config;
    std::map<std::string, std::string> out;
    const OptionTable table = option_table(copy);
    for (const Option& option : table.options()) {
        if (std::find(free_keys.begin(), free_keys.end(), option.name) == free_keys.end()) {
            out[option.name] = option.get().text();
        }
    }
    return out;
}

void expect_same_config(const std::map<std::string, std::string>& then, const std::map<std::string, std::string>& now,
                        const std::string& folder) {
    std::vector<std::string> differing;
    const auto value = [](const std::map<std::string, std::string>& of, const std::string& key) {
        const auto it = of.find(key);
        return it == of.end() ? std::string("absent") : it->second;
    };
    std::map<std::string, std::string> all = now;
    all.insert(then.begin(), then.end());
    for (const auto& [key, unused] : all) {
        if (value(then, key) != value(now, key)) {
            differing.push_back(fmt::format("{} (now {}, then {})", key, value(now, key), value(then, key)));
        }
    }
    if (differing.empty()) { return; }
    throw Error(
        {.kind = Kind::config,
         .where = folder,
         .found = "a catalogue that was begun with other settings: " + fmt::format("{}", fmt::join(differing, ", ")),
         .expected = "the same configuration when going on",
         .cure = "restore these keys, or begin another catalogue with another catalog.output"});
}

void expect_same_galaxies(const Manifest& manifest, const Selection& selection, const std::string& checksum) {
    if (manifest.entries == selection.entries && manifest.checksum == checksum) { return; }
    throw Error(
        {.kind = Kind::data,
         .where = selection.source,
         .found = fmt::format("a group catalogue that differs ({} cubes selected)", selection.entries.size()),
         .expected = fmt::format("the one that the catalogue was begun with ({} cubes)", manifest.entries.size()),
         .cure = "restore the snapshot, or begin another catalogue with another catalog.output"});
}

/// What write_aside leaves behind when it is killed.
void remove_partial_files(const fs::path& folder) {
    std::error_code ignored;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(".") && name.ends_with(".partial")) { found.push_back(entry.path()); }
    }
    for (const fs::path& path : found) { fs::remove(path, ignored); }
}

void expect_empty(const fs::path& folder) {
    std::error_code ignored;
    const fs::directory_iterator files(folder / "cubes", ignored);
    if (files == fs::directory_iterator()) { return; }
    throw Error({.kind = Kind::config,
                 .where = folder.string(),
                 .found = "cubes without a manifest",
                 .expected = "an empty folder, or a catalogue",
                 .cure = "remove them, or choose another catalog.output"});
}

Manifest begin(const CatalogConfig& config, const Selection& selection, const std::string& checksum) {
    Manifest out;
    out.version = std::string("tessera ") + TESSERA_VERSION + " " + TESSERA_REVISION;
    out.config = config_map(config);
    out.extension = cube_extension(config.catalog);
    out.checksum = checksum;
    out.entries = selection.entries;
    out.records.resize(out.entries.size());
    return out;
}

/// Finished cubes that have gone, or are no longer what they were, are made again; what is left of them goes.
void check_finished(Manifest& manifest, const fs::path& folder) {
    const std::set<std::int64_t> packed = packed_entries(folder.string(), manifest);
    std::int64_t n_gone = 0;
    for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
        EntryRecord& record = manifest.records[i];
        if (record.state != EntryState::done) { continue; }
        std::error_code failure;
        const fs::path file = folder / cube_name(manifest.entries[i], manifest.extension);
        const auto bytes = fs::file_size(file, failure);
        if (!failure && static_cast<std::int64_t>(bytes) == record.bytes) { continue; }
        if (failure && packed.contains(static_cast<std::int64_t>(i))) { continue; } // it is in its shard
        fs::remove(file, failure);
        record = {};
        ++n_gone;
    }
    if (n_gone > 0) {
        log::warning(fmt::format("{}: {} finished cubes are gone or have another size: they are made again",
                                 folder.string(), n_gone));
    }
}

/// A cube that was finished the moment before its run was killed. @return  whether there is one, whole and of this configuration
bool adopt(const CatalogConfig& config, const CatalogEntry& entry, const std::vector<Band>& bands,
           EntryRecord& record) {
    const std::string path = cube_path(config, entry);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) { return false; }
    try {
        Config expected = config_of(config, entry, path);
        if (read_cube_facts(path).config != option_table(expected).yaml()) { return false; }
        record = record_of(path, bands, 0);
        return true;
    } catch (const Error& error) {
        log::warning(fmt::format("{} is made again: {}", path, error.what()));
        return false;
    }
}

} // namespace

EntryRecord record_of(const std::string& path, const std::vector<Band>& bands, double seconds,
                      const std::optional<CubeSums>& sums, std::optional<std::uint64_t> checksum) {
    EntryRecord out;
    out.state = EntryState::done;
    out.seconds = seconds;
    out.time = time_now();
    out.host = host_name();
    out.facts = read_cube_facts(path);
    out.facts.config.clear();
    out.measures = measure(sums ? *sums : read_cube_sums(path), bands);
    out.bytes = static_cast<std::int64_t>(fs::file_size(path));
    out.checksum = checksum ? *checksum : io::file_checksum(path);
    return out;
}

Start start(const CatalogConfig& config, const CatalogRequest& request, const Selection& selection,
            const std::string& folder, int n_rank) {
    const bool go_on = request.resume || request.retry_failed;
    const std::string checksum = fmt::format("{:016x}", selection.checksum);
    Start out;
    auto there = read_manifest(folder);
    if (there && !go_on) {
        throw Error(
            {.kind = Kind::config,
             .where = folder,
             .found = fmt::format("a catalogue of {} cubes, {} of them done", there->entries.size(),
                                  there->count(EntryState::done)),
             .expected = "an empty folder",
             .cure = "go on with it by --resume (--retry-failed: also what failed), or choose another catalog.output"});
    }
    if (there) {
        expect_same_config(there->config, config_map(config), folder);
        expect_same_galaxies(*there, selection, checksum);
        out.manifest = std::move(*there);
        check_finished(out.manifest, folder);
    } else {
        expect_empty(folder);
        out.manifest = begin(config, selection, checksum);
    }
    std::error_code failure;
    fs::create_directories(fs::path(folder) / "cubes", failure);
    if (failure) {
        throw Error({.kind = Kind::resource,
                     .where = (fs::path(folder) / "cubes").string(),
                     .found = failure.message(),
                     .expected = "a folder that can be made",
                     .cure = "check rights and free space, or choose another catalog.output"});
    }
    remove_partial_files(folder);
    remove_partial_files(fs::path(folder) / "cubes");
    remove_partial_files(fs::path(folder) / "shards");
    Manifest& manifest = out.manifest;
    const std::vector<Band> bands = bands_of(config);
    for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
        EntryRecord& record = manifest.records[i];
        if (record.state == EntryState::done || (record.state == EntryState::failed && !request.retry_failed)) {
            continue;
        }
        if (adopt(config, manifest.entries[i], bands, record)) {
            ++out.n_adopted;
            continue;
        }
        record = {};
        out.todo.push_back(static_cast<std::int64_t>(i));
    }
    manifest.sessions.push_back({.time = time_now(), .n_rank = n_rank, .host = host_name()});
    write_manifest(folder, manifest);
    std::stable_sort(out.todo.begin(), out.todo.end(), [&](std::int64_t a, std::int64_t b) {
        return manifest.entries[static_cast<std::size_t>(a)].n_rows >
               manifest.entries[static_cast<std::size_t>(b)].n_rows;
    });
    return out;
}

} // namespace tessera::catalog
