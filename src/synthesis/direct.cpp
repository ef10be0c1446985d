
#include "synthesis/cumulative.hpp"
#include "synthesis/doppler.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

double doppler_factor(double redshift, double los_velocity, Doppler kind) {
    return doppler_factor_of(redshift, los_velocity, kind);
}

std::vector<double> direct_spectrum(const ssp::Library& library, const ssp::NodeWeights& weights, double mass,
                                    double doppler_factor, const WavelengthGrid& pixels) {
    std::vector<double> flux(library.wavelength.size(), 0.0);
    for (int i = 0; i < weights.count; ++i) {
        const float* node = library.nodes().row(weights.node[i]);
        for (std::size_t l = 0; l < flux.size(); ++l) {
            flux[l] += static_cast<double>(weights.weight[i]) * mass * node[l];
        }
    }
    std::vector<double> rest_edges(pixels.edges);
    for (double& edge : rest_edges) { edge /= doppler_factor; }
    std::vector<double> cumulative(rest_edges.size());
    std::vector<double> scratch;
    cumulative_at(library.wavelength, flux, GridPositions(library.wavelength, rest_edges), scratch, cumulative.data());
    std::vector<double> out(pixels.centres.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
        out[k] = (cumulative[k + 1] - cumulative[k]) / pixels.width(static_cast<std::int64_t>(k));
    }
    return out;
}

} // namespace tessera
