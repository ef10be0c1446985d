#include "catalog/sheet.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "tessera/output/contact_sheet.hpp"

namespace tessera::catalog {

namespace {

namespace fs = std::filesystem;

/// Of the entries: the stars' mass, or nothing where the catalogue has none.
const std::vector<double>* masses(const Selection& selection) {
    for (std::size_t c = 0; c < selection.columns.size(); ++c) {
        if (selection.columns[c].name == "mass_stars") { return &selection.values[c]; }
    }
    return nullptr;
}

} // namespace

std::string write_sheet(const std::string& folder, const Selection& selection, const Manifest& manifest) {
    const std::vector<double>* mass = masses(selection);
    const auto weight = [&](std::size_t i) {
        return mass != nullptr ? (*mass)[i] : static_cast<double>(manifest.entries[i].n_rows);
    };
    std::vector<std::size_t> done;
    for (std::size_t i = 0; i < manifest.records.size(); ++i) {
        if (manifest.records[i].state == EntryState::done) { done.push_back(i); }
    }
    const std::size_t n_done = done.size();
    std::erase_if(done, [&](std::size_t i) { // packed into shards: the picture was made before that
        std::error_code ignored;
        return !fs::exists(fs::path(folder) / cube_name(manifest.entries[i], manifest.extension), ignored);
    });
    const std::string path = (fs::path(folder) / "catalogue.png").string();
    if (done.empty() || (done.size() < n_done && fs::exists(path))) { return fs::exists(path) ? path : ""; }
    std::stable_sort(done.begin(), done.end(), [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });
    std::vector<Thumbnail> cubes;
    for (const std::size_t place : choose_thumbnails(done.size())) {
        const std::size_t i = done[place];
        const CatalogEntry& entry = manifest.entries[i];
        const CubeSums sums = read_cube_sums((fs::path(folder) / cube_name(entry, manifest.extension)).string());
        cubes.push_back(
            {.label = fmt::format("{}_{}", entry.id, entry.view),
             .note = mass != nullptr ? fmt::format("{:.1e} Msun", weight(i)) : fmt::format("{} stars", entry.n_rows),
             .n_y = sums.n_y,
             .n_x = sums.n_x,
             .image = {sums.white_light.begin(), sums.white_light.end()}});
    }
    draw_contact_sheet(cubes.size() < done.size()
                           ? fmt::format("{} of {} cubes, by the mass of their stars", cubes.size(), done.size())
                           : fmt::format("{} cubes, by the mass of their stars", done.size()),
                       cubes, path);
    return path;
}

} // namespace tessera::catalog
