#include "tessera/instrument/telescope.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tessera/core/constants.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

TelescopeOptions named(const std::string& name) {
    TelescopeOptions options;
    options.name = name;
    return options;
}

void expect_config_error(const TelescopeOptions& options, const std::vector<std::string>& words,
                         const std::string& folder = ".") {
    const auto error = test::error_of([&] { load_telescope(options, folder); });
    ASSERT_TRUE(error) << "no error naming " << words.front();
    EXPECT_EQ(error->kind(), Kind::config) << error->what();
    for (const auto& word : words) { EXPECT_THAT(error->what(), HasSubstr(word)); }
}

std::string write_file(const std::string& folder, const std::string& name, const std::string& text) {
    const auto path = test::scratch(folder) / name;
    std::ofstream(path) << text;
    return path.string();
}

const std::string good_file =
    "field_of_view: 6\nspaxel_size: 0.5\nwavelength_range: [5000, 5100]\nwavelength_step: 2\nlsf_fwhm: 3\n";

TEST(Telescope, EveryFileOfConfigsIsBuiltInAndLoads) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "configs/telescopes")) {
        if (entry.path().extension() == ".yaml") { files.push_back(entry.path().stem().string()); }
    }
    std::sort(files.begin(), files.end());
    EXPECT_GE(files.size(), 18U);
    EXPECT_EQ(telescope_names(), files);
    for (const auto& name : files) {
        const Telescope telescope = load_telescope(named(name), "");
        EXPECT_EQ(telescope.name, name);
        EXPECT_EQ(telescope.source, "built in");
        EXPECT_GT(telescope.n_x, 0);
        EXPECT_EQ(telescope.n_x, telescope.n_y);
        EXPECT_GT(telescope.lsf_fwhm, 0);
        EXPECT_NE(telescope.medium, Medium::unknown);
        const WavelengthGrid grid = telescope.wavelengths();
        EXPECT_EQ(grid.medium, telescope.medium);
        EXPECT_DOUBLE_EQ(grid.centres.front(), telescope.wavelength_range[0]);
        EXPECT_LT(grid.centres.back(), telescope.wavelength_range[1]);
    }
}

TEST(Telescope, FileOnDiskAndBuiltInAreTheSame) {
    for (const auto& name : telescope_names()) {
        const Telescope built_in = load_telescope(named(name), "");
        const Telescope file =
            load_telescope(named("telescopes/" + name + ".yaml"), (test::source_dir() / "configs").string());
        EXPECT_EQ(file.name, built_in.name);
        EXPECT_EQ(file.field_of_view, built_in.field_of_view);
        EXPECT_EQ(file.wavelength_range, built_in.wavelength_range);
        EXPECT_EQ(file.lsf_fwhm, built_in.lsf_fwhm);
    }
}

TEST(Telescope, The18OfRubixHaveItsSizesAndChannels) {
    const auto path = test::shared("specs/telescopes.yaml");
    if (!path) { GTEST_SKIP() << test::absent("specs/telescopes.yaml"); }
    const Value tree = read_yaml(path->string());
    const Value* table = tree.find("telescopes");
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->as_map()->size(), 18U);
    for (const auto& [name, row] : *table->as_map()) {
        const Telescope telescope = load_telescope(named(name), "");
        const auto number = [&row = row](const char* key) {
            double value = 0;
            EXPECT_TRUE(row.find(key)->number(value)) << key;
            return value;
        };
        EXPECT_EQ(telescope.n_x, number("n_spaxel")) << name;
        EXPECT_EQ(telescope.wavelengths().size(), number("n_wave")) << name;
        EXPECT_EQ(telescope.field_of_view, number("fov")) << name;
        EXPECT_EQ(telescope.spaxel_size, number("spatial_res")) << name;
        EXPECT_EQ(telescope.wavelength_range[0], number("wave_min")) << name;
        EXPECT_EQ(telescope.wavelength_range[1], number("wave_max")) << name;
        EXPECT_EQ(telescope.wavelength_step, number("wave_res")) << name;
        EXPECT_EQ(telescope.lsf_fwhm, number("lsf_fwhm")) << name;
        EXPECT_EQ(std::string(word(telescope.aperture)), *row.find("aperture")->as_string()) << name;
    }
}

TEST(Telescope, FiveArcsecInSpaxelsOfAFifthAre25) {
    EXPECT_EQ(load_telescope(named("MUSE"), "").n_x, 25);
    TelescopeOptions options = named("MUSE");
    options.field_of_view = 5.1; // 25.5 spaxels: the half one does not count
    EXPECT_EQ(load_telescope(options, "").n_x, 25);
    options.field_of_view = 0.3;
    options.spaxel_size = 0.1; // 2.9999999999999996 in binary
    EXPECT_EQ(load_telescope(options, "").n_x, 3);
}

TEST(Telescope, MangaLogCubesHave4563PixelsOfTenToTheMinusFour) {
    const Telescope telescope = load_telescope(named("MaNGA_127"), "");
    EXPECT_EQ(telescope.n_x, 65);
    const WavelengthGrid grid = telescope.wavelengths();
    ASSERT_EQ(grid.size(), 4563); // Law et al. (2016), LOGCUBE
    EXPECT_TRUE(grid.logarithmic);
    EXPECT_EQ(grid.medium, Medium::vacuum);
    EXPECT_NEAR(std::log10(grid.centres[4562] / grid.centres[0]), 0.4562, 1e-12);
    EXPECT_NEAR(grid.centres[4562], 10353.805, 1e-2);
}

TEST(Telescope, OverridesWin) {
    TelescopeOptions options = named("MUSE");
    options.field_of_view = 10;
    options.spaxel_size = 0.5;
    options.wavelength_range = {5000, 5010};
    options.wavelength_step = 0.5;
    options.aperture = Aperture::circular;
    options.lsf_fwhm = 1.5;
    const Telescope telescope = load_telescope(options, "");
    EXPECT_EQ(telescope.n_y, 20);
    EXPECT_EQ(telescope.wavelengths().size(), 20);
    EXPECT_EQ(telescope.aperture, Aperture::circular);
    EXPECT_EQ(telescope.lsf_fwhm, 1.5);
    options.sampling = Sampling::logarithmic;
    options.wavelength_step = 1e-4;
    EXPECT_EQ(load_telescope(options, "").wavelengths().size(), 9); // log10(5010/5000) = 8.68e-4
}

TEST(Telescope, AFileIsFoundBesideTheConfiguration) {
    const std::string path = write_file("telescope", "mine.yaml", good_file);
    const auto folder = std::filesystem::path(path).parent_path().string();
    for (const auto& name : {path, std::string("mine.yaml"), std::string("./mine.yaml")}) {
        const Telescope telescope = load_telescope(named(name), folder);
        EXPECT_EQ(telescope.name, "mine");
        EXPECT_EQ(telescope.n_x, 12);
        EXPECT_EQ(telescope.wavelengths().size(), 50);
        EXPECT_THAT(telescope.source, HasSubstr("mine.yaml"));
    }
}

TEST(Telescope, UnknownNamesAreErrorsThatTellTheNearest) {
    expect_config_error(named("MUSE_WMF"), {"MUSE_WMF", "Did you mean 'MUSE_WFM'", "MaNGA_127"});
    expect_config_error(named("nowhere.yaml"), {"nowhere.yaml"});
}

TEST(Telescope, BadFilesAreErrorsThatNameTheKey) {
    expect_config_error(named(write_file("telescope_bad", "typo.yaml", good_file + "aperure: square\n")),
                        {"typo.yaml", "aperure", "'aperture'"});
    expect_config_error(named(write_file("telescope_short", "short.yaml", "field_of_view: 6\n")),
                        {"short.yaml", "spaxel_size"});
    expect_config_error(named(write_file("telescope_word", "word.yaml", "field_of_view: wide\n")),
                        {"word.yaml", "field_of_view", "wide"});
    expect_config_error(named(write_file("telescope_negative", "negative.yaml", "spaxel_size: -0.2\n")),
                        {"spaxel_size", "-0.2", "> 0"});
    expect_config_error(named(write_file("telescope_shape", "shape.yaml", "aperture: oval\n")),
                        {"aperture", "oval", "hexagonal"});
}

TEST(Telescope, BadOverridesAreErrorsThatNameKeyAndValue) {
    const auto with = [](auto change) {
        TelescopeOptions options = named("MUSE");
        change(options);
        return options;
    };
    expect_config_error(with([](auto& o) { o.wavelength_step = -1.25; }), {"telescope.wavelength_step", "-1.25"});
    expect_config_error(with([](auto& o) { o.wavelength_step = 0.0; }), {"telescope.wavelength_step", "0"});
    expect_config_error(with([](auto& o) { o.wavelength_step = 1e-6; }), {"telescope.wavelength_step", "pixels"});
    expect_config_error(with([](auto& o) { o.wavelength_range = {9351.4, 4700.15}; }),
                        {"telescope.wavelength_range", "9351.4", "4700.15"});
    expect_config_error(with([](auto& o) { o.wavelength_range = {-5.0, 4700.15}; }),
                        {"telescope.wavelength_range", "-5"});
    expect_config_error(with([](auto& o) { o.wavelength_step = 10000.0; }), {"telescope.wavelength_step", "10000"});
    expect_config_error(with([](auto& o) { o.sampling = Sampling::logarithmic; }),
                        {"telescope.wavelength_step", "log10"});
    expect_config_error(with([](auto& o) { o.field_of_view = 0.1; }), {"telescope.field_of_view", "0.1", "no spaxel"});
    expect_config_error(with([](auto& o) { o.spaxel_size = -0.2; }), {"telescope.spaxel_size", "-0.2"});
    expect_config_error(with([](auto& o) { o.spaxel_size = 1e-4; }),
                        {"telescope.spaxel_size", "2^31", "50000 x 50000"});
    expect_config_error(with([](auto& o) { o.lsf_fwhm = -1.0; }), {"telescope.lsf_fwhm", "-1"});
}

TEST(Telescope, AperturesCoverTheAreaOfTheirShape) {
    TelescopeOptions options = named("MUSE");
    options.field_of_view = 200;
    options.spaxel_size = 1;
    const auto share = [&](Aperture aperture) {
        options.aperture = aperture;
        const auto mask = aperture_mask(load_telescope(options, ""));
        EXPECT_EQ(mask.size(), 40000U);
        for (std::size_t i = 0; i < mask.size(); ++i) {
            EXPECT_EQ(mask[i], mask[mask.size() - 1 - i]);
        } // point symmetry
        return static_cast<double>(std::count(mask.begin(), mask.end(), 1)) / 40000.0;
    };
    EXPECT_EQ(share(Aperture::square), 1.0);
    // One row of spaxels along the edge, 1/200 of the side, is the limit of the count.
    EXPECT_NEAR(share(Aperture::circular), constants::pi / 4, 0.01);
    EXPECT_NEAR(share(Aperture::hexagonal), 3 * std::sqrt(3.0) / 8, 0.01);
}

} // namespace
} // namespace tessera
