#include "tessera/synthesis/spaxel_sums.hpp"

#include "synthesis/cumulative.hpp"

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

} // namespace tessera
