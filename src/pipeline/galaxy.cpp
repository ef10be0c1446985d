#include "pipeline/galaxy.hpp"

#include <cmath>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/view/others.hpp"

namespace tessera {

void drop(std::initializer_list<std::vector<float>*> arrays) {
    for (auto* array : arrays) { std::vector<float>().swap(*array); }
}

Vector3 read_stars(const Plan& plan, Galaxy& galaxy) {
    const auto known = known_centre(plan.config.galaxy, plan.snapshot->info());
    const Vector3 origin = known ? *known : plan.snapshot->provisional_origin();
    galaxy.stars = plan.snapshot->read_stars(origin, plan.config.output.stages, galaxy.report);
    return origin;
}

void orient(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm) {
    const SnapshotInfo& info = plan.snapshot->info();
    galaxy.centre = find_centre(plan.where, galaxy.stars, origin, plan.config.galaxy, info, comm);
    recentre(plan.where, galaxy.stars, origin, galaxy.centre, info.box_size);
    const auto identity = static_cast<std::uint64_t>(plan.config.simulation.subhalo.value_or(0));
    galaxy.rotation = find_rotation(plan.where, galaxy.stars, plan.config.view, plan.rubix, identity, comm);
    const Centre& centre = galaxy.centre;
    log::detail(fmt::format(
        "centre ({:.4f}, {:.4f}, {:.4f}) kpc ({}), velocity ({:.2f}, {:.2f}, {:.2f}) km/s ({}), rotation {}",
        centre.position[0], centre.position[1], centre.position[2], word_of(centre.position_from), centre.velocity[0],
        centre.velocity[1], centre.velocity[2], word_of(centre.velocity_from), word_of(galaxy.rotation.kind)));
}

void add_others(const Plan& plan, Galaxy& galaxy, Communicator& comm) {
    const SnapshotOptions& options = plan.config.simulation;
    if (!options.depth) { return; }
    const SnapshotInfo& info = plan.snapshot->info();
    const Vector3& centre = galaxy.centre.position;
    const std::int64_t n_own = galaxy.report.n_star;
    Stars others = plan.snapshot->read_others(*plan.index.stars, plan.field_of(centre, galaxy.rotation.matrix), centre,
                                              plan.config.output.stages, galaxy.report);
    galaxy.n_other = galaxy.report.n_star - n_own;
    agree(comm, [&] {
        recentre(plan.where, others, centre, galaxy.centre, info.box_size);
        if (options.hubble_flow && info.cosmology) {
            add_hubble_flow(plan.where, others, info.cosmology->hubble(info.scale_factor));
        }
        append(galaxy.stars, std::move(others));
        keep_depth(galaxy.stars, galaxy.rotation.matrix, 0.5 * *options.depth);
    });
    log::detail(fmt::format("{} stars of others about the galaxy", galaxy.n_other));
}

namespace {

std::string empty_field_text(const Plan& plan, const Projection& projection) {
    const SpatialGrid& field = plan.field;
    const double half_x = 0.5 * static_cast<double>(field.n_x) * field.spaxel_size * field.kpc_per_arcsec;
    const double half_y = 0.5 * static_cast<double>(field.n_y) * field.spaxel_size * field.kpc_per_arcsec;
    return fmt::format("no star of {} in the field: they lie at x = {:.2f} to {:.2f} kpc, y = {:.2f} to {:.2f} kpc "
                       "from the centre; the field spans "
                       "+-{:.2f} x +-{:.2f} kpc ({}, redshift {})",
                       projection.n_outside + projection.n_in_margin, projection.x_range[0], projection.x_range[1],
                       projection.y_range[0], projection.y_range[1], half_x, half_y, plan.telescope.name,
                       plan.config.galaxy.redshift);
}

} // namespace

void check_field(const Plan& plan, const Projection& projection) {
    log::detail(fmt::format("{} stars in the field, {} in the margin around it, {} outside", projection.n_in_field,
                            projection.n_in_margin, projection.n_outside));
    if (projection.n_in_field == 0) {
        if (plan.config.output.empty == EmptyField::error) {
            throw Error({.kind = Kind::data,
                         .where = "field of view",
                         .found = empty_field_text(plan, projection),
                         .expected = "stars in the field",
                         .cure =
                             "Check galaxy.centre, galaxy.redshift and telescope.field_of_view; output.empty: zeros "
                             "writes an empty cube all the same"});
        }
        log::warning(empty_field_text(plan, projection));
    }
}

void add_gas(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm) {
    const SnapshotInfo& info = plan.snapshot->info();
    const SnapshotOptions& options = plan.config.simulation;
    if (!options.gas || (info.n_gas_rows == 0 && !plan.index.gas)) { return; }
    galaxy.gas_mass.assign(static_cast<std::size_t>(plan.field.n_padded()), 0.0);
    const auto add = [&](Gas gas, const Vector3& from) {
        recentre(plan.where, gas, from, galaxy.centre, info.box_size);
        rotate(plan.where, gas, galaxy.rotation.matrix);
        Stars cells; // only x and y are looked at
        cells.x = std::move(gas.x);
        cells.y = std::move(gas.y);
        const Projection projection = project(plan.where, cells, plan.field, comm);
        for (std::size_t i = 0; i < projection.spaxel.size(); ++i) {
            const bool within = !options.depth || std::abs(gas.z[i]) <= 0.5 * *options.depth;
            if (projection.spaxel[i] >= 0 && within) {
                galaxy.gas_mass[static_cast<std::size_t>(projection.spaxel[i])] += gas.mass[i];
            }
        }
    };
    add(plan.snapshot->read_gas(origin, galaxy.report, GasFields::place_and_mass), origin);
    if (plan.index.gas) {
        const Vector3& centre = galaxy.centre.position;
        add(plan.snapshot->read_other_gas(*plan.index.gas, plan.field_of(centre, galaxy.rotation.matrix), centre,
                                          galaxy.report, GasFields::place_and_mass),
            centre);
    }
    comm.all_reduce(galaxy.gas_mass, Op::sum);
}

} // namespace tessera
