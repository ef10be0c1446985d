#include "pipeline/together.hpp"

#include <limits>

#include "tessera/comm/communicator.hpp"
#include "tessera/view/device_stars.hpp"

namespace tessera {

namespace {

bool agree_in_synthesis(const Plan& a, const Plan& b) {
    return a.accelerator == b.accelerator && a.owned_library == b.owned_library && a.rubix == b.rubix &&
           a.config.galaxy.redshift == b.config.galaxy.redshift && a.config.synthesis == b.config.synthesis &&
           a.config.ssp.outside == b.config.ssp.outside && a.config.output.stages == b.config.output.stages &&
           a.field.n_x == b.field.n_x && a.field.n_y == b.field.n_y && a.field.x_edges == b.field.x_edges &&
           a.field.y_edges == b.field.y_edges && a.band.edges == b.band.edges && a.pixels.edges == b.pixels.edges;
}

} // namespace

bool may_join(const Plan& plan, const Communicator& comm) {
    return plan.accelerator && comm.size() == 1 && plan.n_star_rows() <= stars_of_a_block;
}

bool joins(std::span<const Plan* const> galaxies, const Plan& next, Communicator& comm) {
    const Plan& first = *galaxies.front();
    if (!may_join(first, comm) || !may_join(next, comm) || !agree_in_synthesis(first, next)) { return false; }
    const std::int64_t n_other = std::ssize(galaxies);
    std::int64_t n_star = next.n_star_rows();
    for (const Plan* plan : galaxies.subspan(1)) { n_star += plan->n_star_rows(); }
    const std::int64_t voxels = (1 + n_other) * first.field.n_padded() * first.pixels.size();
    const std::int64_t available = first.accelerator->free_share();
    if (voxels > std::numeric_limits<std::int32_t>::max() || voxels * 4 > available / 5 * 2 ||
        device_memory(first, comm, first.reduction, n_other, n_star) > available) {
        return false;
    }
    // Of the host: stars until they have gone up, and sums over those of each spaxel.
    constexpr std::int64_t of_star = 40, of_spaxel = 40 * 8;
    const std::int64_t others = n_star * of_star + n_other * first.field.n_padded() * of_spaxel;
    return peak_memory(memory_plan(first, comm)) + others <= available_memory(comm);
}

} // namespace tessera
