#pragma once

#include <cmath>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/random.hpp"
#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"
#include "tessera/view/matrix.hpp"

/// Galaxies made star by star from their index, so that every rank can make the whole and take its share.
namespace tessera::test {

inline void append(Stars& stars, const Vector3& x, const Vector3& v, double mass) {
    stars.x.push_back(static_cast<float>(x[0]));
    stars.y.push_back(static_cast<float>(x[1]));
    stars.z.push_back(static_cast<float>(x[2]));
    stars.vx.push_back(static_cast<float>(v[0]));
    stars.vy.push_back(static_cast<float>(v[1]));
    stars.vz.push_back(static_cast<float>(v[2]));
    stars.mass.push_back(static_cast<float>(mass));
    stars.initial_mass.push_back(static_cast<float>(2 * mass));
    stars.metallicity.push_back(0.02F);
    stars.age.push_back(5.0F);
}

/// v · M, a row vector.
inline Vector3 times(const Vector3& v, const Matrix3& m) {
    return {v[0] * m(0, 0) + v[1] * m(1, 0) + v[2] * m(2, 0), v[0] * m(0, 1) + v[1] * m(1, 1) + v[2] * m(2, 1),
            v[0] * m(0, 2) + v[1] * m(1, 2) + v[2] * m(2, 2)};
}

/// Thin elliptical exponential disc turning counter-clockwise about +z, then turned by `tilt` (x' = x · tilt) and moved.
/// For each star there is one at the opposite place, so that its tensor of inertia has no sampling error in the centre.
inline Stars disc(int n_pair, const Matrix3& tilt, const Vector3& centre = {}, const Vector3& velocity = {}) {
    Stars stars;
    for (int i = 0; i < n_pair; ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        const Philox place = Philox::at(7, 1, index), more = Philox::at(7, 2, index);
        const double radius = -3.0 * std::log(place.uniform(0) * more.uniform(1)); // surface density exp(-r/3 kpc)
        const double angle = 2 * 3.14159265358979 * place.uniform(1);
        const Vector3 x{radius * std::cos(angle), 0.7 * radius * std::sin(angle), 0.1 * more.normal(0)};
        const Vector3 v{-200 * std::sin(angle), 200 * std::cos(angle), 0};
        const double mass = 1e5 * (1 + more.uniform(0));
        for (const double sign : {1.0, -1.0}) {
            Vector3 place_now = times({sign * x[0], sign * x[1], x[2] * sign}, tilt),
                    motion = times({sign * v[0], sign * v[1], 0}, tilt);
            for (std::size_t d = 0; d < 3; ++d) {
                place_now[d] += centre[d];
                motion[d] += velocity[d];
            }
            append(stars, place_now, motion, mass);
        }
    }
    return stars;
}

/// Stars [first, last) of `all`.
inline Stars part(const Stars& all, std::int64_t first, std::int64_t last) {
    Stars out;
    for (std::int64_t k = first; k < last; ++k) {
        const auto i = static_cast<std::size_t>(k);
        append(out, {all.x[i], all.y[i], all.z[i]}, {all.vx[i], all.vy[i], all.vz[i]}, all.mass[i]);
    }
    return out;
}

/// Two threads on one rank alone: ranks and threads that wait for each other on two cores take seconds for nothing.
inline device::Host threads_on(const Communicator& comm) { return {comm.size() == 1 ? 2 : 1}; }

/// This rank's share; uneven, and on three ranks or more the second has no star.
inline Stars share(const Stars& all, const Communicator& comm) {
    const std::int64_t n = all.size();
    const int size = comm.size(), rank = comm.rank();
    const auto bound = [&](int r) {
        return r == 0 ? 0 : (r == size ? n : (size > 2 && r <= 2 ? n / 5 : n * r / size));
    };
    return part(all, bound(rank), bound(rank + 1));
}

} // namespace tessera::test
