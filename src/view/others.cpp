#include "tessera/view/others.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace tessera {

namespace {

constexpr std::array numbers{
    &Stars::x,    &Stars::y,           &Stars::z,  &Stars::vx, &Stars::vy, &Stars::vz, &Stars::initial_mass,
    &Stars::mass, &Stars::metallicity, &Stars::age};

} // namespace

void add_hubble_flow(const device::Host& where, Stars& stars, double hubble) {
    constexpr double kpc_in_mpc = 1e-3;
    const double rate = hubble * kpc_in_mpc; // km/s/kpc
    const std::array<std::pair<const std::vector<float>*, std::vector<float>*>, 3> axes{
        {{&stars.x, &stars.vx}, {&stars.y, &stars.vy}, {&stars.z, &stars.vz}}};
    for (const auto& [position, velocity] : axes) {
        const float* x = position->data();
        float* v = velocity->data();
        device::for_each(where, stars.size(), 4096,
                         [x, v, rate](std::int64_t i) { v[i] = static_cast<float>(v[i] + rate * x[i]); });
    }
}

void append(Stars& stars, Stars&& more) {
    const auto move_behind = [](auto& array, auto& from) {
        array.insert(array.end(), from.begin(), from.end());
        std::remove_reference_t<decltype(from)>().swap(from);
    };
    for (const auto member : numbers) { move_behind(stars.*member, more.*member); }
    move_behind(stars.row, more.row);
}

void keep_depth(Stars& stars, const Matrix3& rotation, double half_depth) {
    const auto depth = [&](std::size_t i) {
        return stars.x[i] * rotation(0, 2) + stars.y[i] * rotation(1, 2) + stars.z[i] * rotation(2, 2);
    };
    std::vector<std::uint8_t> keep(stars.x.size());
    std::size_t n = 0;
    for (std::size_t i = 0; i < keep.size(); ++i) {
        keep[i] = std::abs(depth(i)) <= half_depth ? 1 : 0;
        n += keep[i];
    }
    if (n == keep.size()) { return; }
    const auto cut = [&keep](auto& array) {
        std::size_t to = 0;
        for (std::size_t i = 0; i < array.size(); ++i) {
            if (keep[i] != 0) { array[to++] = array[i]; }
        }
        array.resize(to);
    };
    for (const auto member : numbers) { cut(stars.*member); }
    cut(stars.row);
}

} // namespace tessera
