#include "tessera/view/spaxel_stars.hpp"

#include <utility>

namespace tessera {

namespace {

/// values[order[i]] for every i; the old array is freed on the way out.
std::vector<float> in_order(const device::Host& where, std::vector<float>& values,
                            const std::vector<std::int32_t>& order) {
    const std::vector<float> old = std::exchange(values, {});
    std::vector<float> out(old.empty() ? 0 : order.size());
    device::for_each(where, static_cast<std::int64_t>(out.size()), 65536, [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        out[at] = old[static_cast<std::size_t>(order[at])];
    });
    return out;
}

} // namespace

SpaxelStars order_by_spaxel(const device::Host& where, Stars&& stars, std::span<const std::int32_t> spaxel,
                            std::int64_t n_spaxel) {
    SpaxelStars out;
    out.start.assign(static_cast<std::size_t>(n_spaxel) + 1, 0);
    for (const std::int32_t s : spaxel) {
        if (s >= 0) { ++out.start[static_cast<std::size_t>(s) + 1]; }
    }
    for (std::size_t s = 1; s < out.start.size(); ++s) { out.start[s] += out.start[s - 1]; }
    std::vector<std::int32_t> order(static_cast<std::size_t>(out.start.back()));
    std::vector<std::int64_t> next(out.start.begin(), out.start.end() - 1);
    for (std::size_t i = 0; i < spaxel.size(); ++i) {
        if (spaxel[i] < 0) { continue; }
        order[static_cast<std::size_t>(next[static_cast<std::size_t>(spaxel[i])]++)] = static_cast<std::int32_t>(i);
    }
    out.los_velocity = in_order(where, stars.vz, order);
    out.initial_mass = in_order(where, stars.initial_mass, order);
    out.mass = in_order(where, stars.mass, order);
    out.metallicity = in_order(where, stars.metallicity, order);
    out.age = in_order(where, stars.age, order);
    return out;
}

} // namespace tessera
