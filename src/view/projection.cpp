#include "tessera/view/projection.hpp"

#include <algorithm>

#include "tessera/comm/communicator.hpp"
#include "view/apply.hpp"
#include "view/field.hpp"
#include "view/star_sums.hpp"

namespace tessera {

namespace {

/// Smallest and largest of all ranks' values; +inf, -inf when there are none.
std::array<double, 2> range_of(const device::Host& where, const std::vector<float>& values, Communicator& comm) {
    return range_over_ranks(extent_of(where, values), comm);
}

} // namespace

std::int64_t field_spaxel(const SpatialGrid& grid, std::int64_t padded_spaxel) {
    if (padded_spaxel < 0) { return -1; }
    const std::int64_t ix = padded_spaxel % grid.padded_x() - grid.margin;
    const std::int64_t iy = padded_spaxel / grid.padded_x() - grid.margin;
    return ix < 0 || ix >= grid.n_x || iy < 0 || iy >= grid.n_y ? -1 : iy * grid.n_x + ix;
}

Projection project(const device::Host& where, const Stars& stars, const SpatialGrid& grid, Communicator& comm) {
    Projection out;
    const std::int64_t n = stars.size();
    std::vector<std::uint8_t> in_field; // [padded spaxel]
    agree(comm, [&] {
        require_countable(grid);
        out.spaxel.resize(static_cast<std::size_t>(n));
        in_field.resize(static_cast<std::size_t>(grid.n_padded()));
        for (std::size_t s = 0; s < in_field.size(); ++s) {
            in_field[s] = field_spaxel(grid, static_cast<std::int64_t>(s)) < 0 ? 0 : 1;
        }
    });
    const PlaceStar place{View<const float, 1>(stars.x.data(), n), View<const float, 1>(stars.y.data(), n),
                          intervals(grid.x_edges, grid.x_edges.data(), grid.closed_end),
                          intervals(grid.y_edges, grid.y_edges.data(), grid.closed_end),
                          View<std::int32_t, 1>(out.spaxel.data(), n)};
    using Counts = std::array<std::int64_t, 3>; // in the field, in the margin, outside
    const Counts own = device::reduce_blocks(
        where, n, std::int64_t{1} << 16, Counts{},
        [&](std::int64_t first, std::int64_t last) {
            Counts part{};
            for (std::int64_t i = first; i < last; ++i) {
                place(i);
                const std::int32_t spaxel = out.spaxel[static_cast<std::size_t>(i)];
                ++part[spaxel < 0 ? 2 : (in_field[static_cast<std::size_t>(spaxel)] != 0 ? 0 : 1)];
            }
            return part;
        },
        [](Counts& sum, const Counts& part) {
            for (std::size_t k = 0; k < sum.size(); ++k) { sum[k] += part[k]; }
        });
    std::vector<std::int64_t> count(own.begin(), own.end());
    comm.all_reduce(count, Op::sum);
    out.n_in_field = count[0];
    out.n_in_margin = count[1];
    out.n_outside = count[2];
    out.x_range = range_of(where, stars.x, comm);
    out.y_range = range_of(where, stars.y, comm);
    return out;
}

} // namespace tessera
