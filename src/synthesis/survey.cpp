#include "synthesis/survey.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/cpu_clones.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

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
constexpr std::int64_t spaxels_at_a_time = 4;

} // namespace

double VelocityRanges::largest_speed() const {
    double largest = 0;
    for (std::size_t s = 0; s < slowest.size(); ++s) {
        if (slowest[s] <= fastest[s]) { largest = std::max({largest, std::abs(slowest[s]), std::abs(fastest[s])}); }
    }
    return largest;
}

VelocityRanges VelocityRanges::of_spaxels(std::int64_t first, std::int64_t n) const {
    return {{slowest.begin() + first, slowest.begin() + first + n},
            {fastest.begin() + first, fastest.begin() + first + n}};
}

void throw_too_fast(double velocity) {
    throw Error({.kind = Kind::data,
                 .where = "line-of-sight velocity of a star in the field",
                 .found = fmt::format("{} km/s", velocity),
                 .expected = fmt::format("at most {:.0f} km/s from the galaxy's velocity", speed_limit),
                 .cure = "check galaxy.velocity and the velocity units of the input"});
}

void throw_outside(double age, double metallicity, const ssp::Library& library) {
    throw Error({.kind = Kind::data,
                 .where = fmt::format("a star with age {} Gyr and metallicity {}", static_cast<float>(age),
                                      static_cast<float>(metallicity)),
                 .expected = fmt::format("ages {} to {} Gyr and metallicities {} to {}, the grid of {}",
                                         library.age.front(), library.age.back(), library.metallicity.front(),
                                         library.metallicity.back(), library.source),
                 .cure = "Set ssp.outside to clamp or zero, or use a library with a wider grid"});
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
            double slowest = out.slowest[s];
            double fastest = out.fastest[s];
            for (std::int64_t i = stars.start[s]; i < stars.start[s + 1]; ++i) {
                const double velocity = stars.los_velocity[static_cast<std::size_t>(i)];
                if (!(std::abs(velocity) <= speed_limit)) { wrong.found(i); }
                slowest = std::min(slowest, velocity);
                fastest = std::max(fastest, velocity);
            }
            out.slowest[s] = slowest;
            out.fastest[s] = fastest;
        });
        if (wrong.any()) { throw_too_fast(stars.los_velocity[wrong.star()]); }
    });
    comm.all_reduce(out.slowest, Op::min);
    comm.all_reduce(out.fastest, Op::max);
    return out;
}

namespace {

/// What a thread counts over the spaxels that it looks at in one go.
struct Counts {
    std::int64_t age_outside = 0, metallicity_outside = 0, outside = 0, with_light = 0;

    void place(ssp::Placement placement) {
        const bool both = placement == ssp::Placement::both_outside;
        age_outside += both || placement == ssp::Placement::age_outside ? 1 : 0;
        metallicity_outside += both || placement == ssp::Placement::metallicity_outside ? 1 : 0;
        outside += placement != ssp::Placement::inside ? 1 : 0;
    }
};

std::vector<std::vector<double>*> lists_of(Survey& survey) {
    SpaxelSums& sums = survey.sums;
    return {&survey.light, &survey.step_error,   &survey.compression_error, &sums.count,     &sums.mass,
            &sums.light,   &sums.light_velocity, &sums.light_velocity2,     &sums.light_age, &sums.light_metallicity};
}

/// The stars of one spaxel.
TESSERA_CPU_CLONES
void look_at(const SpaxelStars& stars, std::size_t s, const ssp::Interpolator& interpolator,
             const std::vector<NodeLight>& nodes, Survey& out, Counts& counts, std::uint8_t* node_used,
             FirstStar* refused, double* sketch) {
    NodeLight total;
    std::int64_t n_lit = 0;
    double mass = 0;
    double velocity = 0;
    double velocity2 = 0;
    double age = 0;
    double metallicity = 0;
    ssp::NodeBlock block;
    for (std::int64_t first = stars.start[s]; first < stars.start[s + 1]; first += ssp::NodeBlock::size) {
        const std::int64_t n = std::min<std::int64_t>(stars.start[s + 1] - first, ssp::NodeBlock::size);
        interpolator.at(stars.metallicity.data() + first, stars.age.data() + first, n, block);
        float of_block[sketch_size] = {};
        for (std::int64_t i_star = 0; i_star < n; ++i_star) {
            const auto i = static_cast<std::size_t>(first + i_star);
            const auto placement = interpolator.placement(stars.metallicity[i], stars.age[i]);
            if (placement != ssp::Placement::inside) {
                counts.place(placement);
                if (refused != nullptr) { refused->found(static_cast<std::int64_t>(i)); }
            }
            mass += stars.mass[i];
            if (block.lit[i_star] == 0) { continue; }
            ++n_lit;
            double light = 0;
            for (int k = 0; k < block.per_star; ++k) {
                const auto node = static_cast<std::size_t>(block.node[k][i_star]);
                node_used[node] = 1;
                const double weight =
                    static_cast<double>(stars.initial_mass[i]) * static_cast<double>(block.weight[k][i_star]);
                light += weight * nodes[node].in_band;
                total.mean += weight * nodes[node].mean;
                // Cubic weights may be negative: their errors do not make up for others'.
                total.step_error += std::abs(weight) * nodes[node].step_error;
                total.compression_error += std::abs(weight) * nodes[node].compression_error;
                if (sketch == nullptr) { continue; }
                for (std::size_t j = 0; j < sketch_size; ++j) {
                    of_block[j] += static_cast<float>(weight) * nodes[node].sketch[j];
                }
            }
            const double v = stars.los_velocity[i];
            total.in_band += light;
            velocity += light * v;
            velocity2 += light * v * v;
            age += light * stars.age[i];
            metallicity += light * stars.metallicity[i];
        }
        if (sketch == nullptr) { continue; }
        for (std::size_t j = 0; j < sketch_size; ++j) { sketch[j] += static_cast<double>(of_block[j]); }
    }
    // Written once: neighbouring spaxels are other threads', and share cache lines.
    counts.with_light += n_lit;
    out.n_star[s] = n_lit;
    out.light[s] = total.mean;
    out.step_error[s] = total.step_error;
    out.compression_error[s] = total.compression_error;
    out.sums.count[s] = static_cast<double>(stars.start[s + 1] - stars.start[s]);
    out.sums.mass[s] = mass;
    out.sums.light[s] = total.in_band;
    out.sums.light_velocity[s] = velocity;
    out.sums.light_velocity2[s] = velocity2;
    out.sums.light_age[s] = age;
    out.sums.light_metallicity[s] = metallicity;
}

} // namespace

void Survey::fill(SynthesisReport& report) const {
    report.n_age_outside = n_age_outside;
    report.n_metallicity_outside = n_metallicity_outside;
    report.n_outside_grid = n_outside;
    report.n_synthesised = n_synthesised;
    report.sums = sums;
}

Survey survey_stars(const SpaxelStars& stars, const ssp::Interpolator& interpolator, const ssp::Library& library,
                    ssp::Outside outside, const std::vector<NodeLight>& nodes, const device::Host& where,
                    Communicator& comm, bool with_sketches) {
    const auto n_spaxel = static_cast<std::size_t>(stars.n_spaxel());
    const auto n_node = static_cast<std::size_t>(library.n_node());
    Survey out;
    out.n_star.assign(n_spaxel, 0);
    for (auto* list : lists_of(out)) { list->assign(n_spaxel, 0.0); }
    const std::size_t n_part = (n_spaxel + spaxels_at_a_time - 1) / spaxels_at_a_time;
    std::vector<Counts> counts(n_part);
    const std::size_t stride = (n_node / 64 + 2) * 64; // parts are other threads', and must not share cache lines
    std::vector<std::uint8_t> used(n_part * stride, 0);
    std::vector<double> sketches(with_sketches ? n_spaxel * sketch_size : 0, 0.0); // [spaxel, sketch_size]
    FirstStar refused;
    device::for_each(where, static_cast<std::int64_t>(n_part), 1, [&](std::int64_t i) {
        const auto part = static_cast<std::size_t>(i);
        const std::size_t first = part * spaxels_at_a_time;
        for (std::size_t s = first; s < std::min(n_spaxel, first + spaxels_at_a_time); ++s) {
            look_at(stars, s, interpolator, nodes, out, counts[part], used.data() + part * stride,
                    outside == ssp::Outside::error ? &refused : nullptr,
                    with_sketches ? sketches.data() + s * sketch_size : nullptr);
        }
    });
    agree(comm, [&] {
        if (refused.any()) { throw_outside(stars.age[refused.star()], stars.metallicity[refused.star()], library); }
    });
    for (const Counts& count : counts) {
        out.n_age_outside += count.age_outside;
        out.n_metallicity_outside += count.metallicity_outside;
        out.n_outside += count.outside;
        out.n_synthesised += count.with_light;
    }
    out.node_used.assign(n_node, 0);
    for (std::size_t part = 0; part < n_part; ++part) {
        for (std::size_t k = 0; k < n_node; ++k) {
            out.node_used[k] |= static_cast<std::int32_t>(used[part * stride + k]);
        }
    }
    join_ranks(out, sketches, comm);
    return out;
}

void join_ranks(Survey& own, std::vector<double>& sketches, Communicator& comm) {
    std::vector<std::int64_t> total{own.n_age_outside, own.n_metallicity_outside, own.n_outside, own.n_synthesised};
    comm.all_reduce(total, Op::sum);
    own.n_age_outside = total[0];
    own.n_metallicity_outside = total[1];
    own.n_outside = total[2];
    own.n_synthesised = total[3];
    comm.all_reduce(own.node_used, Op::max);
    comm.all_reduce(own.n_star, Op::sum);
    for (auto* list : lists_of(own)) { comm.all_reduce(*list, Op::sum); }
    comm.all_reduce(sketches, Op::sum);
    own.compression_rms.clear();
    for (auto first = sketches.begin(); first != sketches.end(); first += sketch_size) {
        own.compression_rms.push_back(std::sqrt(std::inner_product(first, first + sketch_size, first, 0.0)));
    }
}

} // namespace tessera
