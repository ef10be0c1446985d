#pragma once

#include <cstdint>
#include <vector>

#include "instrument/noise_kernels.hpp"
#include "tessera/instrument/noise.hpp"

/// What the noise of host and accelerators is worked out from before the loop over voxels.
namespace tessera {

/// @throws Error(Kind::config)  exposure without a physical flux unit
void check_noise(const NoiseOptions& options, const NoiseScene& scene);

/// Units of the integer sums of spaxels: integers of 1 / scale leave room for the sum of all wavelengths. 0 without light.
double sum_scale(float largest, std::int64_t n_wave);

/// a_s of every spaxel: noise over flux, from the integer sums of all ranks.
std::vector<double> noise_over_flux(const std::vector<std::int64_t>& sums, double scale, double signal_to_noise);

/// [pixel] Electrons of a pixel per unit of flux in the cube.
std::vector<double> electrons_per_flux(const NoiseOptions& options, const NoiseScene& scene);

/// All but the pointers.
AddNoise noise_numbers(const NoiseOptions& options, const NoiseScene& scene, WaveRange range, std::int64_t n_spaxel);

} // namespace tessera
