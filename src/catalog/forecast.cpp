// What `tessera catalog --dry-run` says.
#include <algorithm>
#include <filesystem>

#include "catalog/costs.hpp"
#include "catalog/fields.hpp"
#include "tessera/catalog/run.hpp"
#include "tessera/comm/communicator.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;

/// Bytes free where the folder is or will be.
std::int64_t free_bytes(const std::string& folder) {
    std::error_code failure;
    fs::path at = fs::absolute(folder, failure);
    while (!fs::exists(at, failure) && at.has_relative_path()) { at = at.parent_path(); }
    const fs::space_info space = fs::space(at, failure);
    return failure ? 0 : static_cast<std::int64_t>(space.available);
}

} // namespace

CatalogForecast forecast_catalog(const CatalogConfig& config, Communicator& world) {
    CatalogForecast out;
    CatalogEntry largest;
    Selection selection;
    SharedInputs shared = read_shared_inputs(config.cube, world);
    agree(world, [&] {
        if (world.is_root()) { selection = select_galaxies(config); }
    });
    if (config.catalog.stars == CatalogStars::field) {
        catalog::look_up(config, selection.entries, WithoutFile::none, shared, world);
    }
    std::int64_t n_looked_at = 0; // rows read to see whether they lie in a field
    agree(world, [&] {
        if (!world.is_root()) { return; }
        catalog::Fields fields(config, shared);
        std::vector<std::int64_t> rows;
        std::int64_t most = 0;
        for (const CatalogEntry& entry : selection.entries) {
            const ByType<FieldRows> others = fields.rows_of(entry);
            const std::int64_t n = entry.n_rows + static_cast<std::int64_t>(others.stars.n_inside);
            n_looked_at += others.stars.n_row + others.gas.n_row;
            rows.push_back(n);
            out.n_stars += n;
            if (n > most) {
                most = n;
                largest = entry;
            }
        }
        std::sort(rows.begin(), rows.end());
        out.n_subhalo = selection.n_subhalo;
        out.n_galaxy = selection.n_galaxy;
        out.n_cube = std::ssize(rows);
        out.fewest_stars = rows.front();
        out.median_stars = rows[rows.size() / 2];
        out.most_stars = rows.back();
        if (most == 0) { largest = selection.entries.front(); }
    });
    for (std::int64_t* number :
         {&out.n_subhalo, &out.n_galaxy, &out.n_cube, &out.fewest_stars, &out.median_stars, &out.most_stars,
          &out.n_stars, &n_looked_at, &largest.id, &largest.view, &largest.n_rows, &largest.bundle}) {
        *number = world.broadcast_value(*number, 0);
    }
    largest.redshift = world.broadcast_value(largest.redshift, 0);

    const int ranks = static_cast<int>(std::min<std::int64_t>(config.catalog.ranks, world.size()));
    const auto group = world.split(world.rank() / ranks, world.rank(), Others::work);
    // Next to where the cubes will be: that folder need not be there yet.
    const std::string folder = config.cube.resolve(config.catalog.output);
    const fs::path beside = fs::absolute(folder).lexically_normal().parent_path();
    const Config cube = config_of(config, largest, (beside / fs::path(cube_path(config, largest)).filename()).string());
    out.largest = forecast_cube(cube, *group, shared);

    const CubeSizes& sizes = out.largest.sizes;
    const catalog::Costs costs{.n_voxel = static_cast<double>(sizes.n_spaxel * sizes.n_pixel)};
    out.bytes_to_write = out.largest.bytes_to_write * out.n_cube;
    out.bytes_free = world.broadcast_value(free_bytes(folder), 0);
    const double cores = static_cast<double>(world.size());
    out.seconds = (static_cast<double>(out.n_cube) * costs.of(0) + static_cast<double>(out.n_stars) * costs.a_star +
                   static_cast<double>(n_looked_at) * costs.a_row) /
                  cores;
    return out;
}

} // namespace tessera
