#pragma once

#include <cmath>
#include <cstdint>

#include "synthesis/doppler.hpp"
#include "synthesis/velocity_rows.hpp"
#include "tessera/device/kernel.hpp"
#include "tessera/ssp/node_lookup.hpp"

namespace tessera {

/// Stars of one spaxel that one thread looks at, one after the other.
inline constexpr std::int64_t chunk_stars = 64;

/// The chunks of all spaxels, in their order: sums over a spaxel are sums over its chunks, whatever the number of threads.
struct ChunkTable {
    const std::int64_t* start;       ///< [spaxel + 1] first star
    const std::int64_t* first_chunk; ///< [spaxel + 1]
    std::int64_t n_spaxel;

    struct Chunk {
        std::int64_t spaxel, first, end; ///< stars
    };
    TESSERA_HD Chunk at(std::int64_t chunk) const {
        std::int64_t low = 0;
        std::int64_t high = n_spaxel; // first_chunk[low] <= chunk < first_chunk[high]
        while (high - low > 1) {
            const std::int64_t middle = (low + high) / 2;
            (first_chunk[middle] <= chunk ? low : high) = middle;
        }
        const std::int64_t first = start[low] + (chunk - first_chunk[low]) * chunk_stars;
        const std::int64_t end = first + chunk_stars;
        return {low, first, end < start[low + 1] ? end : start[low + 1]};
    }
};

/// out[field, spaxel] = sum over the spaxel's chunks of parts[field, chunk].
struct SumChunks {
    static constexpr const char* name = "synthesis/sum_chunks";
    ChunkTable table;
    std::int64_t n_chunk;
    const double* parts;
    double* out;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t spaxel = i % table.n_spaxel;
        const double* part = parts + i / table.n_spaxel * n_chunk;
        double sum = 0;
        for (std::int64_t c = table.first_chunk[spaxel]; c < table.first_chunk[spaxel + 1]; ++c) { sum += part[c]; }
        out[i] = sum;
    }
};

/// The same with the least of them, infinity where there are none.
struct LeastOfChunks {
    static constexpr const char* name = "synthesis/least_of_chunks";
    ChunkTable table;
    std::int64_t n_chunk;
    const double* parts;
    double* out;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t spaxel = i % table.n_spaxel;
        const double* part = parts + i / table.n_spaxel * n_chunk;
        double least = HUGE_VAL;
        for (std::int64_t c = table.first_chunk[spaxel]; c < table.first_chunk[spaxel + 1]; ++c) {
            least = part[c] < least ? part[c] : least;
        }
        out[i] = least;
    }
};

/// The spaxel of every star, and of every chunk the least velocity, the least negative velocity and the mass formed.
struct LookAtVelocities {
    static constexpr const char* name = "synthesis/look_at_velocities";
    ChunkTable table;
    std::int64_t n_chunk;
    const float* los_velocity;
    const float* initial_mass;
    double speed_limit;        ///< km/s
    std::int32_t* spaxel;      ///< [star]
    double* least;             ///< [2, chunk]
    double* formed;            ///< [chunk] Msun
    std::int64_t* first_wrong; ///< star beyond the limit, the first of them

    TESSERA_HD void operator()(std::int64_t chunk) const {
        const ChunkTable::Chunk stars = table.at(chunk);
        double slowest = HUGE_VAL;
        double negative = HUGE_VAL;
        double mass = 0;
        for (std::int64_t i = stars.first; i < stars.end; ++i) {
            const double velocity = los_velocity[i];
            if (!(std::fabs(velocity) <= speed_limit)) { device::lower_shared(*first_wrong, i); }
            slowest = velocity < slowest ? velocity : slowest;
            negative = -velocity < negative ? -velocity : negative;
            mass += initial_mass[i];
            spaxel[i] = static_cast<std::int32_t>(stars.spaxel);
        }
        least[chunk] = slowest;
        least[n_chunk + chunk] = negative;
        formed[chunk] = mass;
    }
};

/// One look at the stars of a chunk: what survey_stars does on the host.
struct SurveyChunk {
    static constexpr const char* name = "synthesis/survey_chunk";
    static constexpr int n_field =
        10; ///< lit, light, step error, compression error, mass, light in the band, and that times velocity, its
            ///< square, age, metallicity
    static constexpr int n_sketch = 16;
    static constexpr int n_of_node = 4; ///< in the band, mean, step error, compression error
    static constexpr int n_count = 4;   ///< age outside, metallicity outside, outside, with light
    ChunkTable table;
    std::int64_t n_chunk;
    ssp::NodeLookup lookup;
    const float* los_velocity;
    const float* initial_mass;
    const float* mass;
    const float* metallicity;
    const float* age;
    const double* of_node; ///< [node, n_of_node]
    const float* sketch;   ///< [node, n_sketch]; null: none are wanted
    double* parts;         ///< [n_field (+ n_sketch), chunk]
    std::int64_t n_spaxel; ///< of a galaxy's field
    std::int64_t n_node;
    std::int64_t* counts;        ///< [field, n_count]
    std::int32_t* node_used;     ///< [field, node]
    std::int64_t* first_outside; ///< star

    TESSERA_HD void operator()(std::int64_t chunk) const {
        const ChunkTable::Chunk stars = table.at(chunk);
        const std::int64_t galaxy = device::quotient(stars.spaxel, n_spaxel);
        double field[n_field] = {};
        float sketches[n_sketch] = {};
        std::int64_t count[n_count] = {};
        for (std::int64_t i = stars.first; i < stars.end; ++i) {
            const bool age_inside = lookup.age_inside(age[i]);
            const bool metallicity_inside = lookup.metallicity_inside(metallicity[i]);
            count[0] += age_inside ? 0 : 1;
            count[1] += metallicity_inside ? 0 : 1;
            if (!age_inside || !metallicity_inside) {
                ++count[2];
                device::lower_shared(*first_outside, i);
            }
            field[4] += mass[i];
            const ssp::NodeWeights nodes = lookup.at(metallicity[i], age[i]);
            if (nodes.count == 0) { continue; }
            ++count[3];
            field[0] += 1;
            double light = 0;
            for (int k = 0; k < nodes.count; ++k) {
                const std::int64_t node = nodes.node[k];
                device::set_shared(node_used[galaxy * n_node + node], 1);
                const double weight = static_cast<double>(initial_mass[i]) * static_cast<double>(nodes.weight[k]);
                const double* numbers = of_node + node * n_of_node;
                light += weight * numbers[0];
                field[1] += weight * numbers[1];
                // Cubic weights may be negative: their errors do not make up for others'.
                field[2] += std::fabs(weight) * numbers[2];
                field[3] += std::fabs(weight) * numbers[3];
                if (sketch == nullptr) { continue; }
                for (int j = 0; j < n_sketch; ++j) {
                    sketches[j] += static_cast<float>(weight) * sketch[node * n_sketch + j];
                }
            }
            const double v = los_velocity[i];
            field[5] += light;
            field[6] += light * v;
            field[7] += light * v * v;
            field[8] += light * age[i];
            field[9] += light * metallicity[i];
        }
        for (int f = 0; f < n_field; ++f) { parts[f * n_chunk + chunk] = field[f]; }
        for (int j = 0; sketch != nullptr && j < n_sketch; ++j) {
            parts[(n_field + j) * n_chunk + chunk] = sketches[j];
        }
        for (int c = 0; c < n_count; ++c) {
            if (count[c] != 0) { device::add_shared(counts[galaxy * n_count + c], count[c]); }
        }
    }
};

/// Whether a star is among the sixteenth whose nodes are counted: by its own numbers, the same on any number of ranks.
struct StarSample {
    bool all;
    TESSERA_HD bool takes(std::uint32_t velocity_bits, std::uint32_t age_bits) const {
        return all || ((velocity_bits ^ age_bits) * 0x9E3779B1U) >> 28U == 0; // Knuth's multiplicative hash
    }
};

/// Counts the stars of each galaxy's sample by their nodes; the last count is of the stars.
struct CountNodes {
    static constexpr const char* name = "synthesis/count_nodes";
    static constexpr std::int64_t most_fields = 64;
    ssp::NodeLookup lookup;
    std::uint64_t all;          ///< bit f: all stars of field f are the sample
    std::int64_t n_spaxel;      ///< of a galaxy's field
    const std::int32_t* spaxel; ///< [star]
    const float* los_velocity;
    const float* metallicity;
    const float* age;
    std::int64_t n_node;
    std::int64_t* count; ///< [field, n_node + 1]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t field = device::quotient(spaxel[i], n_spaxel);
        const StarSample sample{(all >> static_cast<unsigned>(field) & 1U) != 0};
        if (!sample.takes(device::bits_of(los_velocity[i]), device::bits_of(age[i]))) { return; }
        const ssp::NodeWeights nodes = lookup.at(metallicity[i], age[i]);
        if (nodes.count == 0) { return; }
        std::int64_t* own = count + field * (n_node + 1);
        for (int k = 0; k < nodes.count; ++k) { device::add_shared(own[nodes.node[k]], 1); }
        device::add_shared(own[n_node], 1);
    }
};

} // namespace tessera
