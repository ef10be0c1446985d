#pragma once

#include <cmath>
#include <cstdint>

#include "synthesis/doppler.hpp"
#include "synthesis/velocity_rows.hpp"
#include "tessera/device/kernel.hpp"
#include "tessera/ssp/node_lookup.hpp"

namespace tessera {

/// Where a star goes in W: its velocity rows and nodes.
struct StarPlacer {
    ssp::NodeLookup lookup;
    Doppler doppler;
    double per_step;            ///< 1 / step of the velocity rows
    std::int64_t first_row;     ///< of the grid
    const std::int32_t* column; ///< [node] of the templates

    TESSERA_HD RowTaps taps(float los_velocity) const {
        RowTaps taps = RowTaps::at(log_doppler(los_velocity, doppler) * per_step);
        taps.first -= static_cast<std::int32_t>(first_row);
        return taps;
    }
};

/// How spaxels are made: their place among those that the dense product takes, or one of these.
inline constexpr std::int32_t not_selected = -1;
inline constexpr std::int32_t star_by_star = -2;

/// Of the spaxels looked at, by their numbers.
struct SpaxelOrder {
    const std::int32_t* spaxel; ///< [star]
    const std::int32_t* order;  ///< [spaxel - first_spaxel]
    std::int64_t first_spaxel;
    TESSERA_HD std::int32_t of(std::int64_t star) const { return order[spaxel[star] - first_spaxel]; }
};

/// Rows [0, n_row) of the dense product's grid; stars beyond them, and those of poor spaxels, go star by star.
struct DenseRows {
    std::int64_t n_row;
    TESSERA_HD bool hold(const RowTaps& taps) const { return taps.first >= 0 && taps.first + 4 <= n_row; }
};

/// How many stars of a sample begin at each row, for the choice of the dense rows.
struct CountRows {
    static constexpr const char* name = "synthesis/count_rows";
    StarPlacer place;
    std::int64_t every; ///< so many stars
    SpaxelOrder order;
    const float* los_velocity;
    std::int64_t* count; ///< [row of the grid]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t star = i * every;
        if (order.of(star) == not_selected) { return; }
        device::add_shared(count[place.taps(los_velocity[star]).first], 1);
    }
};

/// listed[star] = 1: it goes star by star.
struct FlagListed {
    static constexpr const char* name = "synthesis/flag_listed";
    StarPlacer place;
    DenseRows rows;
    SpaxelOrder order;
    const float* los_velocity;
    const float* metallicity;
    const float* age;
    std::int64_t* listed;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int32_t at = order.of(i);
        const bool dense = at >= 0 && rows.hold(place.taps(los_velocity[i]));
        listed[i] = at != not_selected && !dense && place.lookup.at(metallicity[i], age[i]).count > 0 ? 1 : 0;
    }
};

/// W of rich spaxels, all rows and nodes: sums in integers of 1/scale, the same in any order.
struct DepositStar {
    static constexpr const char* name = "synthesis/deposit_star";
    StarPlacer place;
    DenseRows rows;
    std::int64_t first_star;
    std::int64_t first_order, n_slot; ///< spaxels of this batch, by their order
    std::int64_t n_column;
    SpaxelOrder order;
    const double* scale; ///< [spaxel] a power of two
    const float* los_velocity;
    const float* initial_mass;
    const float* metallicity;
    const float* age;
    std::int64_t* sum; ///< [row, column, slot]

    TESSERA_HD void operator()(std::int64_t i_star) const {
        const std::int64_t i = first_star + i_star;
        const std::int32_t place_of = order.of(i);
        const std::int64_t slot = place_of - first_order;
        if (place_of < 0 || slot < 0 || slot >= n_slot) { return; }
        const RowTaps taps = place.taps(los_velocity[i]);
        if (!rows.hold(taps)) { return; }
        const ssp::NodeWeights nodes = place.lookup.at(metallicity[i], age[i]);
        const double mass = initial_mass[i] * scale[order.spaxel[i]];
        for (int k = 0; k < nodes.count; ++k) {
            const double weight = mass * static_cast<double>(nodes.weight[k]);
            const std::int64_t column = place.column[nodes.node[k]];
            for (int m = 0; m < 4; ++m) {
                const std::int64_t share = std::llround(taps.weight[m] * weight);
                if (share != 0) {
                    device::add_shared(sum[((taps.first + m) * n_column + column) * n_slot + slot], share);
                }
            }
        }
    }
};

/// Integers to floats, Msun.
struct FromFixed {
    static constexpr const char* name = "synthesis/from_fixed";
    std::int64_t n_slot;
    const double* per_scale; ///< [slot]
    const std::int64_t* sum;
    float* weight;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t slot = i - device::quotient(i, n_slot) * n_slot;
        weight[i] = sum[i] == 0 ? 0.0F : static_cast<float>(static_cast<double>(sum[i]) * per_scale[slot]);
    }
};

/// Row weights of the stars that go one by one: 4 rows times at most `n_node` nodes each, the rest of weight 0.
struct ListStar {
    static constexpr const char* name = "synthesis/list_star";
    StarPlacer place;
    std::int64_t first, end; ///< places in the list that are wanted
    std::int64_t n_node;     ///< 4 linear, 16 cubic
    std::int64_t n_column;
    const std::int64_t* position; ///< [star + 1] in the list
    const float* los_velocity;
    const float* initial_mass;
    const float* metallicity;
    const float* age;
    std::uint32_t* key; ///< [place - first, 4 n_node] row · n_column + column
    float* weight;      ///< likewise, Msun
    std::uint8_t* lit;  ///< [key] 1: some star has it

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t at = position[i];
        if (position[i + 1] == at || at < first || at >= end) { return; }
        const RowTaps taps = place.taps(los_velocity[i]);
        const ssp::NodeWeights nodes = place.lookup.at(metallicity[i], age[i]);
        std::uint32_t* own_key = key + (at - first) * 4 * n_node;
        float* own_weight = weight + (at - first) * 4 * n_node;
        for (std::int64_t k = 0; k < n_node; ++k) {
            const std::int64_t column = place.column[nodes.node[k < nodes.count ? k : 0]];
            const double mass =
                k < nodes.count ? static_cast<double>(initial_mass[i]) * static_cast<double>(nodes.weight[k]) : 0.0;
            for (int m = 0; m < 4; ++m) {
                const std::int64_t row_key = (taps.first + m) * n_column + column;
                own_key[4 * k + m] = static_cast<std::uint32_t>(row_key);
                own_weight[4 * k + m] = static_cast<float>(taps.weight[m] * mass);
                device::set_shared(lit[row_key], std::uint8_t{1});
            }
        }
    }
};

} // namespace tessera
