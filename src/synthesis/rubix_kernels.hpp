#pragma once

// RUBIX's resampling, star by star: docs/physics.md gives its formulas. The host has the same sums vectorised (exact_rubix.cpp);
// tests/synthesis/device_test.cpp compares the two.
#include <cstdint>

#include "synthesis/doppler.hpp"
#include "synthesis/star_kernels.hpp"
#include "tessera/device/kernel.hpp"
#include "tessera/ssp/node_lookup.hpp"

namespace tessera {

/// A library's own wavelengths, and where others lie between them.
struct NativePoints {
    const double* rest;       ///< [point + 1] Angstrom; infinity at the end
    const double* per_width;  ///< [point] 1/Angstrom, of the cell that begins there; 0 of the last
    const std::int32_t* cell; ///< [entry + 1] at even steps; the last cell at the end
    std::int64_t n_point;
    double lowest, highest; ///< Angstrom
    double per_entry;       ///< 1/Angstrom

    struct Place {
        std::int32_t cell;
        double t; ///< part of the cell, 0 to 1
    };
    /// End values beyond the ends. A cell too far by rounding does no harm: the line of the next one passes through the same point.
    TESSERA_HD Place place(double wavelength) const {
        wavelength = wavelength > lowest ? wavelength : lowest;
        wavelength = wavelength < highest ? wavelength : highest;
        const auto entry = static_cast<std::int32_t>((wavelength - lowest) * per_entry);
        std::int32_t low = cell[entry];
        std::int32_t high = cell[entry + 1];
        while (low < high) {
            const std::int32_t middle = (low + high + 1) / 2;
            if (rest[middle] <= wavelength) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return {low, (wavelength - rest[low]) * per_width[low]};
    }

    /// Points below a wavelength, or not above it.
    TESSERA_HD std::int64_t count_below(double wavelength, bool or_at) const {
        std::int64_t low = 0;
        std::int64_t high = n_point;
        while (low < high) {
            const std::int64_t middle = (low + high) / 2;
            if (rest[middle] < wavelength || (or_at && rest[middle] == wavelength)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /// Backward rectangle sum of a star over the points whose shifted wavelength lies between the first and the last pixel's centre,
    /// from prefix sums of the nodes. @return  Lsun per Msun formed
    TESSERA_HD double total(const ssp::NodeWeights& nodes, double factor, const double* cumulative, double first_centre,
                            double last_centre) const {
        const std::int64_t below = count_below(first_centre / factor, false);
        const std::int64_t first = below > 1 ? below : 1;
        const std::int64_t end = count_below(last_centre / factor, true);
        if (end <= first) { return 0; }
        double sum = 0;
        for (int k = 0; k < nodes.count; ++k) {
            const double* of_node = cumulative + nodes.node[k] * n_point;
            sum += static_cast<double>(nodes.weight[k]) * (of_node[end - 1] - of_node[first - 1]);
        }
        return sum * factor;
    }
};

/// cumulative[node, point]: light of a node below a point, backward rectangles.
struct SumLight {
    static constexpr const char* name = "synthesis/sum_light";
    std::int64_t n_point;
    const double* rest; ///< [point] Angstrom
    const float* light; ///< [node, point]
    double* cumulative; ///< Lsun per Msun formed

    TESSERA_HD void operator()(std::int64_t node) const {
        const float* from = light + node * n_point;
        double* to = cumulative + node * n_point;
        double sum = 0;
        to[0] = 0;
        for (std::int64_t p = 1; p < n_point; ++p) {
            sum += static_cast<double>(from[p]) * (rest[p] - rest[p - 1]);
            to[p] = sum;
        }
    }
};

/// Some stars in their order, and what is worked out once for each.
struct RubixBatch {
    static constexpr int n_lane = 32; ///< sums of a star that adjacent threads make
    std::int64_t first;               ///< star
    std::int64_t n_pixel;
    std::int32_t n_node; ///< of a star at most
    std::int32_t* count; ///< [star] its nodes
    std::int32_t* node;  ///< [star, n_node]
    float* weight;       ///< [star, n_node]
    double* per_factor;  ///< [star] 1 / Doppler factor
    double* scale;       ///< [star] light in the band, Lsun; then what its samples are multiplied with
    double* sum;         ///< [star, lane]
    float* sampled;      ///< [star, pixel] Lsun/Angstrom per Msun formed, not yet scaled
};

/// Nodes, Doppler factor and light of a star.
struct LookUpStar {
    static constexpr const char* name = "synthesis/look_up_star";
    RubixBatch batch;
    ssp::NodeLookup lookup;
    NativePoints points;
    const double* cumulative; ///< [node, point]
    double redshift;
    Doppler doppler;
    double first_centre, last_centre; ///< Angstrom
    const float* los_velocity;
    const float* initial_mass;
    const float* metallicity;
    const float* age;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t star = batch.first + i;
        const ssp::NodeWeights nodes = lookup.at(metallicity[star], age[star]);
        const double factor = doppler_factor_of(redshift, los_velocity[star], doppler);
        batch.count[i] = nodes.count;
        for (int k = 0; k < nodes.count; ++k) {
            batch.node[i * batch.n_node + k] = nodes.node[k];
            batch.weight[i * batch.n_node + k] = nodes.weight[k];
        }
        batch.per_factor[i] = 1 / factor;
        batch.scale[i] = initial_mass[star] * points.total(nodes, factor, cumulative, first_centre, last_centre);
    }
};

/// A star's spectrum at the centre of a pixel.
struct SampleStar {
    static constexpr const char* name = "synthesis/sample_star";
    RubixBatch batch;
    NativePoints points;
    const float* light;   ///< [node, point]
    const double* centre; ///< [pixel] Angstrom, observed

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t star = device::quotient(i, batch.n_pixel);
        const NativePoints::Place at = points.place(centre[i - star * batch.n_pixel] * batch.per_factor[star]);
        const std::int64_t next = at.cell + 1 < points.n_point ? 1 : 0;
        const std::int32_t* node = batch.node + star * batch.n_node;
        const float* weight = batch.weight + star * batch.n_node;
        double begin = 0;
        double end = 0;
        for (int k = 0; k < batch.count[star]; ++k) {
            const float* of_cell = light + node[k] * points.n_point + at.cell;
            begin += static_cast<double>(weight[k]) * static_cast<double>(of_cell[0]);
            end += static_cast<double>(weight[k]) * static_cast<double>(of_cell[next]);
        }
        batch.sampled[i] = static_cast<float>(begin + at.t * (end - begin));
    }
};

/// Samples times the pixels' spacing, every 32nd pixel: the lanes of a star read side by side.
struct SumSamples {
    static constexpr const char* name = "synthesis/sum_samples";
    RubixBatch batch;
    const double* spacing; ///< [pixel] Angstrom from the centre before; 0 of the first

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t star = i / RubixBatch::n_lane;
        const float* sampled = batch.sampled + star * batch.n_pixel;
        double sum = 0;
        for (std::int64_t k = i % RubixBatch::n_lane; k < batch.n_pixel; k += RubixBatch::n_lane) {
            sum += static_cast<double>(sampled[k]) * spacing[k];
        }
        batch.sum[i] = sum;
    }
};

/// What brings the samples of a star to its light in the band.
struct ScaleStar {
    static constexpr const char* name = "synthesis/scale_star";
    RubixBatch batch;

    TESSERA_HD void operator()(std::int64_t star) const {
        double sum = 0;
        for (int lane = 0; lane < RubixBatch::n_lane; ++lane) { sum += batch.sum[star * RubixBatch::n_lane + lane]; }
        // No light in the band: RUBIX divides by zero here, we add nothing.
        batch.scale[star] = sum == 0 ? 0 : batch.scale[star] / sum;
    }
};

/// The stars of a chunk in one pixel.
struct SumStarsOfChunk {
    static constexpr const char* name = "synthesis/sum_stars_of_chunk";
    RubixBatch batch;
    ChunkTable table;
    std::int64_t first_chunk;
    double* part; ///< [chunk - first_chunk, pixel]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t chunk = device::quotient(i, batch.n_pixel);
        const ChunkTable::Chunk stars = table.at(first_chunk + chunk);
        const float* sampled = batch.sampled + i - chunk * batch.n_pixel;
        double sum = 0;
        for (std::int64_t star = stars.first - batch.first; star < stars.end - batch.first; ++star) {
            sum += batch.scale[star] * static_cast<double>(sampled[star * batch.n_pixel]);
        }
        part[i] = sum;
    }
};

/// The chunks of a spaxel in one pixel, to the cube when they are complete. Those of a spaxel that goes on in the next batch are
/// carried there: sums do not depend on where batches end.
struct JoinChunks {
    static constexpr const char* name = "synthesis/join_chunks";
    ChunkTable table;
    std::int64_t first_chunk, end_chunk; ///< of the batch
    std::int64_t first_spaxel, n_pixel;
    const double* part;         ///< [chunk - first_chunk, pixel]
    const double* carried_here; ///< [pixel] of the first spaxel, from the batch before
    double* carried_on;         ///< [pixel] of the last one
    float* flux;                ///< [pixel, column]
    std::int64_t n_column;
    const std::int32_t* column; ///< [spaxel]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t row = device::quotient(i, n_pixel);
        const std::int64_t pixel = i - row * n_pixel;
        const std::int64_t spaxel = first_spaxel + row;
        const std::int64_t first = table.first_chunk[spaxel];
        const std::int64_t end = table.first_chunk[spaxel + 1];
        if (first == end) { return; }
        double sum = first < first_chunk ? carried_here[pixel] : 0;
        const std::int64_t from = first > first_chunk ? first : first_chunk;
        const std::int64_t to = end < end_chunk ? end : end_chunk;
        for (std::int64_t chunk = from; chunk < to; ++chunk) { sum += part[(chunk - first_chunk) * n_pixel + pixel]; }
        if (end > end_chunk) {
            carried_on[pixel] = sum;
        } else {
            flux[pixel * n_column + column[spaxel]] = static_cast<float>(sum);
        }
    }
};

} // namespace tessera
