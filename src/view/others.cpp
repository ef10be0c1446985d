#include "tessera/view/others.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace tessera {

namespace {

template <class Call>
void on_each_array(Stars& stars, Call&& call) {
    for (auto* array : {&stars.x, &stars.y, &stars.z, &stars.vx, &stars.vy, &stars.vz, &stars.initial_mass, &stars.mass,
                        &stars.metallicity, &stars.age}) {
        call(*array);
    }
    call(stars.row);
}

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
    std::array<std::vector<float>*, 10> from{};
    std::size_t n = 0;
    on_each_array(more, [&]<class T>(std::vector<T>& array) {
        if constexpr (std::is_same_v<T, float>) { from[n++] = &array; }
    });
    n = 0;
    on_each_array(stars, [&]<class T>(std::vector<T>& array) {
        if constexpr (std::is_same_v<T, float>) {
            array.insert(array.end(), from[n]->begin(), from[n]->end());
            std::vector<float>().swap(*from[n++]);
        } else {
            array.insert(array.end(), more.row.begin(), more.row.end());
        }
    });
    more = Stars();
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
    on_each_array(stars, [&](auto& array) {
        std::size_t to = 0;
        for (std::size_t i = 0; i < array.size(); ++i) {
            if (keep[i] != 0) { array[to++] = array[i]; }
        }
        array.resize(to);
    });
}

} // namespace tessera
