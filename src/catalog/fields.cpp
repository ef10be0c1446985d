#include "catalog/fields.hpp"

#include <set>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/pipeline/field.hpp"
#include "tessera/view/rotation.hpp"

namespace tessera::catalog {

bool Fields::are_known() const {
    const RotationKind rotation = config_.cube.view.rotation.kind;
    const CentreKind centre = config_.cube.galaxy.centre.kind;
    return shared_.index.stars && rotation != RotationKind::face_on && rotation != RotationKind::edge_on &&
           (centre == CentreKind::automatic || centre == CentreKind::file);
}

FieldBox Fields::box_of(const CatalogEntry& entry) {
    if (!reach_.contains(entry.bundle)) { reach_[entry.bundle] = field_reach(config_of(config_, entry, "")); }
    std::array<double, 2> half = reach_[entry.bundle];
    const double scale = cosmology_.kpc_per_arcsec(entry.redshift);
    for (double& x : half) { x *= scale; }
    const auto rotation = known_rotation(view_of(config_, entry), static_cast<std::uint64_t>(entry.id));
    return field_box(half, depth_of(config_).value(), shared_.snapshot->centre_of(entry.id).value_or(Vector3{}),
                     rotation.value_or(Matrix3()));
}

ByType<FieldRows> Fields::rows_of(const CatalogEntry& entry) {
    if (!shared_.index.stars) { return {}; }
    const ByType<RowRange> own = shared_.snapshot->rows_of(entry.id);
    if (own.stars.size() == 0) { return {}; } // a subhalo that cannot be read fails by itself
    return rows_in(shared_.index, box_of(entry), own);
}

void Fields::expect_room(std::span<const CatalogEntry> entries) {
    if (!shared_.index.stars) { return; }
    for (const CatalogEntry& entry : entries) { shared_.index.stars->expect_room(box_of(entry)); }
}

void look_up(const CatalogConfig& config, std::span<const CatalogEntry> entries, WithoutFile otherwise,
             SharedInputs& shared, Communicator& world) {
    SnapshotOptions options = config.cube.simulation;
    options.path = config.cube.resolve(options.path);
    std::set<std::int64_t> ids;
    for (const CatalogEntry& entry : entries) { ids.insert(entry.id); }
    shared.snapshot = index_snapshot(options, std::vector<std::int64_t>(ids.begin(), ids.end()), world);
    if (config.catalog.stars != CatalogStars::field) { return; }
    const std::string folder = config.cube.resolve(options.index.value_or(config.catalog.output));
    shared.index = find_field_index(*shared.snapshot, folder, world, otherwise);
    agree(world, [&] {
        if (world.is_root()) { Fields(config, shared).expect_room(entries); }
    });
}

} // namespace tessera::catalog
