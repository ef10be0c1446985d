#pragma once

#include <cstdint>
#include <optional>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

enum class NoiseKind { none, signal_to_noise, exposure };
template <>
struct EnumWords<NoiseKind> {
    static constexpr std::array words{std::pair{NoiseKind::none, std::string_view("none")},
                                      std::pair{NoiseKind::signal_to_noise, std::string_view("signal-to-noise")},
                                      std::pair{NoiseKind::exposure, std::string_view("exposure")}};
};

enum class NoiseDistribution { normal, uniform };
template <>
struct EnumWords<NoiseDistribution> {
    static constexpr std::array words{std::pair{NoiseDistribution::normal, std::string_view("normal")},
                                      std::pair{NoiseDistribution::uniform, std::string_view("uniform")}};
};

struct NoiseOptions {
    NoiseKind kind = NoiseKind::none;
    double signal_to_noise = 100.0;
    NoiseDistribution distribution = NoiseDistribution::normal;
    std::int64_t seed = 1;
    double exposure_time = 3600.0;
    double collecting_area = 48.5; ///< a unit telescope of the VLT
    double throughput = 0.25;
    double sky_brightness = 8.0; ///< a dark sky, 21.6 mag per square arcsec in V
    double read_noise = 3.0;
    std::int64_t n_exposure = 4;

    template <class Visitor>
    void describe(Visitor& key) {
        key("noise.kind", kind, unit::none,
            "a signal-to-noise ratio (RUBIX's law), photon counts of an exposure, or none");
        key("noise.signal_to_noise", signal_to_noise, unit::none,
            "ratio in a voxel of a spaxel whose summed flux F is the median M over spaxels; it goes as sqrt(F / M)",
            above(0));
        key("noise.distribution", distribution, unit::none, "of the deviates; both have mean 0 and variance 1");
        key("noise.seed", seed, unit::none,
            "the deviate of a voxel depends on the seed, the voxel and simulation.subhalo alone", at_least(0));
        key("noise.exposure_time", exposure_time, unit::second, "exposure: total time on source", above(0));
        key("noise.collecting_area", collecting_area, "m2", "exposure: area of the mirror, obstruction taken off",
            above(0));
        key("noise.throughput", throughput, unit::none, "exposure: share of photons detected, atmosphere to detector",
            above(0), at_most(1));
        key("noise.sky_brightness", sky_brightness, "1e-18 erg/s/cm2/Angstrom/arcsec2",
            "exposure: surface brightness of the sky", at_least(0));
        key("noise.read_noise", read_noise, "electron", "exposure: standard deviation a voxel and readout",
            at_least(0));
        key("noise.n_exposure", n_exposure, unit::none, "exposure: readouts that make up the exposure time",
            at_least(1));
    }
};

/// What the noise needs to know of the cube.
struct NoiseScene {
    const WavelengthGrid* wavelengths = nullptr; ///< the cube's grid, all of it
    double spaxel_size = 0;                      ///< arcsec
    std::optional<double> flux_unit; ///< erg/s/cm2/Angstrom per unit of the cube; nullopt: not an observed flux
    int n_thread = 0;                ///< 0: OpenMP's own number
};

/// Adds noise to the cube and returns the variance [wave, y, x] in the cube's unit squared (empty for kind none).
/// signal-to-noise: sigma = |flux| a_s, a_s = sqrt(S / F_s) / SNR, F_s the spaxel's sum over all wavelengths, S the median of F_s
/// over spaxels with F_s > 0; a spaxel without light gets none. exposure: photon counts of object and sky, and read noise, in
/// electrons, as one Gaussian; variance = (N_object + N_sky + n_exposure · read_noise²) / (electrons per unit flux)².
/// Cube and variance are the same bit for bit on any number of ranks. Collective.
/// @throws Error(Kind::config)  exposure without a physical flux unit
/// @par Source  signal-to-noise: RUBIX (its uniform deviates lie in 0…1 and add flux; here both kinds have mean 0)
CubeSlab add_noise(CubeSlab& cube, const NoiseOptions& options, const NoiseScene& scene, Communicator& comm);

} // namespace tessera
