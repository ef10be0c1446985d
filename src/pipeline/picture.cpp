#include "pipeline/picture.hpp"

#include <limits>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/output/quicklook.hpp"

namespace tessera {

namespace {

/// The spectrum of one spaxel, brought together from the slabs of all ranks; on every rank.
std::vector<float> spectrum_of(const CubeSlab& slab, const MarkedSpaxel& spaxel, Communicator& comm) {
    std::vector<float> part;
    for (std::int64_t w = 0; w < slab.n_wave(); ++w) { part.push_back(slab.flux()(w, spaxel.y, spaxel.x)); }
    return comm.all_gather(std::span<const float>(part));
}

std::vector<float> map_values(const CubeProduct& product, const std::string& name) {
    for (const CubeMap& map : product.maps) {
        if (map.name == name) {
            std::vector<float> out(map.values.begin(), map.values.end());
            for (std::size_t i = 0; i < out.size(); ++i) {
                if (!product.spaxel_mask.empty() && product.spaxel_mask[i] != 0) {
                    out[i] = std::numeric_limits<float>::quiet_NaN();
                }
            }
            return out;
        }
    }
    return {};
}

} // namespace

void write_picture(const Plan& plan, const CubeProduct& product, const SynthesisReport& report,
                   const std::vector<double>& image, const std::string& path, Communicator& comm) {
    QuickLook look;
    look.title = product.object;
    look.n_y = plan.field.n_y;
    look.n_x = plan.field.n_x;
    look.spaxel_size = plan.telescope.spaxel_size;
    look.kpc_per_arcsec = plan.field.kpc_per_arcsec;
    look.white_light.assign(image.begin(), image.end());
    for (std::size_t i = 0; i < image.size(); ++i) {
        if (product.spaxel_mask[i] != 0) { look.white_light[i] = std::numeric_limits<float>::quiet_NaN(); }
    }
    look.white_light_unit = plan.unit_text() + " Angstrom";
    look.velocity = map_values(product, "OBS_VEL");
    look.dispersion = map_values(product, "OBS_SIGMA");
    look.wavelength = plan.band.centres;
    look.medium = plan.band.medium;
    look.flux_unit = plan.unit_text();
    look.spaxels = choose_spaxels(look.white_light, look.n_y, look.n_x);
    for (MarkedSpaxel& spaxel : look.spaxels) { spaxel.flux = spectrum_of(product.flux, spaxel, comm); }
    look.subtitle.push_back(fmt::format("z = {:g}   {} at {:.3g} arcsec a spaxel, {} x {} spaxels, {} wavelengths",
                                        plan.config.galaxy.redshift, plan.telescope.name, plan.telescope.spaxel_size,
                                        look.n_x, look.n_y, plan.band.size()));
    look.subtitle.push_back(fmt::format("{} stars with light   {} synthesis, {} interpolation   SSP {}",
                                        report.n_synthesised, word(report.method),
                                        word(plan.config.synthesis.interpolation), plan.library.name));
    agree(comm, [&] {
        if (comm.is_root()) { draw_quicklook(look, path); }
    });
}

} // namespace tessera
