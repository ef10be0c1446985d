#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "catalog/shards.hpp"
#include "catalog/start.hpp"
#include "tessera/catalog/run.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/io/file_checksum.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;

/// The columns of the catalogue table that the cubes state themselves.
class Table {
public:
    /// @throws Error(Kind::data)  no table, unreadable
    explicit Table(const std::string& folder) : path_((fs::path(folder) / "catalogue.hdf5").string()) {
        const io::Hdf5Group group = io::Hdf5File::open(path_).group("Galaxies");
        for (const std::string& name : columns()) { values_[name] = group.dataset(name).read_all<double>(); }
        for (const std::string& name : group.names()) {
            if (name.starts_with(magnitude)) { values_[name] = group.dataset(name).read_all<double>(); }
        }
    }

    /// What of row `i` is not what the cube says; empty when all agrees.
    /// @param record  of the manifest, for the magnitudes: their bands' files need not be there any more
    std::string difference(std::size_t i, const CubeFacts& facts, const CubeMeasures& measures,
                           const EntryRecord& record) const {
        const auto rotation = [&](std::size_t k) { return rotation_name(k); };
        std::map<std::string, double> said{{"id", static_cast<double>(facts.subhalo.value_or(0))},
                                           {"redshift", facts.redshift},
                                           {"n_star_cube", static_cast<double>(facts.n_star)},
                                           {"n_wind", static_cast<double>(facts.n_wind_dropped)},
                                           {"n_in_field", static_cast<double>(facts.n_in_field)},
                                           {"error_rms", facts.error_rms},
                                           {"error_max", facts.error_max},
                                           {"flux_cube", measures.flux},
                                           {"r_half_cube", measures.half_light_radius},
                                           {"lambda_r", measures.lambda_r},
                                           {"snr_cube", measures.signal_to_noise}};
        for (const auto& [band, value] : record.measures.magnitudes) { said[magnitude + band] = value; }
        for (std::size_t k = 0; k < 9; ++k) { said[rotation(k)] = facts.rotation[k]; }
        for (const auto& [name, value] : said) {
            const auto found = values_.find(name);
            if (found == values_.end()) { return fmt::format("no column {} in the catalogue table", name); }
            const auto& column = found->second;
            if (i >= column.size()) { return fmt::format("no row {} in the catalogue table", i); }
            const double in_table = column[i];
            // FITS headers hold 15 digits.
            const bool same =
                std::abs(in_table - value) <= 1e-13 * std::abs(value) || (std::isnan(in_table) && std::isnan(value));
            if (!same) { return fmt::format("{} is {} in the file, {} in the catalogue table", name, value, in_table); }
        }
        return "";
    }

private:
    static constexpr const char* magnitude = "mag_cube_";
    static std::string rotation_name(std::size_t k) { return fmt::format("rotation_{}{}", k / 3 + 1, k % 3 + 1); }
    static std::vector<std::string> columns() {
        std::vector<std::string> out{"id",        "redshift",  "n_star_cube", "n_wind",   "n_in_field", "error_rms",
                                     "error_max", "flux_cube", "r_half_cube", "lambda_r", "snr_cube"};
        for (std::size_t k = 0; k < 9; ++k) { out.push_back(rotation_name(k)); }
        return out;
    }

    std::string path_;
    std::map<std::string, std::vector<double>> values_;
};

/// What is wrong with a cube; empty: nothing.
std::string problem_of(const std::string& path, const EntryRecord& record, const Table* table, std::size_t i) {
    std::error_code failure;
    const auto bytes = fs::file_size(path, failure);
    if (failure) { return failure.message(); }
    if (static_cast<std::int64_t>(bytes) != record.bytes) {
        return fmt::format("{} bytes, {} in the manifest", bytes, record.bytes);
    }
    try {
        const std::uint64_t checksum = io::file_checksum(path);
        if (checksum != record.checksum) {
            return fmt::format("checksum {:016x}, {:016x} in the manifest", checksum, record.checksum);
        }
        if (table != nullptr) {
            return table->difference(i, read_cube_facts(path), measure(read_cube_sums(path), {}), record);
        }
    } catch (const Error& error) { return error.what(); }
    return "";
}

/// Files beside the cubes that no entry accounts for.
std::vector<std::string> strangers(const Manifest& manifest, const fs::path& folder) {
    std::set<std::string> known;
    for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
        if (manifest.records[i].state == EntryState::done) {
            known.insert(cube_name(manifest.entries[i], manifest.extension));
        }
    }
    for (const catalog::Shard& shard : catalog::plan_shards(manifest)) { known.insert(shard.name); }
    std::vector<std::string> out;
    std::error_code ignored;
    for (const char* part : {"cubes", "shards"}) {
        for (const auto& entry : fs::directory_iterator(folder / part, ignored)) {
            const std::string name = fmt::format("{}/{}", part, entry.path().filename().string());
            if (!known.contains(name)) { out.push_back(name + ": a file that the manifest does not know as done"); }
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

CatalogVerdict verify_catalog(const std::string& folder, Communicator& world) {
    Manifest manifest;
    std::optional<Table> table;
    std::string table_problem;
    agree(world, [&] {
        auto read = read_manifest(folder);
        if (!read) {
            throw Error({.kind = Kind::config,
                         .where = folder,
                         .found = "no manifest.journal",
                         .expected = "the folder of a catalogue, catalog.output of its configuration"});
        }
        manifest = std::move(*read);
    });
    CatalogVerdict out;
    out.n_entry = std::ssize(manifest.entries);
    out.n_done = manifest.count(EntryState::done);
    out.n_failed = manifest.count(EntryState::failed);
    out.n_open = out.n_entry - out.n_done - out.n_failed;
    try {
        table.emplace(folder);
    } catch (const Error& error) {
        // Before the first run has ended there is none.
        if (out.n_open == 0) { table_problem = error.what(); }
    }

    std::string found;
    std::int64_t bytes = 0;
    std::vector<catalog::Shard> shards;
    std::set<std::int64_t> packed;
    agree(world, [&] {
        shards = catalog::plan_shards(manifest);
        packed = catalog::packed_entries(folder, manifest);
    });
    if (out.n_open > 0) { shards.clear(); } // they are written when all cubes are made
    agree(world, [&] {
        for (std::size_t i = static_cast<std::size_t>(world.rank()); i < shards.size();
             i += static_cast<std::size_t>(world.size())) {
            for (const std::string& problem : catalog::shard_problems(folder, manifest, shards[i])) {
                found += problem + "\n";
            }
            const auto record = manifest.shards.find(shards[i].name);
            bytes += record != manifest.shards.end() ? record->second.bytes : 0;
        }
    });
    for (std::size_t i = static_cast<std::size_t>(world.rank()); i < manifest.entries.size();
         i += static_cast<std::size_t>(world.size())) {
        const EntryRecord& record = manifest.records[i];
        if (record.state != EntryState::done) { continue; }
        const std::string name = cube_name(manifest.entries[i], manifest.extension);
        if (packed.contains(static_cast<std::int64_t>(i)) && !fs::exists(fs::path(folder) / name)) { continue; }
        const std::string problem =
            problem_of((fs::path(folder) / name).string(), record, out.n_open == 0 && table ? &*table : nullptr, i);
        if (!problem.empty()) { found += fmt::format("{}: {}\n", name, problem); }
        bytes += record.bytes;
    }
    out.bytes = world.all_reduce_value(bytes, Op::sum);
    const auto all = world.all_gather(std::span<const char>(found));
    std::string line;
    for (const char c : all) {
        if (c != '\n') {
            line += c;
            continue;
        }
        out.problems.push_back(std::move(line));
        line.clear();
    }
    std::sort(out.problems.begin(), out.problems.end());
    if (!table_problem.empty()) { out.problems.push_back(table_problem); }
    if (out.n_open == 0) {
        for (std::string& stranger : strangers(manifest, folder)) { out.problems.push_back(std::move(stranger)); }
    }
    return out;
}

} // namespace tessera
