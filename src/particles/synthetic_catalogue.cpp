// The group catalogue of the TNG layout, its offsets, and what the galaxies were built with.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "particles/synthetic_code_units.hpp"
#include "particles/synthetic_layouts.hpp"
#include "particles/synthetic_random.hpp"
#include "particles/synthetic_sums.hpp"

namespace tessera::synthetic {

namespace {

using io::NumberType;
namespace fs = std::filesystem;

constexpr int gas = static_cast<int>(Type::gas), star = static_cast<int>(Type::star);

/// Rows [begin, end) of something, written as datasets of one group.
struct Table {
    io::Hdf5Group group;
    std::int64_t begin, end;

    /// A dataset of `width` numbers a row (1: one dimension); fill(i, out) gives those of row i, zeroed before.
    template <class Fill>
    void add(const char* name, NumberType type, int width, Fill&& fill) {
        const std::int64_t n = end - begin;
        if (n == 0) { return; } // as in TNG: a chunk without objects has an empty group
        std::vector<double> numbers(static_cast<std::size_t>(n * width));
        for (std::int64_t i = begin; i < end; ++i) { fill(i, numbers.data() + (i - begin) * width); }
        std::vector<std::int64_t> shape{n};
        if (width > 1) { shape.push_back(width); }
        group.create_dataset(name, type, shape).write_all(std::span<const double>(numbers));
    }
    template <class Fill>
    void number(const char* name, NumberType type, Fill&& fill) {
        add(name, type, 1, [&](std::int64_t i, double* out) { *out = static_cast<double>(fill(i)); });
    }
    template <class Fill>
    void vector(const char* name, Fill&& fill) {
        add(name, NumberType::float32, 3, [&](std::int64_t i, double* out) {
            const Vector v = fill(i);
            std::copy(v.begin(), v.end(), out);
        });
    }
    /// [i, 6], of which gas and stars are filled; fill(i, type).
    template <class Fill>
    void by_type(const char* name, NumberType type, Fill&& fill) {
        add(name, type, 6, [&](std::int64_t i, double* out) {
            out[0] = static_cast<double>(fill(i, Type::gas));
            out[4] = static_cast<double>(fill(i, Type::star));
        });
    }
};

Vector times(const Vector& v, double factor) { return {v[0] * factor, v[1] * factor, v[2] * factor}; }

/// The fields of catalogue objects in the file's units.
struct Catalogue {
    const SyntheticOptions& options;
    const Population& population;
    const Sums& sums;
    CodeUnits units;
    double h = cosmology().h0() / 100;

    std::int64_t object(std::int64_t i_subhalo) const {
        return population.object_of_subhalo[static_cast<std::size_t>(i_subhalo)];
    }
    const Object& subhalo(std::int64_t i) const { return population.objects[static_cast<std::size_t>(object(i))]; }
    const Group& group(std::int64_t i) const { return population.groups[static_cast<std::size_t>(i)]; }

    double mass(std::int64_t i_object, Type type) const {
        return type == Type::gas ? sums.gas_mass(i_object) : sums.star_mass(i_object);
    }
    Vector mean_velocity(std::int64_t i_object) const { ///< against the construction's
        const double m = sums.mass(i_object);
        return m > 0 ? times(sums.momentum(i_object), 1 / m) : Vector{};
    }
    Vector mean_position(std::int64_t i_object) const {
        const double m = sums.mass(i_object);
        return m > 0 ? times(sums.mass_position(i_object), 1 / m) : Vector{};
    }
    Vector boxed(Vector x) const { ///< ckpc/h inside the box
        for (double& xi : x) { xi = (xi - population.box * std::floor(xi / population.box)) * units.length; }
        return x;
    }
    Vector spin(std::int64_t i_object) const;
    double dispersion(std::int64_t i_object) const;

    template <class Value> ///< a sum over the objects of a group: its subhaloes and its unbound particles
    double in_group(std::int64_t i_group, Value&& value) const {
        const Group& g = group(i_group);
        double total = 0;
        for (std::int64_t i = g.first_object; i < g.first_object + g.n_object; ++i) {
            total += static_cast<double>(value(i));
        }
        return total;
    }
    std::int64_t length(std::int64_t i_object, Type type) const {
        return population.objects[static_cast<std::size_t>(i_object)].length[static_cast<int>(type)];
    }

    void write_groups(Table table) const;
    void write_subhaloes(Table table) const;
    void write_subhalo_masses(Table& table) const;
};

/// Specific angular momentum about the centre of mass, kpc/h km/s.
Vector Catalogue::spin(std::int64_t i_object) const {
    const double m = sums.mass(i_object);
    if (m <= 0) { return {}; }
    const Vector r = mean_position(i_object), v = mean_velocity(i_object), total = sums.spin(i_object);
    const Vector orbit{r[1] * v[2] - r[2] * v[1], r[2] * v[0] - r[0] * v[2], r[0] * v[1] - r[1] * v[0]};
    return {(total[0] / m - orbit[0]) * h, (total[1] / m - orbit[1]) * h, (total[2] / m - orbit[2]) * h};
}

/// One-dimensional, km/s.
double Catalogue::dispersion(std::int64_t i_object) const {
    const double m = sums.mass(i_object);
    if (m <= 0) { return 0; }
    const Vector v = mean_velocity(i_object);
    return std::sqrt(std::max(0.0, sums.mass_v2(i_object) / m - (v[0] * v[0] + v[1] * v[1] + v[2] * v[2])) / 3);
}

void Catalogue::write_groups(Table table) const {
    table.number("GroupFirstSub", NumberType::int32, [&](std::int64_t i) { return group(i).first_subhalo; });
    table.number("GroupNsubs", NumberType::int32, [&](std::int64_t i) { return group(i).n_subhalo; });
    table.number("GroupLen", NumberType::int32, [&](std::int64_t i) {
        return in_group(i, [&](std::int64_t o) { return length(o, Type::gas) + length(o, Type::star); });
    });
    table.by_type("GroupLenType", NumberType::int32, [&](std::int64_t i, Type type) {
        return in_group(i, [&](std::int64_t o) { return length(o, type); });
    });
    table.number("GroupMass", NumberType::float32, [&](std::int64_t i) {
        return units.mass * in_group(i, [&](std::int64_t o) { return sums.mass(o); });
    });
    table.by_type("GroupMassType", NumberType::float32, [&](std::int64_t i, Type type) {
        return units.mass * in_group(i, [&](std::int64_t o) { return mass(o, type); });
    });
    table.number("GroupSFR", NumberType::float32, [&](std::int64_t i) {
        return in_group(i, [&](std::int64_t o) { return sums.star_formation_rate(o); });
    });
    table.vector("GroupPos", [&](std::int64_t i) { return boxed(group(i).centre); });
    table.vector("GroupVel", [&](std::int64_t i) { // km/s/a: the peculiar velocity is this over a
        Vector v{};
        const double total = in_group(i, [&](std::int64_t o) { return sums.mass(o); });
        for (std::size_t d = 0; d < 3; ++d) {
            v[d] = in_group(i, [&](std::int64_t o) {
                return sums.momentum(o)[d] +
                       sums.mass(o) * population.objects[static_cast<std::size_t>(o)].galaxy.velocity[d];
            });
            v[d] = total > 0 ? v[d] / total * population.scale_factor : 0;
        }
        return v;
    });
}

void Catalogue::write_subhaloes(Table table) const {
    std::vector<std::int64_t> group_of(static_cast<std::size_t>(population.n_subhalo()));
    for (std::size_t g = 0; g < population.groups.size(); ++g) {
        for (std::int64_t k = 0; k < population.groups[g].n_subhalo; ++k) {
            group_of[static_cast<std::size_t>(population.groups[g].first_subhalo + k)] = static_cast<std::int64_t>(g);
        }
    }
    const auto grouped = [&](std::int64_t i) { return group_of[static_cast<std::size_t>(i)]; };
    table.number("SubhaloGrNr", NumberType::int32, grouped);
    table.number("SubhaloParent", NumberType::int32, [](std::int64_t) { return 0; });
    table.number("SubhaloFlag", NumberType::int32,
                 [&](std::int64_t i) { // one satellite in fifty is a clump, not a galaxy
                     const bool central = group(grouped(i)).first_subhalo == i;
                     return central || Draws(population.seed, Purpose::flag, i).uniform() > 0.02 ? 1 : 0;
                 });
    table.number("SubhaloLen", NumberType::int32,
                 [&](std::int64_t i) { return subhalo(i).length[gas] + subhalo(i).length[star]; });
    table.by_type("SubhaloLenType", NumberType::int32,
                  [&](std::int64_t i, Type type) { return length(object(i), type); });
    table.vector("SubhaloPos", [&](std::int64_t i) { return boxed(subhalo(i).galaxy.centre); });
    table.vector("SubhaloCM", [&](std::int64_t i) {
        const Vector mean = mean_position(object(i)), centre = subhalo(i).galaxy.centre;
        return boxed({centre[0] + mean[0], centre[1] + mean[1], centre[2] + mean[2]});
    });
    table.vector("SubhaloVel", [&](std::int64_t i) {
        const Vector mean = mean_velocity(object(i)), all = subhalo(i).galaxy.velocity;
        return Vector{all[0] + mean[0], all[1] + mean[1], all[2] + mean[2]};
    });
    table.vector("SubhaloSpin", [&](std::int64_t i) { return spin(object(i)); });
    table.number("SubhaloVelDisp", NumberType::float32, [&](std::int64_t i) { return dispersion(object(i)); });
    table.number("SubhaloSFR", NumberType::float32,
                 [&](std::int64_t i) { return sums.star_formation_rate(object(i)); });
    write_subhalo_masses(table);
}

void Catalogue::write_subhalo_masses(Table& table) const {
    const auto twice = [&](std::int64_t i) { return 2 * sums.half_mass_radius(i, Type::star); };
    table.number("SubhaloMass", NumberType::float32, [&](std::int64_t i) { return units.mass * sums.mass(object(i)); });
    table.by_type("SubhaloMassType", NumberType::float32,
                  [&](std::int64_t i, Type type) { return units.mass * mass(object(i), type); });
    table.by_type("SubhaloHalfmassRadType", NumberType::float32,
                  [&](std::int64_t i, Type type) { return units.length * sums.half_mass_radius(i, type); });
    table.by_type("SubhaloMassInRadType", NumberType::float32,
                  [&](std::int64_t i, Type type) { return units.mass * sums.mass_within(i, type, twice(i)); });
    table.number("SubhaloStarMetallicity", NumberType::float32,
                 [&](std::int64_t i) { return sums.star_metallicity_within(i, twice(i)); });
}

std::int64_t share(std::int64_t n, std::int64_t c, std::int64_t n_chunk) { return n * c / n_chunk; }

void write_offsets(const Population& population, std::int64_t n_chunk, const fs::path& path) {
    io::Hdf5Group file = io::Hdf5File::create(path.string());
    const auto n_group = std::ssize(population.groups), n_subhalo = population.n_subhalo();
    Table chunks{file.create_group("FileOffsets"), 0, n_chunk};
    chunks.number("Subhalo", NumberType::int64, [&](std::int64_t c) { return share(n_subhalo, c, n_chunk); });
    chunks.number("Group", NumberType::int64, [&](std::int64_t c) { return share(n_group, c, n_chunk); });
    const auto gas_edge = chunk_edges(population, Type::gas, n_chunk),
               star_edge = chunk_edges(population, Type::star, n_chunk);
    chunks.by_type("SnapByType", NumberType::int64, [&](std::int64_t c, Type type) {
        return (type == Type::gas ? gas_edge : star_edge)[static_cast<std::size_t>(c)];
    });
    const auto begin = [&](std::int64_t i_object, Type type) {
        return population.objects[static_cast<std::size_t>(i_object)].begin[static_cast<int>(type)];
    };
    Table subhaloes{file.create_group("Subhalo"), 0, n_subhalo};
    subhaloes.by_type("SnapByType", NumberType::int64, [&](std::int64_t i, Type type) {
        return begin(population.object_of_subhalo[static_cast<std::size_t>(i)], type);
    });
    Table groups{file.create_group("Group"), 0, n_group};
    groups.by_type("SnapByType", NumberType::int64, [&](std::int64_t i, Type type) {
        return begin(population.groups[static_cast<std::size_t>(i)].first_object, type);
    });
    io::Hdf5File::close(file);
}

void write_truth(const Population& population, const fs::path& path) {
    io::Hdf5Group file = io::Hdf5File::create(path.string());
    Table table{file.create_group("Subhalo"), 0, population.n_subhalo()};
    const auto galaxy = [&](std::int64_t i) -> const Galaxy& { return population.galaxy(i); };
    table.vector("disc_normal", [&](std::int64_t i) { return rotate(galaxy(i).rotation, {0, 0, 1}); });
    table.vector("centre_kpc", [&](std::int64_t i) { return galaxy(i).centre; });
    table.vector("velocity_kms", [&](std::int64_t i) { return galaxy(i).velocity; });
    table.number("scale_length_kpc", NumberType::float32, [&](std::int64_t i) { return galaxy(i).scale_length; });
    table.number("v_max_kms", NumberType::float32, [&](std::int64_t i) { return galaxy(i).v_max; });
    io::Hdf5File::close(file);
}

} // namespace

void write_catalogue(const SyntheticOptions& options, const Population& population, const Sums& sums,
                     std::int64_t n_chunk, const fs::path& folder) {
    const fs::path chunks = folder / fmt::format("groups_{:03}", options.snapshot);
    fs::create_directories(chunks);
    const auto n_group = std::ssize(population.groups), n_subhalo = population.n_subhalo();
    const Catalogue catalogue{options, population, sums, CodeUnits(population.scale_factor)};
    for (std::int64_t c = 0; c < n_chunk; ++c) {
        io::Hdf5Group file =
            io::Hdf5File::create((chunks / fmt::format("fof_subhalo_tab_{:03}.{}.hdf5", options.snapshot, c)).string());
        const std::int64_t group = share(n_group, c, n_chunk), next_group = share(n_group, c + 1, n_chunk);
        const std::int64_t subhalo = share(n_subhalo, c, n_chunk), next_subhalo = share(n_subhalo, c + 1, n_chunk);
        io::Hdf5Group header = file.create_group("Header");
        header.set("Ngroups_ThisFile", next_group - group);
        header.set("Ngroups_Total", static_cast<std::int64_t>(n_group));
        header.set("Nsubgroups_ThisFile", next_subhalo - subhalo);
        header.set("Nsubgroups_Total", n_subhalo);
        header.set("NumFiles", n_chunk);
        write_common_header(header, options, population);
        catalogue.write_groups({file.create_group("Group"), group, next_group});
        catalogue.write_subhaloes({file.create_group("Subhalo"), subhalo, next_subhalo});
        io::Hdf5File::close(file);
    }
    for (const char* name : {"offsets", "synthetic"}) { fs::create_directories(folder / "postprocessing" / name); }
    write_offsets(population, n_chunk,
                  folder / "postprocessing/offsets" / fmt::format("offsets_{:03}.hdf5", options.snapshot));
    write_truth(population, folder / "postprocessing/synthetic" / fmt::format("truth_{:03}.hdf5", options.snapshot));
}

} // namespace tessera::synthetic
