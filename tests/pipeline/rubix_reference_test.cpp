// The whole pipeline against RUBIX 0.0.5, stage by stage, on the particles stored with its results (float32). Limits: spaxel
// indices identical; cubes 2e-4 of the maximum and summed spectra 5e-5: what a double-precision reading of RUBIX's formulas
// agrees to, with a margin of two for its float32 wavelengths.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tessera/device/device.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/pipeline/pipeline.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

constexpr double cube_limit = 2e-4;
constexpr double sum_limit = 5e-5;

struct Case {
    const char* file;
    const char* interpolation;
    double redshift;
    std::vector<std::string> telescope;
    double psf_sigma;
    bool has_matrix; ///< RUBIX's own alignment, given as a matrix (a mirror image)
};

const std::vector<std::string> muse{"telescope.name=MUSE"};
const std::vector<std::string> narrow{"telescope.name=MUSE", "telescope.wavelength_range=[4850.25, 5300.25]"};
const std::vector<std::string> wide{"telescope.name=MUSE", "telescope.field_of_view=50", "telescope.spaxel_size=2",
                                    "telescope.wavelength_range=[4750, 6850]"};

std::vector<Case> cases() {
    return {{"tng_muse", "cubic", 0.3, muse, 0.6, true},
            {"tng_muse", "linear", 0.3, muse, 0.6, true},
            {"tng_wide", "cubic", 0.3, wide, 0.9, true},
            {"tng_wide", "linear", 0.3, wide, 0.9, true},
            {"synthetic_disc", "cubic", 0.06, narrow, 0.6, false},
            {"synthetic_disc_linear", "linear", 0.06, narrow, 0.6, false},
            {"dust_disc", "cubic", 0.06, narrow, 0.6, false}};
}

/// The particles of a reference file in the plain layout.
std::string write_plain(const io::Hdf5Group& reference, const std::string& path) {
    const auto inputs = reference.group("inputs");
    auto file = io::Hdf5File::create(path);
    auto stars = file.create_group("stars");
    const std::vector<std::pair<const char*, const char*>> names{{"coords", "coordinates"},
                                                                 {"velocity", "velocities"},
                                                                 {"mass", "initial_mass"},
                                                                 {"metallicity", "metallicity"},
                                                                 {"age", "age"}};
    for (const auto& [from, to] : names) {
        const auto source = inputs.dataset(from);
        const auto values = source.read_all<float>();
        stars.create_dataset(to, io::NumberType::float32, source.shape()).write_all<float>(values);
    }
    return path;
}

std::string rotation_of(const Case& c, const io::Hdf5Group& reference) {
    if (!c.has_matrix) {
        return std::string("view.rotation=") + (std::string(c.file) == "dust_disc" ? "[60, 0, 0]" : "[40, 25, 70]");
    }
    const auto stage = reference.group("stages/1_rotation");
    const auto first = stage.dataset("initial_rotation_matrix").read_all<double>();
    const auto euler = stage.dataset("euler_matrix").read_all<double>();
    std::string text = "view.rotation=[";
    for (std::size_t i = 0; i < 3; ++i) {
        text += i == 0 ? "[" : ", [";
        for (std::size_t j = 0; j < 3; ++j) {
            double sum = 0;
            for (std::size_t k = 0; k < 3; ++k) { sum += first[3 * i + k] * euler[3 * k + j]; }
            text += fmt::format("{}{}", j == 0 ? "" : ", ", sum);
        }
        text += "]";
    }
    return text + "]";
}

/// A cube of ours, [wavelength, y, x], read back.
struct OurCube {
    std::vector<float> values;
    std::int64_t n_wave, n_y, n_x;
    double at(std::int64_t w, std::int64_t spaxel) const {
        return values[static_cast<std::size_t>(w * n_y * n_x + spaxel)];
    }
};

OurCube read_cube(const io::Hdf5Group& file, const std::string& name) {
    const auto dataset = file.dataset(name);
    return {dataset.read_all<float>(), dataset.shape()[0], dataset.shape()[1], dataset.shape()[2]};
}

void compare_stage(const io::Hdf5Group& stage, const OurCube& ours, const std::string& name) {
    const double maximum = stage.has_attribute("min_max") ? stage.numbers("min_max")[1] : 1;
    ASSERT_GT(maximum, 0);
    double worst = 0;
    if (stage.has_dataset("cube")) {
        const auto theirs = stage.dataset("cube").read_all<float>(); // [y, x, wavelength]
        for (std::int64_t s = 0; s < ours.n_y * ours.n_x; ++s) {
            for (std::int64_t w = 0; w < ours.n_wave; ++w) {
                worst =
                    std::max(worst, std::abs(ours.at(w, s) - theirs[static_cast<std::size_t>(s * ours.n_wave + w)]));
            }
        }
    } else {
        const auto spaxels = stage.dataset("spaxel").read_all<std::int32_t>();
        const auto spectra = stage.dataset("spaxel_spectra").read_all<float>();
        for (std::size_t i = 0; i < spaxels.size(); ++i) {
            for (std::int64_t w = 0; w < ours.n_wave; ++w) {
                worst = std::max(
                    worst, std::abs(ours.at(w, spaxels[i]) -
                                    spectra[i * static_cast<std::size_t>(ours.n_wave) + static_cast<std::size_t>(w)]));
            }
        }
        const auto channels = stage.dataset("channel").read_all<std::int32_t>();
        const auto images = stage.dataset("channel_images").read_all<float>();
        const auto n = static_cast<std::size_t>(ours.n_y * ours.n_x);
        for (std::size_t i = 0; i < channels.size(); ++i) {
            for (std::size_t s = 0; s < n; ++s) {
                worst =
                    std::max(worst, std::abs(ours.at(channels[i], static_cast<std::int64_t>(s)) - images[i * n + s]));
            }
        }
    }
    EXPECT_LE(worst, cube_limit * maximum) << name << ": worst voxel " << worst / maximum << " of the maximum";

    const auto sum = stage.dataset("spectrum_sum").read_all<double>();
    const double sum_maximum = *std::max_element(sum.begin(), sum.end());
    double worst_sum = 0;
    for (std::int64_t w = 0; w < ours.n_wave; ++w) {
        double total = 0;
        for (std::int64_t s = 0; s < ours.n_y * ours.n_x; ++s) { total += ours.at(w, s); }
        worst_sum = std::max(worst_sum, std::abs(total - sum[static_cast<std::size_t>(w)]));
    }
    EXPECT_LE(worst_sum, sum_limit * sum_maximum)
        << name << ": worst summed channel " << worst_sum / sum_maximum << " of the maximum";
}

void compare_spaxels(const io::Hdf5Group& reference, const io::Hdf5Group& ours) {
    const auto mask = reference.dataset("stages/2_filter/mask").read_all<std::uint8_t>();
    const auto theirs = reference.dataset("stages/3_spaxel/spaxel_index").read_all<std::int32_t>();
    const auto index = ours.dataset("stages/spaxel").read_all<std::int32_t>();
    const auto star = ours.dataset("stages/star").read_all<std::int64_t>();
    ASSERT_EQ(index.size(), theirs.size());
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        ASSERT_EQ(star[i], static_cast<std::int64_t>(i));
        EXPECT_EQ(index[i], mask[i] != 0 ? theirs[i] : -1) << "star " << i;
    }
}

class RubixReference : public testing::TestWithParam<std::tuple<Case, const char*>> {};

TEST_P(RubixReference, EveryStageAgrees) {
    const Case& c = std::get<0>(GetParam());
    const std::string device = std::get<1>(GetParam());
    if (device == "cuda" && device::gpus().empty()) { GTEST_SKIP() << "no GPU here"; }
    const std::string relative = fmt::format("reference/rubix/{}.h5", c.file);
    const auto path = test::shared(relative);
    const auto library = test::shared("data/ssp/bc03_miles_rubix.h5");
    if (!path || !library) { GTEST_SKIP() << test::absent(relative); }
    auto& world = test::world();
    const auto folder = test::scratch(fmt::format("rubix-{}-{}", c.file, c.interpolation));
    const std::string plain = (folder / "stars.hdf5").string();
    std::string rotation;
    if (world.is_root()) {
        const auto reference = io::Hdf5File::open(path->string());
        write_plain(reference, plain);
        rotation = rotation_of(c, reference);
    }
    world.broadcast(rotation, 0);
    std::vector<std::string> settings{"preset=rubix",
                                      "simulation.format=plain",
                                      "simulation.path=" + plain,
                                      "galaxy.centre=[0, 0, 0]",
                                      "galaxy.velocity=[0, 0, 0]",
                                      fmt::format("galaxy.redshift={}", c.redshift),
                                      "ssp.path=" + library->string(),
                                      fmt::format("synthesis.interpolation={}", c.interpolation),
                                      fmt::format("psf.sigma={}", c.psf_sigma),
                                      "psf.size=5",
                                      "lsf.sigma=1.0658988593614638",
                                      "output.stages=true",
                                      "parallel.device=" + device,
                                      "output.path=" + (folder / "cube.h5").string(),
                                      rotation};
    settings.insert(settings.end(), c.telescope.begin(), c.telescope.end());
    run_cube(read_config("", settings), world);
    if (world.is_root()) {
        const auto reference = io::Hdf5File::open(path->string());
        const auto ours = io::Hdf5File::open((folder / "cube.h5").string());
        compare_spaxels(reference, ours);
        const std::string method = fmt::format("stages/method_{}/", c.interpolation);
        compare_stage(reference.group(method + "5_cube"), read_cube(ours, "stages/accumulated"), "accumulated");
        compare_stage(reference.group(method + "6_after_psf"), read_cube(ours, "stages/psf"), "psf");
        compare_stage(reference.group(method + "7_after_lsf"), read_cube(ours, "stages/lsf"), "lsf");
    }
    world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Files, RubixReference,
                         testing::Combine(testing::ValuesIn(cases()), testing::Values("cpu", "emulated", "cuda")),
                         [](const auto& instance) {
                             const Case& c = std::get<0>(instance.param);
                             return fmt::format("{}_{}_{}", c.file, c.interpolation, std::get<1>(instance.param));
                         });

} // namespace
} // namespace tessera
