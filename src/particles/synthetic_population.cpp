#include "particles/synthetic_population.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "particles/synthetic_random.hpp"
#include "tessera/core/constants.hpp"

namespace tessera::synthetic {

namespace {

constexpr double mass_slope = 1.9;       // dN/dM ~ M^-1.9 ...
constexpr double mass_range = 300;       // ... over this factor
constexpr double satellite_share = 0.35; // of the subhaloes after the first
constexpr double unbound_share = 0.02;   // of a group's particles, in no subhalo
constexpr double field_share = 0.005;    // of all particles, in no group
constexpr double default_star_mass = 5e5;
constexpr double reference_mass = 5e10; // Msun: where the scaling relations are anchored

/// Relative mass of subhalo k of n, the largest first: quantiles of the power law.
double relative_mass(std::int64_t k, std::int64_t n) {
    const double u = (static_cast<double>(k) + 0.5) / static_cast<double>(n), power = 1 - mass_slope;
    return std::pow(1 + (1 - u) * (std::pow(mass_range, power) - 1), 1 / power);
}

std::int64_t gas_cells(const SyntheticOptions& options) { return options.n_gas.value_or(options.n_star / 5); }

/// Subhaloes of each group, as their ranks in mass. Each after the first may be a satellite of a group before it, chosen by
/// mass; the third always is one of the first group, so that there is a group of several.
std::vector<std::vector<std::int64_t>> assign_groups(std::uint64_t seed, const std::vector<double>& mass) {
    std::vector<std::vector<std::int64_t>> groups;
    std::vector<double> cumulative; // of the central masses
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(mass.size()); ++k) {
        Draws draws(seed, Purpose::satellite, k);
        const double toss = draws.uniform(), pick = draws.uniform();
        if (k > 0 && (k == 2 || toss < satellite_share)) {
            const auto host = std::upper_bound(cumulative.begin(), cumulative.end(), pick * cumulative.back());
            const auto i = k == 2 ? 0 : std::min<std::ptrdiff_t>(host - cumulative.begin(), std::ssize(groups) - 1);
            groups[static_cast<std::size_t>(i)].push_back(k);
        } else {
            groups.push_back({k});
            cumulative.push_back((cumulative.empty() ? 0 : cumulative.back()) + mass[static_cast<std::size_t>(k)]);
        }
    }
    return groups;
}

void wrap(Vector& position, double box) {
    for (double& x : position) { x -= box * std::floor(x / box); }
}

/// Where group i_group is: anywhere, but the first and every eighth after it within a kpc of the box's edge.
void place_group(Group& group, std::uint64_t seed, std::int64_t i_group, double box) {
    Draws draws(seed, Purpose::group, i_group);
    for (double& x : group.centre) { x = box * draws.uniform(); }
    if (i_group % 8 == 0) { group.centre[0] = 2 * draws.uniform() - 1; }
    for (double& v : group.velocity) { v = 150 * draws.normal(); }
    wrap(group.centre, box);
}

/// A satellite's offset from its central, apart by several of its disc's lengths.
void place_satellite(Galaxy& satellite, const Group& group, double halo_radius, std::uint64_t seed, std::int64_t rank) {
    Draws draws(seed, Purpose::satellite, rank);
    draws.uniform(), draws.uniform(); // used when the host was chosen
    const double distance = halo_radius * (0.4 + 0.6 * draws.uniform());
    const double cosine = 2 * draws.uniform() - 1, angle = 2 * constants::pi * draws.uniform();
    const double sine = std::sqrt(1 - cosine * cosine);
    const Vector direction{sine * std::cos(angle), sine * std::sin(angle), cosine};
    for (std::size_t d = 0; d < 3; ++d) {
        satellite.centre[d] = group.centre[d] + distance * direction[d];
        satellite.velocity[d] = group.velocity[d] + 0.5 * halo_radius * draws.normal(); // 100 km/s at 200 kpc
    }
}

} // namespace

Cosmology cosmology() { return {67.74, 0.3089}; }

Population::Population(const SyntheticOptions& options)
    : seed(static_cast<std::uint64_t>(options.seed)), wind(options.layout == SyntheticLayout::tng),
      scale_factor(1 / (1 + options.redshift)), age_now(cosmology().age(scale_factor)),
      box(options.box_size * scale_factor / (cosmology().h0() / 100)) {
    if (options.layout == SyntheticLayout::plain) {
        place_one(options);
    } else {
        place_groups(options);
    }
}

const Galaxy& Population::galaxy(std::int64_t i_subhalo) const {
    return objects[static_cast<std::size_t>(object_of_subhalo[static_cast<std::size_t>(i_subhalo)])].galaxy;
}

void Population::place_one(const SyntheticOptions& options) {
    groups.push_back(
        {.first_subhalo = 0, .n_subhalo = 1, .first_object = 0, .n_object = 1, .centre = {}, .velocity = {}});
    objects.emplace_back();
    object_of_subhalo = {0};
    share_rows(options, {1.0});
    shape_galaxies(options);
}

void Population::place_groups(const SyntheticOptions& options) {
    std::vector<double> mass(static_cast<std::size_t>(options.n_subhalo.value_or(8)));
    for (std::size_t k = 0; k < mass.size(); ++k) {
        mass[k] = relative_mass(static_cast<std::int64_t>(k), static_cast<std::int64_t>(mass.size()));
    }
    if (options.largest_fraction) {
        const double f = *options.largest_fraction, others = std::accumulate(mass.begin() + 1, mass.end(), 0.0);
        mass[0] = std::max(mass[0], f / (1 - f) * others); // it stays the largest
    }
    const auto members = assign_groups(seed, mass);
    std::vector<double> weight; // by object
    std::vector<std::int64_t> mass_rank;
    const std::size_t n_group = members.size() + 1 + members.size() / 10; // the last ones have no subhalo
    for (std::size_t g = 0; g < n_group; ++g) {
        Group group;
        group.first_object = std::ssize(objects);
        double in_group = g < members.size() ? 0.0 : mass.back();
        if (g < members.size()) {
            group.first_subhalo = n_subhalo();
            group.n_subhalo = std::ssize(members[g]);
            for (const std::int64_t k : members[g]) {
                object_of_subhalo.push_back(std::ssize(objects));
                objects.emplace_back().index = n_subhalo() - 1;
                mass_rank.push_back(k);
                weight.push_back(mass[static_cast<std::size_t>(k)]);
                in_group += weight.back();
            }
        }
        Object& unbound = objects.emplace_back();
        unbound.what = Object::What::unbound;
        unbound.index = static_cast<std::int64_t>(g);
        weight.push_back(unbound_share * in_group);
        group.n_object = std::ssize(objects) - group.first_object;
        place_group(group, seed, static_cast<std::int64_t>(g), box);
        groups.push_back(group);
    }
    Object& field = objects.emplace_back();
    field.what = Object::What::field;
    field.radius = 0.5 * box; // around the box's corner: everywhere, through the periodic images
    double total = 0;
    for (const double w : weight) { total += w; }
    weight.push_back(field_share * total);
    share_rows(options, weight);
    shape_galaxies(options);

    for (std::size_t g = 0; g < groups.size(); ++g) {
        const Group& group = groups[g];
        // 200 kpc for the halo of a galaxy like ours, growing with its mass as its disc does.
        const double halo = 57 * objects[static_cast<std::size_t>(group.first_object)].galaxy.scale_length;
        for (std::int64_t i = group.first_object; i < group.first_object + group.n_object; ++i) {
            Object& object = objects[static_cast<std::size_t>(i)];
            object.radius = halo;
            object.galaxy.centre = group.centre;
            object.galaxy.velocity = group.velocity;
            if (object.what == Object::What::subhalo && i > group.first_object) {
                place_satellite(object.galaxy, group, halo, seed, mass_rank[static_cast<std::size_t>(object.index)]);
                wrap(object.galaxy.centre, box);
            }
        }
    }
}

/// Cuts the rows of each type among the objects: the ends of the shares are rounded, so that they add up exactly.
void Population::share_rows(const SyntheticOptions& options, const std::vector<double>& weight) {
    n_row[static_cast<int>(Type::star)] = options.n_star;
    n_row[static_cast<int>(Type::gas)] = gas_cells(options);
    double total = 0;
    for (const double w : weight) { total += w; }
    for (const int type : {0, 1}) {
        double before = 0;
        std::int64_t begin = 0;
        for (std::size_t i = 0; i < objects.size(); ++i) {
            before += weight[i];
            const auto share = static_cast<std::int64_t>(before / total * static_cast<double>(n_row[type]));
            const std::int64_t end = i + 1 == objects.size() ? n_row[type] : std::min(share, n_row[type]);
            objects[i].begin[type] = begin;
            objects[i].length[type] = end - begin;
            begin = end;
        }
    }
}

void Population::shape_galaxies(const SyntheticOptions& options) {
    const int star = static_cast<int>(Type::star), gas = static_cast<int>(Type::gas);
    const double n_star = static_cast<double>(n_row[star]), n_cell = static_cast<double>(n_row[gas]);
    const double star_mass = options.stellar_mass ? *options.stellar_mass / n_star : default_star_mass;
    const double cell_mass = n_cell > 0 ? options.gas_fraction * star_mass * n_star / n_cell : 0;
    std::int64_t largest = 1, shaped_as = 0; // objects without a galaxy take after the subhalo before them
    for (const Object& object : objects) { largest = std::max(largest, object.length[star]); }
    const double largest_mass = star_mass * static_cast<double>(largest);
    const double anchor = std::pow(largest_mass / reference_mass, 0.25);
    for (Object& object : objects) {
        const bool subhalo = object.what == Object::What::subhalo;
        if (subhalo) { shaped_as = std::max<std::int64_t>(object.length[star], 1); }
        const double mass = star_mass * static_cast<double>(std::max<std::int64_t>(shaped_as, 1));
        const double size = std::pow(mass / largest_mass, 0.25);
        Galaxy& galaxy = object.galaxy;
        galaxy.scale_length = options.scale_length.value_or(3.5 * anchor) * size;
        galaxy.v_max = options.v_max.value_or(220 * anchor) * size;
        galaxy.disc_fraction = options.disc_fraction;
        galaxy.star_mass = star_mass;
        galaxy.metallicity = 0.025 * std::clamp(std::pow(mass / reference_mass, 0.3), 0.02, 1.4);
        galaxy.oldest = 0.91 * age_now;
        galaxy.cell_mass = cell_mass;
        galaxy.gas_mass = cell_mass * static_cast<double>(object.length[gas]);
        galaxy.rotation = options.inclination ? inclined(*options.inclination, options.position_angle)
                                              : random_rotation(seed, subhalo ? object.index : 0);
    }
}

std::int64_t Population::object_of(Type type, std::int64_t row) const {
    const int t = static_cast<int>(type);
    // The last object that begins at or before the row: those of no length before it begin there too.
    const auto after = std::upper_bound(objects.begin(), objects.end(), row,
                                        [t](std::int64_t r, const Object& object) { return r < object.begin[t]; });
    return after - objects.begin() - 1;
}

Star Population::star(const Object& object, std::int64_t row) const {
    if (object.what == Object::What::subhalo) { return sample_star(object.galaxy, seed, row, wind); }
    return sample_halo_star(object.galaxy, object.radius, seed, row);
}

Cell Population::cell(const Object& object, std::int64_t row) const {
    if (object.what == Object::What::subhalo) { return sample_cell(object.galaxy, seed, row); }
    return sample_halo_cell(object.galaxy, object.radius, seed, row);
}

} // namespace tessera::synthetic
