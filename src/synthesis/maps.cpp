#include "tessera/synthesis/maps.hpp"

#include "synthesis/cumulative.hpp"
#include "tessera/comm/communicator.hpp"

namespace tessera {

std::vector<double> band_light(const ssp::Library& library, double first, double last) {
    const GridPositions ends(library.wavelength, {first, last});
    std::vector<double> scratch;
    std::vector<double> light(static_cast<std::size_t>(library.n_node()));
    for (std::int64_t node = 0; node < library.n_node(); ++node) {
        double cumulative[2];
        cumulative_at(library.wavelength, library.nodes().row(node), ends, scratch, cumulative);
        light[static_cast<std::size_t>(node)] = cumulative[1] - cumulative[0];
    }
    return light;
}

SpaxelSums sum_over_spaxels(const SpaxelStars& stars, const ssp::Library& library,
                            const ssp::Interpolator& interpolator, const device::Host& where,
                            std::array<double, 2> band, double redshift, Communicator& comm) {
    const std::vector<double> node_light = band_light(library, band[0] / (1 + redshift), band[1] / (1 + redshift));
    SpaxelSums sums;
    std::vector<double>* const all[] = {&sums.count,
                                        &sums.mass,
                                        &sums.light,
                                        &sums.light_velocity,
                                        &sums.light_velocity2,
                                        &sums.light_age,
                                        &sums.light_metallicity};
    for (auto* sum : all) { sum->assign(static_cast<std::size_t>(stars.n_spaxel()), 0.0); }
    device::for_each(where, stars.n_spaxel(), 4, [&](std::int64_t spaxel) {
        const auto s = static_cast<std::size_t>(spaxel);
        for (auto i = static_cast<std::size_t>(stars.start[s]); i < static_cast<std::size_t>(stars.start[s + 1]); ++i) {
            const ssp::NodeWeights nodes = interpolator.at(stars.metallicity[i], stars.age[i]);
            double light = 0;
            for (int k = 0; k < nodes.count; ++k) {
                light += static_cast<double>(nodes.weight[k]) * node_light[static_cast<std::size_t>(nodes.node[k])];
            }
            light *= stars.initial_mass[i];
            const double velocity = stars.los_velocity[i];
            sums.count[s] += 1;
            sums.mass[s] += stars.mass[i];
            sums.light[s] += light;
            sums.light_velocity[s] += light * velocity;
            sums.light_velocity2[s] += light * velocity * velocity;
            sums.light_age[s] += light * stars.age[i];
            sums.light_metallicity[s] += light * stars.metallicity[i];
        }
    });
    for (auto* sum : all) { comm.all_reduce(*sum, Op::sum); }
    return sums;
}

} // namespace tessera
