#include "particles/dialects.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// The layout that the header's own words name.
std::optional<SnapshotFormat> named_in_header(const io::Hdf5Group& file) {
    if (!file.has_group("Header")) { return std::nullopt; }
    const io::Hdf5Group header = file.group("Header");
    if (lower(header.find_text("Code").value_or("")).find("swift") != std::string::npos) {
        return SnapshotFormat::swift;
    }
    const std::vector<std::pair<const char*, SnapshotFormat>> words{
        {"tng", SnapshotFormat::tng}, {"eagle", SnapshotFormat::eagle}, {"colibre", SnapshotFormat::swift}};
    for (const char* attribute : {"SimulationName", "RunLabel"}) {
        const std::string name = lower(header.find_text(attribute).value_or(""));
        for (const auto& [text, format] : words) {
            if (name.find(text) != std::string::npos) { return format; }
        }
    }
    return std::nullopt;
}

bool has_gfm_fields(const io::Hdf5Group& file) {
    for (const char* group : {"PartType4", "PartType0"}) {
        if (!file.has_group(group)) { continue; }
        for (const std::string& name : file.group(group).names()) {
            if (name.rfind("GFM_", 0) == 0) { return true; }
        }
    }
    return false;
}

} // namespace

SnapshotFormat detect(const InputFiles& input) {
    std::optional<Error> unreadable;
    for (const std::string& path : input.chunks) { // chunk 0 may hold no stars: the next may tell
        io::Hdf5Group file;
        try {
            file = input.open->file(path);
        } catch (const Error& error) {
            if (!unreadable) { unreadable = error; }
            continue;
        }
        if (const auto format = named_in_header(file)) { return *format; }
        if (has_gfm_fields(file)) { return SnapshotFormat::tng; }
        if (file.has_group("stars")) { return SnapshotFormat::plain; }
        if (file.has_group("particles/stars")) { return SnapshotFormat::rubix; }
    }
    if (unreadable) { throw *unreadable; }
    throw Error(
        {.kind = Kind::data,
         .where = input.chunks.front(),
         .found = "nothing that identifies the layout",
         .expected =
             "Header/Code = SWIFT; 'TNG', 'EAGLE' or 'Colibre' in Header/SimulationName or RunLabel; fields GFM_* of "
             "PartType4 or PartType0; a group /stars (plain) or /particles/stars (rubix)",
         .cure = "set simulation.format: the units depend on it and are never guessed"});
}

} // namespace tessera::particles
