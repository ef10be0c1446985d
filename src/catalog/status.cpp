#include <algorithm>
#include <map>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "catalog/shards.hpp"
#include "tessera/catalog/run.hpp"

namespace tessera {

namespace {

std::string kind_text(Kind kind) {
    switch (kind) {
    case Kind::internal: return "program";
    case Kind::config: return "configuration";
    case Kind::data: return "data";
    case Kind::resource: return "resources";
    case Kind::partial: return "partial";
    }
    return "unknown";
}

std::string clock_text(double time) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(time)));
}

/// Cubes a second since the last start, by the clock of those who wrote the records.
std::string rate_text(const Manifest& manifest) {
    if (manifest.sessions.empty()) { return ""; }
    const CatalogSession& session = manifest.sessions.back();
    std::int64_t n = 0;
    double last = session.time, busy = 0;
    for (const EntryRecord& record : manifest.records) {
        const bool ended = record.state == EntryState::done || record.state == EntryState::failed;
        if (!ended || record.time < session.time || record.seconds <= 0) { continue; }
        ++n;
        last = std::max(last, record.time);
        busy += record.seconds;
    }
    std::string text =
        fmt::format("last start  {}, {} ranks from {}\n", clock_text(session.time), session.n_rank, session.host);
    if (n == 0 || last <= session.time) { return text; }
    const double rate = static_cast<double>(n) / (last - session.time);
    text += fmt::format("rate        {:.3g} cubes a second since then, {:.3g} s a cube\n", rate,
                        busy / static_cast<double>(n));
    const std::int64_t open = manifest.count(EntryState::waiting) + manifest.count(EntryState::running);
    if (open > 0) { text += fmt::format("left        {:.0f} s at this rate\n", static_cast<double>(open) / rate); }
    return text;
}

std::string failure_text(const Manifest& manifest) {
    std::map<Kind, std::int64_t> kinds;
    for (const EntryRecord& record : manifest.records) {
        if (record.state == EntryState::failed) { ++kinds[record.kind]; }
    }
    std::string text;
    for (const auto& [kind, n] : kinds) { text += fmt::format("failed      {} by {}\n", n, kind_text(kind)); }
    constexpr int most = 20;
    int listed = 0;
    for (std::size_t i = 0; i < manifest.records.size(); ++i) {
        const EntryRecord& record = manifest.records[i];
        if (record.state != EntryState::failed) { continue; }
        if (++listed > most) {
            text += "  … the others are in the catalogue table\n";
            break;
        }
        text += fmt::format("  {}: {}\n", cube_name(manifest.entries[i], manifest.extension), record.message);
    }
    return text;
}

} // namespace

std::string catalog_status(const std::string& folder) {
    const auto manifest = read_manifest(folder);
    if (!manifest) {
        throw Error({.kind = Kind::config,
                     .where = folder,
                     .found = "no manifest.journal",
                     .expected = "the folder of a catalogue, catalog.output of its configuration"});
    }
    const std::int64_t n = std::ssize(manifest->entries), done = manifest->count(EntryState::done);
    std::int64_t bytes = 0;
    for (const EntryRecord& record : manifest->records) { bytes += record.bytes; }
    std::string text = fmt::format("cubes       {}\n", n);
    text += fmt::format("done        {} ({:.1f} %), {:.2f} GB\n", done,
                        100.0 * static_cast<double>(done) / static_cast<double>(n), static_cast<double>(bytes) * 1e-9);
    text += fmt::format("running     {} (or at work when a run was killed)\n", manifest->count(EntryState::running));
    text += fmt::format("waiting     {}\n", manifest->count(EntryState::waiting));
    if (catalog::has_shards(*manifest)) {
        const auto plan = catalog::plan_shards(*manifest);
        text += fmt::format("unpacked    {} of {} shards, written when all cubes are made\n",
                            catalog::shards_to_pack(folder, *manifest).size(), plan.size());
    }
    return text + rate_text(*manifest) + failure_text(*manifest);
}

} // namespace tessera
