#include "pipeline/maps.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/instrument/convolve.hpp"
#include "tessera/synthesis/spaxel_sums.hpp"

namespace tessera {

namespace {

/// The sums of the maps, in one order, on the field: as they are, or blurred by the PSF.
struct FieldSums {
    std::vector<double> count, mass, light, velocity, velocity2, age, metallicity, gas;
};

std::vector<double> cropped(const SpatialGrid& field, const std::vector<double>& padded) {
    std::vector<double> out;
    out.reserve(static_cast<std::size_t>(field.n_x * field.n_y));
    for (std::int64_t y = 0; y < field.n_y; ++y) {
        const auto first = padded.begin() + (y + field.margin) * field.padded_x() + field.margin;
        out.insert(out.end(), first, first + field.n_x);
    }
    return out;
}

/// Consumes the sum.
std::vector<double> blurred(const Plan& plan, std::vector<double>& padded) {
    CubeSlab plane({0, 1}, plan.field.padded_y(), plan.field.padded_x());
    for (std::size_t i = 0; i < padded.size(); ++i) { plane.data()[i] = static_cast<float>(padded[i]); }
    std::vector<double>().swap(padded);
    const CubeSlab field = convolve(std::move(plane), plan.psf, plan.field.margin);
    return {field.data().begin(), field.data().end()};
}

struct MapMaker {
    FieldSums sums; ///< given away to the maps one by one
    bool observed;
    std::string band;
    std::vector<CubeMap> maps = {};

    void add(const char* name, const char* unit, const char* description, const char* weight,
             std::vector<double> values) {
        maps.push_back({.name = (observed ? "OBS_" : "RAW_") + std::string(name),
                        .unit = unit,
                        .description = description,
                        .weight = weight,
                        .band = *weight != '\0' ? band : "",
                        .observed = observed,
                        .values = std::move(values)});
    }
    std::vector<double> per_light(const std::vector<double>& sum) const {
        std::vector<double> out(sum.size(), std::numeric_limits<double>::quiet_NaN());
        for (std::size_t i = 0; i < sum.size(); ++i) {
            if (sums.light[i] > 0) { out[i] = sum[i] / sums.light[i]; }
        }
        return out;
    }
    std::vector<double> dispersion() const {
        const std::vector<double> mean = per_light(sums.velocity);
        std::vector<double> out = per_light(sums.velocity2);
        // Rounding may leave the variance of a single star slightly negative.
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = std::sqrt(std::max(0.0, out[i] - mean[i] * mean[i])) + 0 * out[i];
        }
        return out;
    }
    void make() {
        const std::size_t first = maps.size();
        add("FLUX", "Lsun", "luminosity of the stars in the band", "", {});
        maps.back().band = band;
        add("MASS", "Msun", "stellar mass now", "", std::move(sums.mass));
        add("NPART", "", "number of star particles", "", std::move(sums.count));
        add("VEL", "km/s", "line-of-sight velocity, positive receding", "light", per_light(sums.velocity));
        add("SIGMA", "km/s", "line-of-sight velocity dispersion", "light", dispersion());
        add("AGE", "Gyr", "stellar age", "light", per_light(sums.age));
        add("METAL", "", "stellar metallicity, mass fraction", "light", per_light(sums.metallicity));
        if (!sums.gas.empty()) { add("GAS_MASS", "Msun", "gas mass", "", std::move(sums.gas)); }
        maps[first].values = std::move(sums.light); // the weight of the others
    }
};

} // namespace

std::vector<CubeMap> make_maps(const Plan& plan, Galaxy& galaxy, SpaxelSums&& sums, Communicator& comm) {
    SpaxelSums padded = std::move(sums);
    std::vector<double> gas = std::move(galaxy.gas_mass);
    std::vector<CubeMap> maps;
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        for (const bool observed : {false, true}) {
            const auto on_field = [&](std::vector<double>& sum) {
                if (sum.empty()) { return std::vector<double>(); }
                return observed ? blurred(plan, sum) : cropped(plan.field, sum);
            };
            MapMaker maker{.sums = {on_field(padded.count), on_field(padded.mass), on_field(padded.light),
                                    on_field(padded.light_velocity), on_field(padded.light_velocity2),
                                    on_field(padded.light_age), on_field(padded.light_metallicity), on_field(gas)},
                           .observed = observed,
                           .band =
                               fmt::format("{:.0f}-{:.0f} Angstrom", plan.band.edges.front(), plan.band.edges.back())};
            maker.make();
            std::move(maker.maps.begin(), maker.maps.end(), std::back_inserter(maps));
        }
    });
    return maps;
}

std::vector<double> white_light(const Plan& plan, const CubeSlab& slab, Communicator& comm) {
    const std::int64_t n_plane = slab.n_y() * slab.n_x();
    std::vector<double> image(static_cast<std::size_t>(plan.field.n_x * plan.field.n_y), 0.0);
    for (std::int64_t w = 0; w < slab.n_wave(); ++w) {
        const double width = plan.band.width(slab.range().first + w);
        const float* plane = slab.flux().row(w);
        for (std::int64_t i = 0; i < n_plane; ++i) {
            image[static_cast<std::size_t>(i)] += width * static_cast<double>(plane[i]);
        }
    }
    comm.all_reduce(image, Op::sum);
    return image;
}

} // namespace tessera
