#include "tessera/view/spaxel_stars.hpp"

#include "view/spaxel_order.hpp"

namespace tessera {

SpaxelStars order_by_spaxel(const device::Host& where, Stars&& stars, std::span<const std::int32_t> spaxel,
                            std::int64_t n_spaxel) {
    const SpaxelOrder order(where, spaxel, n_spaxel);
    SpaxelStars out;
    out.start = order.start();
    order.move<3>({&stars.vz, &stars.initial_mass, &stars.mass}, {&out.los_velocity, &out.initial_mass, &out.mass});
    order.move<2>({&stars.metallicity, &stars.age}, {&out.metallicity, &out.age});
    return out;
}

} // namespace tessera
