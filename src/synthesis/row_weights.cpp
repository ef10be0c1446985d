#include "synthesis/row_weights.hpp"

#include <algorithm>
#include <cmath>

#include "core/cpu_clones.hpp"
#include "synthesis/doppler.hpp"
#include "synthesis/velocity_rows.hpp"

namespace tessera {

NodeColumns NodeColumns::of(const std::vector<std::int32_t>& used) {
    NodeColumns out;
    out.column.assign(used.size(), -1);
    for (std::size_t k = 0; k < used.size(); ++k) {
        if (used[k] == 0) { continue; }
        out.column[k] = static_cast<std::int32_t>(out.node.size());
        out.node.push_back(static_cast<std::int32_t>(k));
    }
    return out;
}

VelocityGrid VelocityGrid::spanning(double step, double lowest, double highest) {
    // A row more on either side: rounding may put the same star on the other side of a row where it is placed again.
    const std::int64_t first = RowTaps::at(lowest / step).first - 1;
    return {step, first, RowTaps::at(highest / step).first + 5 - first};
}

namespace {

/// First Doppler row of the spaxel's scratch.
TESSERA_CPU_CLONES
std::int64_t add_stars(const Deposit& deposit, std::size_t first, std::size_t end, DepositScratch& scratch) {
    const SpaxelStars& stars = deposit.stars;
    const auto velocity = stars.los_velocity.begin();
    const auto [slowest, fastest] =
        std::minmax_element(velocity + static_cast<std::ptrdiff_t>(first), velocity + static_cast<std::ptrdiff_t>(end));
    const VelocityGrid own = VelocityGrid::spanning(deposit.grid.step, log_doppler(*slowest, deposit.doppler),
                                                    log_doppler(*fastest, deposit.doppler));
    const std::size_t n_column = deposit.columns.node.size();
    const auto n_row = static_cast<std::size_t>(own.n);
    scratch.row_lit.assign(n_row, 0);
    scratch.column_lit.assign(n_column, 0);
    if (scratch.sum.size() < n_row * n_column) { scratch.sum.resize(n_row * n_column); }
    const double per_step = 1 / deposit.grid.step;
    ssp::NodeBlock& block = scratch.block;
    for (std::size_t from = first; from < end; from += ssp::NodeBlock::size) {
        const std::size_t n = std::min<std::size_t>(end - from, ssp::NodeBlock::size);
        deposit.interpolator.at(stars.metallicity.data() + from, stars.age.data() + from, static_cast<std::int64_t>(n),
                                block);
        for (std::size_t i = 0; i < n; ++i) {
            if (block.lit[i] == 0) { continue; }
            const RowTaps taps = RowTaps::at(log_doppler(stars.los_velocity[from + i], deposit.doppler) * per_step);
            const auto row = static_cast<std::size_t>(taps.first - own.first);
            for (std::size_t m = 0; m < 4; ++m) { scratch.row_lit[row + m] = 1; }
            const double mass = stars.initial_mass[from + i];
            double* sum = scratch.sum.data() + row;
            for (int k = 0; k < block.per_star; ++k) {
                const auto column =
                    static_cast<std::size_t>(deposit.columns.column[static_cast<std::size_t>(block.node[k][i])]);
                scratch.column_lit[column] = 1;
                const double weight = mass * static_cast<double>(block.weight[k][i]);
                double* at = sum + column * n_row;
                for (std::size_t m = 0; m < 4; ++m) { at[m] += taps.weight[m] * weight; }
            }
        }
    }
    scratch.columns.clear();
    for (std::size_t c = 0; c < n_column; ++c) {
        if (scratch.column_lit[c] != 0) { scratch.columns.push_back(static_cast<std::int32_t>(c)); }
    }
    return own.first;
}

TESSERA_CPU_CLONES
void add_scaled(float factor, const float* __restrict from, std::size_t n, float* __restrict to) {
    for (std::size_t i = 0; i < n; ++i) { to[i] += factor * from[i]; }
}

/// Hands on what stands in a row of the scratch and clears it. visit(column, weight)
template <class Visit>
void take_row(DepositScratch& scratch, std::size_t row, const Visit& visit) {
    const std::size_t n_row = scratch.row_lit.size();
    for (const std::int32_t column : scratch.columns) {
        double& sum = scratch.sum[static_cast<std::size_t>(column) * n_row + row];
        const auto weight = static_cast<float>(sum);
        sum = 0;
        if (weight != 0) { visit(column, weight); }
    }
}

} // namespace

RowList deposit_stars(const Deposit& deposit, std::int64_t spaxel, DepositScratch& scratch) {
    RowList out;
    out.spaxel = spaxel;
    const auto first = static_cast<std::size_t>(deposit.stars.start[static_cast<std::size_t>(spaxel)]);
    const auto end = static_cast<std::size_t>(deposit.stars.start[static_cast<std::size_t>(spaxel) + 1]);
    if (first == end) { return out; }
    const std::int64_t first_row = add_stars(deposit, first, end, scratch);
    const auto rank = deposit.compression != nullptr ? static_cast<std::size_t>(deposit.compression->rank) : 0;
    scratch.key.clear();
    scratch.weight.clear();
    scratch.projected.resize(rank);
    for (std::size_t row = 0; row < scratch.row_lit.size(); ++row) {
        if (scratch.row_lit[row] == 0) { continue; }
        const auto key = (static_cast<std::int64_t>(row) + first_row - deposit.grid.first) * deposit.n_key_column;
        if (deposit.compression == nullptr) {
            take_row(scratch, row, [&](std::int32_t column, float weight) {
                scratch.key.push_back(static_cast<std::uint32_t>(key + column));
                scratch.weight.push_back(weight);
            });
            continue;
        }
        std::fill(scratch.projected.begin(), scratch.projected.end(), 0.0F);
        take_row(scratch, row, [&](std::int32_t column, float weight) {
            const auto node = static_cast<std::size_t>(deposit.columns.node[static_cast<std::size_t>(column)]);
            const float* coefficient = deposit.compression->coefficients.data() + node * rank;
            add_scaled(weight, coefficient, rank, scratch.projected.data());
        });
        for (std::size_t j = 0; j < rank; ++j) {
            scratch.key.push_back(static_cast<std::uint32_t>(key + static_cast<std::int64_t>(j)));
            scratch.weight.push_back(scratch.projected[j]);
        }
    }
    out.key.assign(scratch.key.begin(), scratch.key.end()); // no larger than needed: many of them are kept at a time
    out.weight.assign(scratch.weight.begin(), scratch.weight.end());
    return out;
}

} // namespace tessera
