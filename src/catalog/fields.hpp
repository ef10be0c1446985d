// Stars and gas of others in the fields of a catalogue: catalog.stars: field.
#pragma once

#include <array>
#include <map>
#include <span>

#include "tessera/catalog/selection.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera::catalog {

/// Which rows beside its own a cube reads, as far as is known before the subhalo's stars are read.
class Fields {
public:
    /// Nothing is added where shared.index.stars is null.
    Fields(const CatalogConfig& config, const SharedInputs& shared)
        : config_(config), shared_(shared), cosmology_(config.cube.cosmology) {}

    /// Whether rows_of are those that a cube will ask for: not where the stars decide on the rotation or the centre.
    bool are_known() const;
    /// Seen along the box's z axis where the stars decide on the rotation.
    ByType<FieldRows> rows_of(const CatalogEntry& entry);
    /// @throws Error(Kind::config)  a field and depth that do not fit into the periodic box
    void expect_room(std::span<const CatalogEntry> entries);

private:
    FieldBox box_of(const CatalogEntry& entry);

    const CatalogConfig& config_;
    const SharedInputs& shared_;
    Cosmology cosmology_;
    std::map<std::int64_t, std::array<double, 2>> reach_; ///< arcsec, by bundle
};

/// What galaxies are looked up in: the snapshot's index of them, and with catalog.stars: field the index of its stars and gas. Collective.
/// @param entries    whose cubes may be made; rank 0's
/// @param otherwise  whether indices are made where there are none
/// @throws Error  of index_snapshot and find_field_index; fields that do not fit into the box
void look_up(const CatalogConfig& config, std::span<const CatalogEntry> entries, WithoutFile otherwise,
             SharedInputs& shared, Communicator& world);

} // namespace tessera::catalog
