#include "pipeline/product.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "pipeline/maps.hpp"
#include "pipeline/picture.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"
#include "tessera_version.hpp"

namespace fs = std::filesystem;

namespace tessera {

namespace {

/// Bits of whole planes.
std::vector<std::uint8_t> wave_mask(const Plan& plan) {
    constexpr double speed = 1000; // km/s
    const std::vector<bool> covered = covered_pixels(plan.library, plan.band, plan.config.galaxy.redshift, speed);
    std::vector<std::uint8_t> mask(covered.size(), 0);
    const std::int64_t half = plan.lsf.half_width();
    const std::int64_t after = plan.pixels.size() - plan.n_before - plan.band.size();
    for (std::size_t k = 0; k < mask.size(); ++k) {
        const auto i = static_cast<std::int64_t>(k);
        if (!covered[k]) { mask[k] |= static_cast<std::uint8_t>(MaskBit::partly_covered); }
        if (i + plan.n_before < half || plan.band.size() - 1 - i + after < half) {
            mask[k] |= static_cast<std::uint8_t>(MaskBit::lsf_edge);
        }
    }
    return mask;
}

std::vector<std::uint8_t> spaxel_mask(const Plan& plan) {
    std::vector<std::uint8_t> mask = aperture_mask(plan.telescope);
    for (std::uint8_t& value : mask) { value = value != 0 ? 0 : static_cast<std::uint8_t>(MaskBit::outside_aperture); }
    return mask;
}

Value::List list(const Vector3& vector) { return {Value(vector[0]), Value(vector[1]), Value(vector[2])}; }

void add_inputs(const Plan& plan, Provenance& provenance) {
    const SnapshotInfo& info = plan.snapshot->info();
    provenance.set("simulation", info.description);
    if (plan.config.simulation.snapshot) { provenance.set("snapshot", *plan.config.simulation.snapshot); }
    if (plan.config.simulation.subhalo) { provenance.set("subhalo", *plan.config.simulation.subhalo); }
    std::string files;
    for (const std::string& file : info.files) {
        std::error_code ignored;
        files += fmt::format("{}{} ({} bytes)", files.empty() ? "" : "\n", file, fs::file_size(file, ignored));
    }
    provenance.set("input_files", files);
    if (info.redshift) { provenance.set("redshift_snapshot", *info.redshift); }
    provenance.set("ssp", plan.library.name);
    provenance.set("ssp_file", plan.library.source);
    provenance.set("ssp_hash", fmt::format("{:016x}", plan.library.checksum));
    if (!plan.library.imf.empty()) { provenance.set("imf", plan.library.imf); }
}

void add_geometry(const Plan& plan, const Galaxy& galaxy, Provenance& provenance) {
    const double redshift = plan.config.galaxy.redshift;
    provenance.set("redshift", redshift);
    provenance.set("luminosity_distance", plan.cosmology.luminosity_distance(redshift));
    provenance.set("angular_distance", plan.cosmology.angular_diameter_distance(redshift));
    provenance.set("h0", plan.cosmology.h0());
    provenance.set("omega_m", plan.cosmology.omega_m());
    provenance.set("omega_l", 1 - plan.cosmology.omega_m());
    provenance.set("kpc_per_arcsec", plan.field.kpc_per_arcsec);
    provenance.set("centre", Value(list(galaxy.centre.position)));
    provenance.set("velocity", Value(list(galaxy.centre.velocity)));
    Value::List matrix;
    for (int row = 0; row < 3; ++row) {
        for (int column = 0; column < 3; ++column) { matrix.emplace_back(galaxy.rotation.matrix(row, column)); }
    }
    provenance.set("rotation_matrix", Value(matrix));
    provenance.set("instrument", plan.telescope.name);
}

void add_counts(const Plan& plan, const Galaxy& galaxy, const SynthesisReport& report, Provenance& provenance,
                Communicator& comm) {
    provenance.set("n_star", galaxy.report.n_star);
    if (plan.config.simulation.depth) { provenance.set("n_other", galaxy.n_other); }
    provenance.set("n_wind_dropped", galaxy.report.n_wind_dropped);
    provenance.set("star_checksum", fmt::format("{:016x}", galaxy.report.star_checksum));
    provenance.set("n_gas", galaxy.report.n_gas);
    provenance.set("n_in_field", galaxy.projection.n_in_field);
    provenance.set("n_outside_grid", report.n_outside_grid);
    provenance.set("n_age_outside", report.n_age_outside);
    provenance.set("n_metallicity_outside", report.n_metallicity_outside);
    provenance.set("n_rank", comm.size());
    provenance.set("n_thread", plan.where.threads);
    const bool on_gpu = plan.accelerator && plan.accelerator->info().kind == "cuda";
    provenance.set("n_gpu", comm.all_reduce_value(std::int64_t{on_gpu ? 1 : 0}, Op::sum));
    provenance.set("device", plan.accelerator ? plan.accelerator->info().name : std::string("cpu"));
    const bool by_stars = !galaxy.reduction_reason.empty();
    provenance.set("reduction", std::string(word(by_stars ? galaxy.reduction : plan.reduction)));
    provenance.set("reduction_reason", by_stars ? galaxy.reduction_reason : plan.reduction_reason);
    provenance.set("convolution", std::string(word(plan.convolution)));
    provenance.set("convolution_reason", plan.convolution_reason);
    provenance.set("method", std::string(word(report.method)));
    provenance.set("resampling", std::string(word(plan.config.synthesis.resampling)));
    provenance.set("error_rms", report.error_rms);
    provenance.set("error_rms_median", report.error_rms_median);
    provenance.set("error_max", report.error_max);
    provenance.set("error_bound", report.error_bound);
    provenance.set("n_error_sample", report.n_error_sample);
    provenance.set("n_refined", static_cast<std::int64_t>(report.n_refined));
    provenance.set("exact_error_rms", report.exact_error_rms);
    provenance.set("exact_error_max", report.exact_error_max);
    provenance.set("n_spaxel_exact", report.n_spaxel_exact);
    provenance.set("n_spaxel_binned", report.n_spaxel_binned);
    provenance.set("n_spaxel_compressed", report.n_spaxel_compressed);
    provenance.set("velocity_step", report.velocity_step * constants::speed_of_light);
    provenance.set("bin_step", report.bin_step * constants::speed_of_light);
    provenance.set("rank", report.rank);
    provenance.set("seed", plan.config.noise.seed);
}

} // namespace

std::int64_t bytes_a_voxel(const std::string& path, bool noisy) {
    if (is_fits(path)) { return 4 + 4 + 4; } // DQ is an image of 32 bits, as MUSE's
    if (fs::path(path).extension() == ".png") { return 0; }
    return noisy ? 4 + 4 + 1 : 4 + 1;
}

std::vector<std::string> output_paths(const Config& config) {
    std::vector<std::string> paths{config.resolve(config.output.path)};
    if (config.output.fits) { paths.push_back(config.resolve(*config.output.fits)); }
    if (config.output.quicklook) { paths.push_back(config.resolve(*config.output.quicklook)); }
    return paths;
}

void check_inputs_stay(const Plan& plan, Communicator& comm) {
    agree(comm, [&] {
        std::vector<std::string> inputs = plan.snapshot->info().files;
        inputs.push_back(plan.library.source);
        for (const std::string& output : output_paths(plan.config)) {
            for (const std::string& input : inputs) {
                std::error_code ignored;
                if (!fs::equivalent(output, input, ignored)) { continue; }
                throw Error({.kind = Kind::config,
                             .where = output,
                             .found = "an input of this run, which the output would replace",
                             .expected = "a file of its own for each output",
                             .cure = "Choose another path with output.path (or -o), output.fits or output.quicklook"});
            }
        }
    });
}

CubeProduct make_product(const Plan& plan, const Galaxy& galaxy, const SynthesisReport& report, ObservedCube&& cube,
                         std::vector<CubeMap>&& maps, const std::vector<double>& image, Communicator& comm) {
    CubeProduct product;
    product.wavelength = plan.band;
    product.grid = plan.field;
    product.object =
        plan.config.simulation.subhalo
            ? fmt::format("subhalo {}", *plan.config.simulation.subhalo)
            : fs::path(plan.snapshot->info().files.empty() ? "galaxy" : plan.snapshot->info().files.front())
                  .stem()
                  .string();
    product.flux_unit = plan.unit_text();
    product.frame_note = plan.rubix ? "observed frame; luminosity per rest-frame Angstrom, as RUBIX" : "observed frame";
    product.wave_mask = wave_mask(plan);
    product.spaxel_mask = spaxel_mask(plan);
    product.flux = std::move(cube.flux);
    product.variance = std::move(cube.variance);
    product.accumulated = std::move(cube.accumulated);
    product.psf = std::move(cube.psf);
    product.lsf = std::move(cube.lsf);
    product.maps = std::move(maps);
    if (comm.is_root()) {
        product.maps.push_back({.name = "OBS_WHITE",
                                .unit = plan.unit_text() + " Angstrom",
                                .description = "sum of the cube over wavelength",
                                .observed = true,
                                .values = image});
    }
    if (plan.config.output.stages) {
        product.has_star_lists = true;
        for (const std::int32_t spaxel : galaxy.projection.spaxel) {
            product.star_spaxel.push_back(static_cast<std::int32_t>(field_spaxel(plan.field, spaxel)));
        }
        product.star_row = galaxy.stars.row;
    }
    if (!plan.lsf.is_identity()) {
        for (std::int64_t k = 0; k < plan.band.size(); ++k) {
            product.lsf_wavelength.push_back(plan.band.centres[static_cast<std::size_t>(k)]);
            product.lsf_fwhm.push_back(plan.lsf.instrument_fwhm[static_cast<std::size_t>(k + plan.n_before)]);
        }
    }
    if (plan.psf.profile == PsfProfile::moffat) { product.moffat_psf = {plan.psf.fwhm, plan.psf.moffat_beta}; }
    product.provenance.set("version", std::string("tessera ") + TESSERA_VERSION + " " + TESSERA_REVISION);
    add_inputs(plan, product.provenance);
    add_geometry(plan, galaxy, product.provenance);
    add_counts(plan, galaxy, report, product.provenance, comm);
    Config effective = plan.config;
    product.provenance.set("config", option_table(effective).yaml());
    return product;
}

WrittenFiles write_product(const Plan& plan, CubeProduct& product, const SynthesisReport& report,
                           const std::vector<double>& image, Communicator& comm) {
    for (const Regions::Entry& entry : Regions::instance().entries()) {
        std::string name = "seconds_" + entry.name;
        if (entry.calls == 0) { continue; } // still running: the writing itself
        std::replace_if(name.begin(), name.end(), [](char c) { return c == '/' || c == ' '; }, '_');
        product.provenance.set(name, comm.all_reduce_value(entry.seconds, Op::max));
    }
    WrittenFiles written;
    const auto write_cube = [&](const std::string& path) {
        std::optional<std::uint64_t> checksum;
        if (is_fits(path)) {
            write_cube_fits(path, product, comm);
        } else {
            checksum = write_cube_hdf5(path, product, comm);
        }
        written.paths.push_back(path);
        return checksum;
    };
    written.checksum = write_cube(plan.config.resolve(plan.config.output.path));
    if (plan.config.output.fits && plan.config.resolve(*plan.config.output.fits) != written.paths.front()) {
        write_cube(plan.config.resolve(*plan.config.output.fits));
    }
    if (plan.config.output.quicklook) {
        const std::string path = plan.config.resolve(*plan.config.output.quicklook);
        write_picture(plan, product, report, image, path, comm);
        written.paths.push_back(path);
    }
    return written;
}

} // namespace tessera
