// Cube files: what the ranks' slabs hold is what the file holds, on any number of ranks; no file under its final name after
// a failure.
#include "tessera/output/cube_file.hpp"

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include <sys/resource.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tessera/io/file_checksum.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/io/write_aside.hpp"
#include "tessera/output/cube_measures.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::world;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t n_y = 5, n_x = 4;
const std::string config_text = "galaxy:\n  redshift: 0.05\noutput:\n  path: \"cube.h5\"\n";

float voxel(std::int64_t wave, std::int64_t y, std::int64_t x) {
    return static_cast<float>(100 * wave + 10 * y + x) + 0.5F;
}

/// This rank's slab of the cube `value(wave, y, x)` with a margin that holds -1.
CubeSlab slab(std::int64_t n_wave, std::int64_t margin,
              const std::function<float(std::int64_t, std::int64_t, std::int64_t)>& value,
              Communicator& comm = world()) {
    CubeSlab out(slab_of(n_wave, comm.rank(), comm.size()), n_y + 2 * margin, n_x + 2 * margin);
    std::fill(out.data().begin(), out.data().end(), -1.0F);
    for (std::int64_t i = 0; i < out.n_wave(); ++i) {
        for (std::int64_t y = 0; y < n_y; ++y) {
            for (std::int64_t x = 0; x < n_x; ++x) {
                out.flux()(i, y + margin, x + margin) = value(out.range().first + i, y, x);
            }
        }
    }
    return out;
}

std::vector<float> whole(std::int64_t n_wave,
                         const std::function<float(std::int64_t, std::int64_t, std::int64_t)>& value) {
    std::vector<float> out;
    for (std::int64_t i = 0; i < n_wave; ++i) {
        for (std::int64_t y = 0; y < n_y; ++y) {
            for (std::int64_t x = 0; x < n_x; ++x) { out.push_back(value(i, y, x)); }
        }
    }
    return out;
}

float variance_of(std::int64_t wave, std::int64_t y, std::int64_t x) { return 0.25F * voxel(wave, y, x); }

CubeProduct product(std::int64_t n_wave, std::int64_t margin = 0) {
    CubeProduct out;
    out.wavelength = make_linear_wavelengths(4750.0, 4750.0 + 1.25 * (static_cast<double>(n_wave) - 0.5), 1.25);
    out.wavelength.medium = Medium::air;
    out.grid = make_spatial_grid(n_x, n_y, 0.2, 0.98, margin);
    out.object = "disc";
    out.flux = slab(n_wave, margin, voxel);
    out.variance = slab(n_wave, margin, variance_of);
    out.wave_mask.assign(static_cast<std::size_t>(n_wave), 0);
    out.wave_mask[0] = static_cast<std::uint8_t>(MaskBit::partly_covered);
    out.spaxel_mask.assign(n_y * n_x, 0);
    out.spaxel_mask[0] = static_cast<std::uint8_t>(MaskBit::outside_aperture);
    out.provenance.set("config", config_text);
    out.provenance.set("version", "tessera 0.1.0 (abc)");
    out.provenance.set("n_star", (std::int64_t{1} << 40) + 1);
    out.provenance.set("redshift", 0.05);
    out.provenance.set("seconds_synthesis", 1.5 + world().rank()); // rank 0's is written
    out.provenance.set("rotation", Value::List{1, 0.5, 0});
    out.provenance.set("method", "exact");
    out.provenance.traffic.collective["reduce_scatter"] = {3, 1000 + world().rank(), 0.1};
    if (world().is_root()) {
        CubeMap mass{"MASS", "Msun", "stellar mass formed"};
        for (int i = 0; i < n_y * n_x; ++i) { mass.values.push_back(i * 1e6); }
        CubeMap velocity{"VEL", "km/s", "mean velocity", "light", "4750-4763 Angstrom", true, mass.values};
        velocity.values[3] = std::nan("");
        CubeMap white{"OBS_WHITE", "1e-20 erg/s/cm2/Angstrom Angstrom", "sum over wavelength", "", "", true,
                      mass.values};
        out.maps = {mass, velocity, white};
        out.lsf_wavelength = {4750, 4760};
        out.lsf_fwhm = {2.5, 2.4};
    }
    return out;
}

std::vector<std::int32_t> expected_mask(std::int64_t n_wave) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(n_wave * n_y * n_x));
    for (std::size_t i = 0; i < out.size(); ++i) { out[i] = (i < n_y * n_x ? 1 : 0) | (i % (n_y * n_x) == 0 ? 2 : 0); }
    return out;
}

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Cases: an uneven share of planes; fewer planes than ranks; a margin around the field.
struct Case {
    std::int64_t n_wave, margin;
};
class CubeFile : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Shapes, CubeFile, testing::Values(Case{11, 0}, Case{2, 0}, Case{11, 2}),
                         [](const auto& test_case) {
                             return fmt::format("wave{}margin{}", test_case.param.n_wave, test_case.param.margin);
                         });

TEST_P(CubeFile, Hdf5HoldsWhatTheRanksHold) {
    const auto [n_wave, margin] = GetParam();
    const fs::path folder = test::scratch(fmt::format("cube-hdf5-{}-{}", n_wave, margin));
    const std::string path = (folder / "cube.h5").string();
    CubeProduct made = product(n_wave, margin);
    made.accumulated = slab(n_wave, margin, [](auto w, auto y, auto x) { return voxel(w, y, x) + 1; });
    made.psf = slab(n_wave, 0, [](auto w, auto y, auto x) { return voxel(w, y, x) + 2; });
    made.lsf = slab(n_wave, 0, [](auto w, auto y, auto x) { return voxel(w, y, x) + 3; });
    made.has_star_lists = true;
    for (int i = 0; i < 2 * world().rank(); ++i) { // rank 0 has no star
        made.star_spaxel.push_back(world().rank() * 10 + i - 11);
        made.star_row.push_back((std::int64_t{1} << 33) + world().rank() * 10 + i);
    }
    write_cube_hdf5(path, made, world());

    const auto file = io::Hdf5File::open(path, &world());
    const auto flux = file.dataset("flux");
    EXPECT_THAT(flux.shape(), ElementsAre(n_wave, n_y, n_x));
    EXPECT_EQ(flux.number_type(), io::NumberType::float32);
    EXPECT_EQ(flux.read_all<float>(), whole(n_wave, voxel));
    EXPECT_EQ(flux.find_text("unit"), "1e-20 erg s-1 cm-2 Angstrom-1");
    EXPECT_EQ(file.dataset("variance").find_text("unit"), "1e-40 erg2 s-2 cm-4 Angstrom-2");
    EXPECT_EQ(flux.find_text("units"), flux.find_text("unit"));
    EXPECT_EQ(flux.find_text("axes"), "wavelength, y, x");
    EXPECT_EQ(flux.find_text("CTYPE3"), "AWAV");
    EXPECT_EQ(flux.find_number("CRPIX1"), 2.5); // centre of four pixels
    EXPECT_EQ(flux.find_number("CRVAL3"), 4750.0);
    EXPECT_EQ(file.dataset("variance").read_all<float>(), whole(n_wave, variance_of));
    EXPECT_EQ(file.dataset("mask").read_all<std::int32_t>(), expected_mask(n_wave));
    EXPECT_EQ(file.dataset("wavelength").read_all<double>(), made.wavelength.centres);
    EXPECT_EQ(file.dataset("wavelength").find_text("unit"), "Angstrom");
    EXPECT_EQ(file.dataset("wavelength").find_text("medium"), "air");
    EXPECT_EQ(file.dataset("stages/accumulated").read_all<float>(),
              whole(n_wave, [](auto w, auto y, auto x) { return voxel(w, y, x) + 1; }));
    EXPECT_EQ(file.dataset("stages/psf").read_all<float>(),
              whole(n_wave, [](auto w, auto y, auto x) { return voxel(w, y, x) + 2; }));
    EXPECT_EQ(file.dataset("stages/lsf").read_all<float>(),
              whole(n_wave, [](auto w, auto y, auto x) { return voxel(w, y, x) + 3; }));
    EXPECT_EQ(file.dataset("stages/spaxel").read_all<std::int32_t>(),
              world().all_gather(std::span<const std::int32_t>(made.star_spaxel)));
    EXPECT_EQ(file.dataset("stages/star").read_all<std::int64_t>(),
              world().all_gather(std::span<const std::int64_t>(made.star_row)));
    EXPECT_FALSE(fs::exists(folder / ".cube.h5.partial"));
}

TEST_P(CubeFile, FitsHoldsWhatTheRanksHold) {
    const auto [n_wave, margin] = GetParam();
    const fs::path folder = test::scratch(fmt::format("cube-fits-{}-{}", n_wave, margin));
    const std::string path = (folder / "cube.fits").string();
    write_cube_fits(path, product(n_wave, margin), world());

    const io::FitsReader file(path);
    std::vector<std::string> names;
    for (const auto& hdu : file.hdus()) { names.push_back(hdu.name); }
    EXPECT_THAT(names, ElementsAre("", "DATA", "STAT", "DQ", "RAW_MASS", "OBS_VEL", "OBS_WHITE", "LSF", "CONFIG"));
    EXPECT_THAT(file.hdus()[1].shape, ElementsAre(n_wave, n_y, n_x));
    for (const auto& [hdu, value] : {std::pair{1, &voxel}, std::pair{2, &variance_of}}) {
        const auto found = file.read_image<float>(hdu), expected = whole(n_wave, value);
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (i % (n_y * n_x) == 0) { // the spaxel outside the aperture
                EXPECT_TRUE(std::isnan(found[i])) << hdu << ' ' << i;
            } else {
                EXPECT_EQ(found[i], expected[i]) << hdu << ' ' << i;
            }
        }
    }
    EXPECT_EQ(file.read_image<std::int32_t>(3), expected_mask(n_wave));
    EXPECT_FALSE(fs::exists(folder / ".cube.fits.partial"));
}

TEST(CubeHdf5, IsTheSameFileOnAnyNumberOfRanks) {
    const fs::path folder = test::scratch("cube-same-hdf5");
    CubeProduct made = product(11, 2);
    made.provenance.traffic = {}; // bytes of each rank are its own
    write_cube_hdf5((folder / "all.h5").string(), made, world());
    const auto alone = world().split(world().rank(), 0);
    if (world().is_root()) {
        made.flux = slab(11, 2, voxel, *alone);
        made.variance = slab(11, 2, variance_of, *alone);
        write_cube_hdf5((folder / "one.h5").string(), made, *alone);
        EXPECT_TRUE(bytes_of(folder / "all.h5") == bytes_of(folder / "one.h5"));
    }
    world().barrier();
}

TEST(CubeHdf5, MapsProvenanceAndTrafficAreThere) {
    const std::string path = (test::scratch("cube-provenance") / "cube.h5").string();
    CubeProduct made = product(3);
    made.variance = CubeSlab(); // no noise
    write_cube_hdf5(path, made, world());
    const auto file = io::Hdf5File::open(path, &world());
    EXPECT_THAT(file.dataset("variance").read_all<float>(), testing::Each(0.0F));
    EXPECT_FALSE(file.has("stages"));
    EXPECT_THAT(file.group("maps").names(), ElementsAre("MASS", "OBS_WHITE", "VEL"));
    const auto mass = file.dataset("maps/MASS");
    EXPECT_THAT(mass.shape(), ElementsAre(n_y, n_x));
    EXPECT_EQ(mass.read_all<double>()[7], 7e6);
    EXPECT_EQ(mass.find_text("unit"), "Msun");
    EXPECT_EQ(mass.find_text("weight"), std::nullopt);
    EXPECT_EQ(file.dataset("maps/VEL").find_text("weight"), "light");
    EXPECT_TRUE(std::isnan(file.dataset("maps/VEL").read_all<double>()[3]));
    const auto provenance = file.group("provenance");
    EXPECT_EQ(provenance.find_text("config"), config_text);
    EXPECT_EQ(provenance.find_text("version"), "tessera 0.1.0 (abc)");
    EXPECT_THAT(provenance.integers("n_star"), ElementsAre((std::int64_t{1} << 40) + 1));
    EXPECT_EQ(provenance.number("seconds_synthesis"), 1.5);
    EXPECT_THAT(provenance.numbers("rotation"), ElementsAre(1, 0.5, 0));
    const auto bytes = file.dataset("provenance/traffic/reduce_scatter").read_all<std::int64_t>();
    ASSERT_EQ(static_cast<int>(bytes.size()), world().size());
    for (int rank = 0; rank < world().size(); ++rank) { EXPECT_EQ(bytes[static_cast<std::size_t>(rank)], 1000 + rank); }
}

/// What a catalogue records of a cube without reading it is what it would read.
TEST(CubeHdf5, SumsAndChecksumAreThoseOfTheFile) {
    const auto alone = world().split(world().rank(), 0);
    const std::string path = (test::scratch("cube-sums") / fmt::format("cube_{}.h5", world().rank())).string();
    for (const bool noisy : {true, false}) {
        CubeProduct made = product(301);
        made.flux = slab(301, 0, voxel, *alone);
        made.variance = noisy ? slab(301, 0, variance_of, *alone) : CubeSlab();
        if (noisy) { std::fill_n(made.variance.data().begin(), 290 * n_y * n_x, 0.0F); } // light at the end alone
        for (const char* name : {"OBS_FLUX", "OBS_VEL", "OBS_SIGMA"}) {
            made.maps.push_back(
                {.name = name, .unit = "km/s", .description = "", .values = std::vector<double>(n_y * n_x, 3.5)});
        }
        const auto checksum = write_cube_hdf5(path, made, *alone);
        ASSERT_TRUE(checksum.has_value());
        EXPECT_EQ(*checksum, io::file_checksum(path));
        const CubeSums held = sums_of(made), read = read_cube_sums(path);
        EXPECT_EQ(held.n_y, read.n_y);
        EXPECT_EQ(held.n_x, read.n_x);
        EXPECT_EQ(held.spaxel_size, read.spaxel_size);
        EXPECT_EQ(held.flux_unit, read.flux_unit);
        EXPECT_EQ(held.edges, read.edges);
        EXPECT_EQ(held.spectrum, read.spectrum);
        EXPECT_EQ(held.signal_to_noise.size(), noisy ? static_cast<std::size_t>(n_y * n_x) : 0U);
        EXPECT_EQ(held.light, read.light);
        EXPECT_EQ(held.velocity, std::vector<double>(n_y * n_x, 3.5));
        EXPECT_EQ(held.dispersion, read.dispersion);
        EXPECT_TRUE(std::isnan(held.white_light[0])) << "outside the aperture";
        EXPECT_EQ(std::vector(held.white_light.begin() + 1, held.white_light.end()),
                  std::vector(read.white_light.begin() + 1, read.white_light.end()));
        const CubeMeasures a = measure(held, {}), b = measure(read, {});
        EXPECT_EQ(a.flux, b.flux);
        EXPECT_TRUE(a.signal_to_noise == b.signal_to_noise || !noisy);
    }
}

TEST(CubeHdf5, SumsNeedTheWholeField) {
    const auto error = test::error_of([] { sums_of(product(11, 2)); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
}

TEST(CubeFits, HeadersSayWhereWhatAndHow) {
    const std::string path = (test::scratch("cube-headers") / "cube.fits").string();
    CubeProduct made = product(3);
    made.right_ascension = 150.5;
    made.declination = -2.25;
    made.moffat_psf = {0.8, 2.5};
    write_cube_fits(path, made, world());
    const io::FitsReader file(path);
    EXPECT_EQ(file.find_text(0, "CREATOR"), "tessera 0.1.0 (abc)");
    EXPECT_EQ(file.find_text(0, "NSTAR"), "1099511627777");
    EXPECT_EQ(file.number(0, "REDSHIFT"), 0.05);
    EXPECT_EQ(file.find_text(0, "METHOD"), "exact");
    EXPECT_EQ(file.number(0, "seconds_synthesis"), 1.5);
    EXPECT_EQ(file.find_text(0, "DATE")->size(), 19U);
    EXPECT_EQ(file.number(0, "FSFMODE"), 2);
    EXPECT_EQ(file.number(0, "FSF00F00"), 0.8);
    EXPECT_EQ(file.number(0, "FSF00B00"), 2.5);
    EXPECT_EQ(file.find_text(1, "BUNIT"), "10**(-20)*erg/s/cm**2/Angstrom");
    EXPECT_EQ(file.find_text(2, "BUNIT"), "(10**(-20)*erg/s/cm**2/Angstrom)**2");
    EXPECT_EQ(file.find_text(1, "ERRDATA"), "STAT");
    EXPECT_EQ(file.find_text(2, "HDUCLAS3"), "MSE");
    EXPECT_EQ(file.find_text(3, "HDUCLAS3"), "FLAG32BIT");
    for (const int hdu : {1, 2, 3}) {
        EXPECT_EQ(file.find_text(hdu, "OBJECT"), "disc");
        EXPECT_EQ(file.find_text(hdu, "CTYPE1"), "RA---TAN");
        EXPECT_EQ(file.number(hdu, "CRPIX1"), 2.5);
        EXPECT_EQ(file.number(hdu, "CRPIX2"), 3.0);
        EXPECT_EQ(file.number(hdu, "CRVAL1"), 150.5);
        EXPECT_EQ(file.number(hdu, "CRVAL2"), -2.25);
        EXPECT_NEAR(file.number(hdu, "CD1_1"), -0.2 / 3600, 1e-18); // 15 decimals are written
        EXPECT_NEAR(file.number(hdu, "CD2_2"), 0.2 / 3600, 1e-18);
        EXPECT_EQ(file.number(hdu, "CD1_2"), 0.0);
        EXPECT_EQ(file.find_text(hdu, "CTYPE3"), "AWAV");
        EXPECT_EQ(file.number(hdu, "CRPIX3"), 1.0);
        EXPECT_EQ(file.number(hdu, "CRVAL3"), 4750.0);
        EXPECT_EQ(file.number(hdu, "CD3_3"), 1.25);
    }
    EXPECT_EQ(file.find_text(file.index("RAW_MASS"), "BUNIT"), "solMass");
    EXPECT_EQ(file.find_text(file.index("OBS_WHITE"), "BUNIT"), "10**(-20)*erg/s/cm**2");
    EXPECT_EQ(file.find_text(file.index("OBS_VEL"), "WEIGHT"), "light");
    EXPECT_EQ(file.find_text(file.index("OBS_VEL"), "BAND"), "4750-4763 Angstrom");
    EXPECT_EQ(file.read_image<double>(file.index("RAW_MASS"))[7], 7e6);
    EXPECT_THAT(file.read_column(file.index("LSF"), "FWHM"), ElementsAre(2.5, 2.4));
    EXPECT_THAT(file.read_text_column(file.index("CONFIG"), "CONFIG"),
                ElementsAre("galaxy:", "  redshift: 0.05", "output:", "  path: \"cube.h5\""));
}

/// The bytes of a FITS file without the time of its making.
std::string timeless(const fs::path& path) {
    std::string text = bytes_of(path);
    for (const std::string keyword : {"DATE    = '", "CHECKSUM= '"}) { // the first of each: of the primary header
        text.replace(text.find(keyword), 80, 80, ' ');
    }
    return text;
}

TEST(CubeFits, IsTheSameFileOnAnyNumberOfRanks) {
    const fs::path folder = test::scratch("cube-same");
    CubeProduct made = product(11, 2);
    write_cube_fits((folder / "all.fits").string(), made, world());
    const auto alone = world().split(world().rank(), 0);
    if (world().is_root()) {
        made.flux = slab(11, 2, voxel, *alone);
        made.variance = slab(11, 2, variance_of, *alone);
        write_cube_fits((folder / "one.fits").string(), made, *alone);
        EXPECT_TRUE(timeless(folder / "all.fits") == timeless(folder / "one.fits"));
    }
    world().barrier();
}

TEST(CubeFits, TheSpectralAxisFollowsTheGridAndTheMedium) {
    const std::string path = (test::scratch("cube-axis") / "cube.fits").string();
    CubeProduct made = product(4);
    const auto header = [&](const std::string& key) {
        write_cube_fits(path, made, world());
        const auto text = io::FitsReader(path).find_text(1, key);
        world().barrier(); // the next one replaces the file
        return text.value_or("absent");
    };
    made.wavelength.medium = Medium::vacuum;
    EXPECT_EQ(header("CTYPE3"), "WAVE");
    made.wavelength.medium = Medium::unknown;
    EXPECT_EQ(header("CTYPE3"), "WAVE");
    EXPECT_EQ(header("MEDIUM"), "unknown");
    made.flux_unit = "Lsun/Angstrom";
    EXPECT_EQ(header("BUNIT"), "solLum/Angstrom");
    EXPECT_EQ(io::FitsReader(path).find_text(2, "BUNIT"), "solLum**2/Angstrom**2");
    world().barrier();

    const double step = 1e-4;
    made.wavelength = make_logarithmic_wavelengths(4000.0, 4000.0 * std::exp(3.5 * step), step);
    ASSERT_EQ(made.wavelength.size(), 4);
    EXPECT_EQ(header("CTYPE3"), "WAVE-LOG");
    EXPECT_NEAR(std::stod(header("CD3_3")), 4000.0 * step, 1e-9); // lambda_1 dln(lambda); logarithms of numbers near 1

    made.wavelength.logarithmic = false;
    made.wavelength.centres = {4000, 4001, 4003, 4010};
    write_cube_fits(path, made, world());
    const io::FitsReader file(path);
    EXPECT_THAT(file.read_image<double>(file.index("WAVE")), ElementsAre(4000, 4001, 4003, 4010));
}

using Write = void (*)(const std::string&, const CubeProduct&, Communicator&);
class CubeFailure : public testing::TestWithParam<std::pair<const char*, Write>> {};
INSTANTIATE_TEST_SUITE_P(Formats, CubeFailure,
                         testing::Values(std::pair{"cube.h5", Write([](const std::string& path, const CubeProduct& made,
                                                                       Communicator& comm) {
                                                       write_cube_hdf5(path, made, comm);
                                                   })},
                                         std::pair{"cube.fits", Write(write_cube_fits)}),
                         [](const auto& test_case) { return std::string(test_case.param.first).substr(5); });

TEST_P(CubeFailure, AFullDiskLeavesNoFileAndKeepsTheOldOne) {
    const auto [name, write] = GetParam();
    const fs::path folder = test::scratch(std::string("cube-full-") + name);
    const std::string path = (folder / name).string();
    write(path, product(3), world());
    const auto before = fs::file_size(path);
    world().barrier();
    const CubeProduct large = product(10000); // 800 kB of flux
    void (*const handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limits{};
    getrlimit(RLIMIT_FSIZE, &limits);
    const rlimit full{2 << 20, limits.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
    const auto error = error_of([&] { write(path, large, world()); });
    setrlimit(RLIMIT_FSIZE, &limits);
    std::signal(SIGXFSZ, handler);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr(name));
    EXPECT_THAT(error->what(), HasSubstr("free space"));
    world().barrier();
    EXPECT_FALSE(fs::exists(folder / fmt::format(".{}.partial", name)));
    EXPECT_EQ(fs::file_size(path), before);
}

TEST_P(CubeFailure, AnAbsentFolderIsAResourceError) {
    const auto [name, write] = GetParam();
    const fs::path folder = test::scratch(std::string("cube-absent-") + name);
    const auto error = error_of([&] { write((folder / "absent" / name).string(), product(3), world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr(std::string("absent/") + name));
    EXPECT_THAT(error->what(), HasSubstr("no folder"));
}

TEST_P(CubeFailure, AFolderInPlaceOfTheFileIsAResourceError) {
    const auto [name, write] = GetParam();
    const fs::path folder = test::scratch(std::string("cube-folder-") + name);
    if (world().is_root()) { fs::create_directory(folder / name); }
    world().barrier();
    const auto error = error_of([&] { write((folder / name).string(), product(3), world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr("a folder of that name"));
}

TEST_P(CubeFailure, SlabsThatDoNotFitAreRefusedOnEveryRank) {
    const auto [name, write] = GetParam();
    const fs::path folder = test::scratch(std::string("cube-misfit-") + name);
    CubeProduct made = product(4);
    if (world().rank() == world().size() - 1) { made.wave_mask.resize(2); }
    const auto error = error_of([&] { write((folder / name).string(), made, world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), HasSubstr("wave_mask"));
    EXPECT_FALSE(fs::exists(folder / name));
}

TEST(WriteAside, AFailureInsideLeavesNothing) {
    const fs::path folder = test::scratch("aside");
    const std::string path = (folder / "file").string();
    const auto error = error_of([&] {
        io::write_aside(path, world(), [&](const std::string& temporary) {
            io::Hdf5File::create(temporary, &world());
            agree(world(), [&] {
                if (world().rank() == world().size() - 1) { throw Error(Kind::data, "one rank only"); }
            });
        });
    });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), HasSubstr("one rank only"));
    world().barrier();
    EXPECT_TRUE(fs::is_empty(folder));
    EXPECT_FALSE(error_of([&] { io::check_output_path(path, world()); }));
}

} // namespace
} // namespace tessera
