#include "synthesis/survey.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// Faster than any star of a simulation; beyond it the input is wrong, and the templates would need no end of margin.
constexpr double speed_limit = 0.2 * constants::speed_of_light;

/// Remembers the first star, in the order of the spaxels, that something is wrong with.
class FirstStar {
public:
    void found(std::int64_t star) {
        std::int64_t before = first_.load();
        while (star < before && !first_.compare_exchange_weak(before, star)) {}
    }
    bool any() const { return first_.load() != none; }
    std::size_t star() const { return static_cast<std::size_t>(first_.load()); }

private:
    static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
    std::atomic<std::int64_t> first_{none};
};

/// Spaxels that a thread looks at in one go: enough of them that lists of their own cost nothing.
constexpr std::int64_t spaxels_at_a_time = 16;

} // namespace

double VelocityRanges::largest_speed() const {
    double largest = 0;
    for (std::size_t s = 0; s < slowest.size(); ++s) {
        if (slowest[s] <= fastest[s]) { largest = std::max({largest, std::abs(slowest[s]), std::abs(fastest[s])}); }
    }
    return largest;
}

VelocityRanges velocity_ranges(const SpaxelStars& stars, const device::Host& where, Communicator& comm) {
    const auto n_spaxel = static_cast<std::size_t>(stars.n_spaxel());
    VelocityRanges out;
    out.slowest.assign(n_spaxel, std::numeric_limits<double>::infinity());
    out.fastest.assign(n_spaxel, -std::numeric_limits<double>::infinity());
    agree(comm, [&] {
        FirstStar wrong;
        device::for_each(where, stars.n_spaxel(), spaxels_at_a_time, [&](std::int64_t spaxel) {
            const auto s = static_cast<std::size_t>(spaxel);
            for (std::int64_t i = stars.start[s]; i < stars.start[s + 1]; ++i) {
                const double velocity = stars.los_velocity[static_cast<std::size_t>(i)];
                if (!(std::abs(velocity) <= speed_limit)) { wrong.found(i); }
                out.slowest[s] = std::min(out.slowest[s], velocity);
                out.fastest[s] = std::max(out.fastest[s], velocity);
            }
        });
        if (!wrong.any()) { return; }
        throw Error({.kind = Kind::data,
                     .where = "line-of-sight velocity of a star in the field",
                     .found = fmt::format("{} km/s", stars.los_velocity[wrong.star()]),
                     .expected = fmt::format("at most {:.0f} km/s from the galaxy's velocity", speed_limit),
                     .cure = "check galaxy.velocity and the velocity units of the input"});
    });
    comm.all_reduce(out.slowest, Op::min);
    comm.all_reduce(out.fastest, Op::max);
    return out;
}

Survey survey_stars(const SpaxelStars& stars, const ssp::Interpolator& interpolator, const ssp::Library& library,
                    ssp::Outside outside, const NodeLight* node_light, const device::Host& where, Communicator& comm) {
    const auto n_spaxel = static_cast<std::size_t>(stars.n_spaxel());
    const auto n_node = static_cast<std::size_t>(library.n_node());
    Survey out;
    out.n_star.assign(n_spaxel, 0);
    if (node_light != nullptr) {
        out.light.assign(n_spaxel, 0.0);
        out.step_error = out.compression_error = out.light;
    }
    const std::size_t n_part = (n_spaxel + spaxels_at_a_time - 1) / spaxels_at_a_time;
    std::vector<std::int64_t> counts(4 * n_part, 0); // [part] age, metallicity, either outside, with light
    std::vector<std::uint8_t> used(n_part * n_node, 0);
    FirstStar refused;
    device::for_each(where, static_cast<std::int64_t>(n_part), 1, [&](std::int64_t part) {
        std::int64_t* count = counts.data() + 4 * part;
        std::uint8_t* node_used = used.data() + static_cast<std::size_t>(part) * n_node;
        const auto first = static_cast<std::size_t>(part * spaxels_at_a_time);
        for (std::size_t s = first; s < std::min(n_spaxel, first + spaxels_at_a_time); ++s) {
            double light = 0;
            double step_error = 0;
            double compression_error = 0;
            for (auto i = static_cast<std::size_t>(stars.start[s]); i < static_cast<std::size_t>(stars.start[s + 1]);
                 ++i) {
                const auto placement = interpolator.placement(stars.metallicity[i], stars.age[i]);
                if (placement != ssp::Placement::inside) {
                    const bool both = placement == ssp::Placement::both_outside;
                    count[0] += both || placement == ssp::Placement::age_outside ? 1 : 0;
                    count[1] += both || placement == ssp::Placement::metallicity_outside ? 1 : 0;
                    ++count[2];
                    if (outside == ssp::Outside::error) { refused.found(static_cast<std::int64_t>(i)); }
                }
                const ssp::NodeWeights nodes = interpolator.at(stars.metallicity[i], stars.age[i]);
                if (nodes.count == 0) { continue; }
                ++count[3];
                ++out.n_star[s];
                const double mass = stars.initial_mass[i];
                for (int k = 0; k < nodes.count; ++k) {
                    const auto node = static_cast<std::size_t>(nodes.node[k]);
                    node_used[node] = 1;
                    if (node_light == nullptr) { continue; }
                    const double weight = mass * static_cast<double>(nodes.weight[k]);
                    light += weight * node_light->light[node];
                    // Cubic weights may be negative: their errors do not make up for others'.
                    step_error += std::abs(weight) * node_light->step_error[node];
                    compression_error += std::abs(weight) * node_light->compression_error[node];
                }
            }
            if (node_light == nullptr) { continue; }
            out.light[s] = light;
            out.step_error[s] = step_error;
            out.compression_error[s] = compression_error;
        }
    });
    agree(comm, [&] {
        if (!refused.any()) { return; }
        const std::size_t i = refused.star();
        throw Error(
            {.kind = Kind::data,
             .where = fmt::format("a star with age {} Gyr and metallicity {}", stars.age[i], stars.metallicity[i]),
             .expected = fmt::format("ages {} to {} Gyr and metallicities {} to {}, the grid of {}",
                                     library.age.front(), library.age.back(), library.metallicity.front(),
                                     library.metallicity.back(), library.source),
             .cure = "Set ssp.outside to clamp or zero, or use a library with a wider grid"});
    });
    std::vector<std::int64_t> total(4, 0);
    for (std::size_t i = 0; i < counts.size(); ++i) { total[i % 4] += counts[i]; }
    comm.all_reduce(total, Op::sum);
    out.n_age_outside = total[0];
    out.n_metallicity_outside = total[1];
    out.n_outside = total[2];
    out.n_synthesised = total[3];
    out.node_used.assign(n_node, 0);
    for (std::size_t i = 0; i < used.size(); ++i) { out.node_used[i % n_node] |= static_cast<std::int32_t>(used[i]); }
    comm.all_reduce(out.node_used, Op::max);
    comm.all_reduce(out.n_star, Op::sum);
    for (auto* sum : {&out.light, &out.step_error, &out.compression_error}) { comm.all_reduce(*sum, Op::sum); }
    return out;
}

} // namespace tessera
