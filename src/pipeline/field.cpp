#include "tessera/pipeline/field.hpp"

namespace tessera {

std::array<double, 2> field_reach(const Config& config) {
    const Telescope telescope = load_telescope(config.telescope, config.folder);
    const std::int64_t margin = make_psf(config.psf, telescope.spaxel_size).reach();
    const auto half = [&](std::int64_t n) { return 0.5 * static_cast<double>(n + 2 * margin) * telescope.spaxel_size; };
    return {half(telescope.n_x), half(telescope.n_y)};
}

FieldBox field_box(const std::array<double, 2>& half, double depth, const Vector3& centre, const Matrix3& rotation) {
    // Positions are rounded to float before spaxels and depth decide: what the box leaves out must not be theirs.
    constexpr double rounding = 1e-6;
    FieldBox out{.centre = centre, .half = {half[0], half[1], 0.5 * depth}};
    const double slack = rounding * out.reach();
    for (std::size_t j = 0; j < 3; ++j) {
        out.half[j] += slack;
        for (std::size_t i = 0; i < 3; ++i) { out.axes[j][i] = rotation(static_cast<int>(i), static_cast<int>(j)); }
    }
    return out;
}

} // namespace tessera
