#include "tessera/catalog/manifest.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "catalog/journal.hpp"
#include "catalog/session_record.hpp"
#include "tessera/io/write_text.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int layout = 2;
constexpr std::array state_names{"waiting", "running", "done", "failed"}; // by EntryState

std::string main_journal(const std::string& folder) { return (fs::path(folder) / "manifest.journal").string(); }
std::string rank_journal(const std::string& folder, int rank) {
    return (fs::path(folder) / fmt::format("manifest.{}.journal", rank)).string();
}

/// Those of ranks, in the order of their names.
std::vector<std::string> rank_journals(const std::string& folder) {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        constexpr std::string_view prefix = "manifest.", suffix = ".journal";
        if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) {
            continue;
        }
        const std::string middle = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
        if (middle.find_first_not_of("0123456789") == std::string::npos) { out.push_back(entry.path().string()); }
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// JSON knows no infinity and no NaN.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
double number(const Json& json) { return json.is_null() ? std::nan("") : json.get<double>(); }

std::uint64_t hexadecimal(const std::string& text) { return std::stoull(text, nullptr, 16); }

Json to_json(const CubeMeasures& measures) {
    Json out{{"flux", number(measures.flux)},
             {"half_light_radius", number(measures.half_light_radius)},
             {"lambda_r", number(measures.lambda_r)},
             {"signal_to_noise", number(measures.signal_to_noise)},
             {"magnitudes", Json::object()}};
    for (const auto& [band, magnitude] : measures.magnitudes) { out["magnitudes"][band] = number(magnitude); }
    return out;
}

CubeMeasures measures_from(const Json& json) {
    CubeMeasures out{.flux = number(json.at("flux")),
                     .half_light_radius = number(json.at("half_light_radius")),
                     .lambda_r = number(json.at("lambda_r")),
                     .signal_to_noise = number(json.at("signal_to_noise")),
                     .magnitudes = {}};
    for (const auto& [band, magnitude] : json.at("magnitudes").items()) { out.magnitudes[band] = number(magnitude); }
    return out;
}

Json to_json(std::int64_t entry, const EntryRecord& record) {
    Json out{{"record", state_names[static_cast<std::size_t>(record.state)]},
             {"entry", entry},
             {"time", record.time},
             {"host", record.host}};
    if (record.state == EntryState::failed) {
        out["seconds"] = record.seconds;
        out["kind"] = static_cast<int>(record.kind);
        out["message"] = record.message;
    }
    if (record.state == EntryState::done) {
        const CubeFacts& facts = record.facts;
        out["seconds"] = record.seconds;
        out["bytes"] = record.bytes;
        out["checksum"] = fmt::format("{:016x}", record.checksum);
        out["redshift"] = facts.redshift;
        out["n_star"] = facts.n_star;
        out["n_wind_dropped"] = facts.n_wind_dropped;
        out["n_in_field"] = facts.n_in_field;
        out["star_checksum"] = facts.star_checksum;
        out["error_rms"] = number(facts.error_rms);
        out["error_max"] = number(facts.error_max);
        out["rotation"] = facts.rotation;
        out["measures"] = to_json(record.measures);
    }
    return out;
}

EntryRecord record_from(const Json& json, EntryState state) {
    EntryRecord out;
    out.state = state;
    out.time = json.at("time");
    out.host = json.at("host");
    if (state == EntryState::failed) {
        out.seconds = json.at("seconds");
        out.kind = static_cast<Kind>(json.at("kind").get<int>());
        out.message = json.at("message");
    }
    if (state == EntryState::done) {
        out.seconds = json.at("seconds");
        out.bytes = json.at("bytes");
        out.checksum = hexadecimal(json.at("checksum"));
        out.facts.redshift = json.at("redshift");
        out.facts.n_star = json.at("n_star");
        out.facts.n_wind_dropped = json.at("n_wind_dropped");
        out.facts.n_in_field = json.at("n_in_field");
        out.facts.star_checksum = json.at("star_checksum");
        out.facts.error_rms = number(json.at("error_rms"));
        out.facts.error_max = number(json.at("error_max"));
        out.facts.rotation = json.at("rotation");
        out.measures = measures_from(json.at("measures"));
    }
    return out;
}

Json header_of(const Manifest& manifest) {
    return {{"record", "catalog"},
            {"layout", layout},
            {"version", manifest.version},
            {"extension", manifest.extension},
            {"group_catalogue", manifest.checksum},
            {"n_entry", manifest.entries.size()},
            {"config", manifest.config}};
}

Json to_json(const std::string& name, const ShardRecord& shard) {
    return {{"record", "shard"},
            {"name", name},
            {"bytes", shard.bytes},
            {"checksum", fmt::format("{:016x}", shard.checksum)}};
}

/// Records one after the other into a manifest.
class Reader {
public:
    explicit Reader(Manifest& manifest) : manifest_(manifest) {}

    void add(const std::string& text) {
        const Json json = Json::parse(text);
        const std::string kind = json.at("record");
        if (kind == "catalog") {
            if (json.at("layout") != layout) {
                throw std::runtime_error(fmt::format("layout {}", json.at("layout").dump()));
            }
            manifest_.version = json.at("version");
            manifest_.extension = json.at("extension");
            manifest_.checksum = json.at("group_catalogue");
            manifest_.config = json.at("config");
            n_expected = json.at("n_entry");
        } else if (kind == "session") {
            manifest_.sessions.push_back(catalog::session_from(json));
        } else if (kind == "shard") {
            manifest_.shards[json.at("name")] = {json.at("bytes"), hexadecimal(json.at("checksum"))};
        } else if (kind == "entry") {
            manifest_.entries.push_back(
                {json.at("id"), json.at("view"), json.at("redshift"), json.at("rows"), json.at("bundle")});
            manifest_.records.emplace_back();
        } else {
            const auto* const name = std::find(state_names.begin(), state_names.end(), kind);
            if (name == state_names.end()) { throw std::runtime_error(fmt::format("a record '{}'", kind)); }
            const auto state = static_cast<EntryState>(name - state_names.begin());
            EntryRecord& old = manifest_.records.at(json.at("entry").get<std::size_t>());
            EntryRecord now = record_from(json, state);
            if (old.state != EntryState::done) { old = std::move(now); } // what is done stays done
        }
    }

    std::size_t n_expected = 0;

private:
    Manifest& manifest_;
};

void add_journal(Reader& reader, const std::string& path, const std::vector<std::string>& records) {
    for (std::size_t i = 0; i < records.size(); ++i) {
        try {
            reader.add(records[i]);
        } catch (const std::exception& error) {
            throw Error({.kind = Kind::data,
                         .where = fmt::format("{}, record {}", path, i + 1),
                         .found = error.what(),
                         .expected = "a record that this version of the program writes",
                         .cure = "go on with the version that began it, or begin anew in another folder"});
        }
    }
}

} // namespace

std::int64_t Manifest::count(EntryState state) const {
    return std::count_if(records.begin(), records.end(), [&](const EntryRecord& r) { return r.state == state; });
}

std::string cube_name(const CatalogEntry& entry, const std::string& extension) {
    return fmt::format("cubes/{}_{}.{}", entry.id, entry.view, extension);
}

std::optional<Manifest> read_manifest(const std::string& folder) {
    const std::string main = main_journal(folder);
    // The ranks' journals first: one that is folded into the main one meanwhile is then found there.
    std::vector<std::pair<std::string, catalog::Journal>> of_ranks;
    for (const std::string& path : rank_journals(folder)) {
        if (auto journal = catalog::read_journal(path)) { of_ranks.emplace_back(path, std::move(*journal)); }
    }
    const auto journal = catalog::read_journal(main);
    if (!journal) { return std::nullopt; }
    Manifest out;
    Reader reader(out);
    add_journal(reader, main, journal->records);
    out.n_torn = journal->n_torn;
    if (out.config.empty() || out.entries.size() != reader.n_expected) {
        throw Error({.kind = Kind::data,
                     .where = main,
                     .found = fmt::format("{} of {} entries", out.entries.size(), reader.n_expected),
                     .expected = "all of them: the file is written whole before a run begins",
                     .cure = "Restore it, or begin anew in another folder"});
    }
    for (const auto& [path, records] : of_ranks) {
        add_journal(reader, path, records.records);
        out.n_torn += records.n_torn;
    }
    return out;
}

void write_manifest(const std::string& folder, const Manifest& manifest) {
    const std::vector<std::string> folded = rank_journals(folder);
    for (const std::string& path : folded) {
        if (!catalog::in_use(path)) { continue; }
        throw Error({.kind = Kind::resource,
                     .where = path,
                     .found = "a rank of an earlier run that still writes it",
                     .expected = "no other run on this folder",
                     .cure = "wait until its processes have ended"});
    }
    std::string text = catalog::journal_line(header_of(manifest).dump());
    for (const CatalogSession& session : manifest.sessions) {
        text += catalog::journal_line(catalog::to_json(session).dump());
    }
    for (const CatalogEntry& entry : manifest.entries) {
        text += catalog::journal_line(Json{
            {"record", "entry"},
            {"id", entry.id},
            {"view", entry.view},
            {"redshift", entry.redshift},
            {"rows", entry.n_rows},
            {"bundle", entry.bundle}}.dump());
    }
    for (std::size_t i = 0; i < manifest.records.size(); ++i) {
        const EntryRecord& record = manifest.records[i];
        if (record.state == EntryState::waiting) { continue; }
        text += catalog::journal_line(to_json(static_cast<std::int64_t>(i), record).dump());
    }
    for (const auto& [name, shard] : manifest.shards) { text += catalog::journal_line(to_json(name, shard).dump()); }
    io::write_text(main_journal(folder), text);
    for (const std::string& path : folded) {
        std::error_code ignored;
        fs::remove(path, ignored);
    }
}

struct ManifestWriter::File {
    std::string path;
    int descriptor = -1;
};

ManifestWriter::ManifestWriter(const std::string& folder, int rank)
    : file_(std::make_unique<File>(File{rank_journal(folder, rank), -1})) {
    file_->descriptor = catalog::open_journal(file_->path);
}

ManifestWriter::~ManifestWriter() { ::close(file_->descriptor); }

void ManifestWriter::append(std::int64_t entry, const EntryRecord& record) {
    const bool to_disk = record.state == EntryState::done || record.state == EntryState::failed;
    catalog::append_line(file_->descriptor, file_->path, catalog::journal_line(to_json(entry, record).dump()), to_disk);
}

void ManifestWriter::append_shard(const std::string& name, const ShardRecord& record) {
    catalog::append_line(file_->descriptor, file_->path, catalog::journal_line(to_json(name, record).dump()), true);
}

double time_now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

} // namespace tessera
