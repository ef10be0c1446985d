#pragma once

#include <cstdint>
#include <vector>

#include "particles/synthetic_galaxy.hpp"
#include "tessera/cosmology/cosmology.hpp"
#include "tessera/particles/synthetic.hpp"

namespace tessera::synthetic {

/// The two particle types made here.
enum class Type { gas = 0, star = 1 };

/// A contiguous range of particles in the file: those of a subhalo, the unbound ones of a group, or those of no group.
struct Object {
    enum class What { subhalo, unbound, field };
    What what = What::subhalo;
    std::int64_t index = 0;  ///< subhalo's row of the catalogue; group's row for the unbound ones
    Galaxy galaxy;           ///< what the particles are drawn from
    double radius = 0;       ///< kpc, of the sphere that particles outside subhaloes fill
    std::int64_t begin[2]{}; ///< first row of the file, by Type
    std::int64_t length[2]{};
};

struct Group {
    std::int64_t first_subhalo = -1, n_subhalo = 0; ///< catalogue rows
    std::int64_t first_object = 0, n_object = 0;    ///< in Population::objects, the unbound ones last
    Vector centre{}, velocity{};                    ///< physical kpc in the box; km/s peculiar
};

/// The cosmology of the synthetic snapshots: TNG's.
Cosmology cosmology();

/// Everything about a synthetic snapshot but its particles; the same on every rank, from the options alone.
struct Population {
    explicit Population(const SyntheticOptions& options);

    std::uint64_t seed;
    bool wind;                    ///< wind cells among the stars (tng)
    double scale_factor, age_now; ///< of the snapshot; Gyr since the big bang
    double box;                   ///< physical kpc
    std::vector<Object> objects;  ///< in file order
    std::vector<std::int64_t> object_of_subhalo;
    std::vector<Group> groups;
    std::int64_t n_row[2]{}; ///< by Type

    std::int64_t n_subhalo() const { return static_cast<std::int64_t>(object_of_subhalo.size()); }
    const Galaxy& galaxy(std::int64_t i_subhalo) const;
    /// The object that holds a row of the file.
    std::int64_t object_of(Type type, std::int64_t row) const;

    Star star(const Object& object, std::int64_t row) const;
    Cell cell(const Object& object, std::int64_t row) const;

private:
    void place_one(const SyntheticOptions& options);
    void place_groups(const SyntheticOptions& options);
    void share_rows(const SyntheticOptions& options, const std::vector<double>& weight);
    void shape_galaxies(const SyntheticOptions& options);
};

} // namespace tessera::synthetic
