#pragma once

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tessera/cosmology/cosmology.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/pipeline/pipeline.hpp"
#include "tessera/ssp/library.hpp"
#include "tests/particles/tiny_snapshots.hpp"

/// A few stars, a library whose light is a formula, and a telescope of 5 x 5 spaxels of 1 arcsec and 100 pixels: cubes whose
/// every voxel is known.
namespace tessera::test {

constexpr double tiny_redshift = 0.05;
constexpr std::int64_t tiny_pixels = 100;

struct TinyStar {
    double x = 0, y = 0, z = 0;    ///< kpc
    double vx = 0, vy = 0, vz = 0; ///< km/s
    double mass = 1e6;             ///< Msun
    double metallicity = 0.02;
    double age = 5; ///< Gyr
};

/// The plain layout; rank 0 writes.
inline void write_stars(const std::filesystem::path& path, const std::vector<TinyStar>& stars) {
    on_root([&] {
        std::vector<double> coordinates, velocities, mass, metallicity, age;
        for (const TinyStar& star : stars) {
            coordinates.insert(coordinates.end(), {star.x, star.y, star.z});
            velocities.insert(velocities.end(), {star.vx, star.vy, star.vz});
            mass.push_back(star.mass);
            metallicity.push_back(star.metallicity);
            age.push_back(star.age);
        }
        auto file = io::Hdf5File::create(path.string());
        put(file, "stars/coordinates", coordinates, 3);
        put(file, "stars/velocities", velocities, 3);
        put(file, "stars/initial_mass", mass);
        put(file, "stars/metallicity", metallicity);
        put(file, "stars/age", age);
    });
}

/// Lsun/Angstrom per Msun, the same at every wavelength; bilinear, so that the linear look-up gives it between the nodes too.
inline double flat_light(double metallicity, double age) { return 1e-4 * (25 - age) * (1 + 10 * metallicity); }

inline ssp::Library flat_library() {
    ssp::Library library;
    library.name = "flat";
    library.metallicity = {0.0005, 0.02, 0.05};
    library.age = {0, 1, 5, 10, 20};
    for (int i = 0; i <= 190; ++i) { library.wavelength.push_back(1000 + 100 * i); }
    for (const double metallicity : library.metallicity) {
        for (const double age : library.age) {
            library.flux.insert(library.flux.end(), library.wavelength.size(),
                                static_cast<float>(flat_light(metallicity, age)));
        }
    }
    return library;
}

/// Lsun per observed Angstrom of one star of the flat library.
inline double flat_voxel(const TinyStar& star, double redshift = tiny_redshift) {
    constexpr double speed_of_light = 299792.458; // km/s, exact
    return star.mass * flat_light(star.metallicity, star.age) / ((1 + redshift) * (1 + star.vz / speed_of_light));
}

/// Side of a spaxel of 1 arcsec, kpc.
inline double tiny_spaxel(double redshift = tiny_redshift) {
    return Cosmology(CosmologyOptions{}).kpc_per_arcsec(redshift);
}

/// A cube file, read back whole.
struct TinyCube {
    CubeSummary summary;
    io::Hdf5Group file;
    std::vector<float> flux;
    std::int64_t n_wave = 0, n_y = 0, n_x = 0;

    double at(std::int64_t w, std::int64_t y, std::int64_t x) const {
        return flux[static_cast<std::size_t>((w * n_y + y) * n_x + x)];
    }
    double sum() const {
        double total = 0;
        for (const float value : flux) { total += value; }
        return total;
    }
    double sum_at(std::int64_t y, std::int64_t x) const {
        double total = 0;
        for (std::int64_t w = 0; w < n_wave; ++w) { total += at(w, y, x); }
        return total;
    }
};

/// Input, library and settings of one test, in a folder of its own.
class TinyScene {
public:
    explicit TinyScene(const std::string& name, const std::vector<TinyStar>& stars = {TinyStar{}},
                       const ssp::Library& library = flat_library())
        : folder(scratch("tiny-" + name)), stars_file((folder / "stars.hdf5").string()),
          library_file((folder / "library.h5").string()), cube_file((folder / "cube.h5").string()) {
        write_stars(stars_file, stars);
        on_root([&] { ssp::write_library(library, library_file); });
    }

    std::filesystem::path folder;
    std::string stars_file, library_file, cube_file;

    /// No PSF, no LSF, luminosities, centre and velocity 0, unless `more` says otherwise.
    std::vector<std::string> settings(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"simulation.path=" + stars_file, "ssp.path=" + library_file,
                                     "output.path=" + cube_file};
        all.insert(all.end(), {"galaxy.redshift=0.05", "galaxy.centre=[0, 0, 0]", "galaxy.velocity=[0, 0, 0]",
                               "telescope.field_of_view=5", "telescope.spaxel_size=1",
                               "telescope.wavelength_range=[5000, 5125]", "telescope.wavelength_step=1.25",
                               "psf.profile=none", "lsf.profile=none", "output.flux_unit=Lsun/Angstrom"});
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    TinyCube run(const std::vector<std::string>& more = {}) const {
        const auto config = read_config("", settings(more));
        const CubeSummary summary = run_cube(config, world());
        world().barrier();
        TinyCube cube = read(config.output.path);
        cube.summary = summary;
        return cube;
    }

    static TinyCube read(const std::string& path) {
        TinyCube cube{.summary = {}, .file = io::Hdf5File::open(path), .flux = {}};
        const auto flux = cube.file.dataset("flux");
        cube.flux = flux.read_all<float>();
        cube.n_wave = flux.shape()[0];
        cube.n_y = flux.shape()[1];
        cube.n_x = flux.shape()[2];
        return cube;
    }

    std::optional<Error> error(const std::vector<std::string>& more = {}) const {
        auto error = error_of([&] { run_cube(read_config("", settings(more)), world()); });
        world().barrier();
        return error;
    }
};

/// Stars uniform in a cube of this half side, seeded.
inline std::vector<TinyStar> random_stars(std::size_t n, double half_side) {
    std::uint64_t state = 12345;
    const auto uniform = [&state] { // Knuth's MMIX generator: the test's own, the program has no part in it
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<double>(state >> 11) / 9007199254740992.0;
    };
    std::vector<TinyStar> stars(n);
    for (TinyStar& star : stars) {
        star.x = static_cast<float>((2 * uniform() - 1) * half_side);
        star.y = static_cast<float>((2 * uniform() - 1) * half_side);
        star.z = static_cast<float>((2 * uniform() - 1) * half_side);
        star.vz = 200 * (2 * uniform() - 1);
        star.age = 10 * uniform();
    }
    return stars;
}

/// What a run writes to standard error on rank 0.
template <class Run>
std::string messages_of(Run&& run) {
    testing::internal::CaptureStderr();
    run();
    return testing::internal::GetCapturedStderr();
}

/// 1e-5: the error between velocity rows (a tenth of synthesis.tolerance at most, far less on a flat spectrum) and of float32.
inline void expect_voxel(double found, double expected, const std::string& what = "") {
    EXPECT_NEAR(found, expected, 1e-5 * std::abs(expected)) << what;
}

} // namespace tessera::test
