#include "synthesis/native_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessera {

NativeGrid::NativeGrid(const ssp::Library& library, const WavelengthGrid& pixels)
    : rest(library.wavelength), centre(pixels.centres), spacing(centre.size(), 0.0) {
    for (std::size_t i = 1; i < rest.size(); ++i) { per_width.push_back(1 / (rest[i] - rest[i - 1])); }
    for (std::size_t k = 1; k < centre.size(); ++k) { spacing[k] = centre[k] - centre[k - 1]; }
    // Cells by even steps, of which none is wider than the narrowest cell unless that makes too many.
    const double narrowest = 1 / *std::max_element(per_width.begin(), per_width.end());
    per_width.push_back(0); // of the last point: nothing is interpolated beyond it
    constexpr double most_entries = 1 << 20;
    const double range = rest.back() - rest.front();
    const auto n_entry = static_cast<std::int64_t>(std::min(most_entries, std::ceil(range / narrowest)));
    per_entry = static_cast<double>(n_entry) / range;
    const auto last = static_cast<std::int32_t>(rest.size()) - 1;
    const double first = rest.front();
    rest.push_back(std::numeric_limits<double>::infinity());
    for (std::int64_t entry = 0; entry <= n_entry; ++entry) {
        const double from = first + static_cast<double>(entry) / per_entry;
        std::int32_t here = cell.empty() ? 0 : cell.back();
        while (rest[static_cast<std::size_t>(here) + 1] <= from) { ++here; }
        cell.push_back(here);
    }
    cell.push_back(last);
    for (std::size_t entry = 1; entry < cell.size(); ++entry) {
        most_steps = std::max(most_steps, cell[entry] - cell[entry - 1]);
    }
}

NativePoints NativeGrid::points() const {
    return {.rest = rest.data(),
            .per_width = per_width.data(),
            .cell = cell.data(),
            .n_point = static_cast<std::int64_t>(per_width.size()),
            .lowest = rest.front(),
            .highest = rest[per_width.size() - 1],
            .per_entry = per_entry};
}

} // namespace tessera
