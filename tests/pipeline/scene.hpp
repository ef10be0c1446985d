#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tessera/core/constants.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/pipeline/pipeline.hpp"
#include "tessera/ssp/library.hpp"
#include "tests/support/test_support.hpp"

/// Small galaxies and libraries whose cubes have closed forms.
namespace tessera::test {

/// Stars in the plain layout; the galaxy at the origin, at rest.
struct SceneStars {
    std::vector<float> position, velocity, mass, metallicity, age;
    void add(double x, double y, double z, double vx, double vy, double vz, double m = 1e6, double metal = 0.015,
             double years = 1.5) {
        for (const double value : {x, y, z}) { position.push_back(static_cast<float>(value)); }
        for (const double value : {vx, vy, vz}) { velocity.push_back(static_cast<float>(value)); }
        mass.push_back(static_cast<float>(m));
        metallicity.push_back(static_cast<float>(metal));
        age.push_back(static_cast<float>(years));
    }
    std::int64_t size() const { return static_cast<std::int64_t>(mass.size()); }
};

inline void write_stars(const SceneStars& stars, const std::string& path) {
    auto file = io::Hdf5File::create(path);
    auto group = file.create_group("stars");
    const std::int64_t n = stars.size();
    const auto write = [&](const char* name, std::vector<std::int64_t> shape, const std::vector<float>& values) {
        group.create_dataset(name, io::NumberType::float32, shape).write_all<float>(values);
    };
    write("coordinates", {n, 3}, stars.position);
    write("velocities", {n, 3}, stars.velocity);
    write("initial_mass", {n}, stars.mass);
    write("metallicity", {n}, stars.metallicity);
    write("age", {n}, stars.age);
}

/// One spectrum for every age and metallicity: a Gaussian line of unit flux [Lsun per Msun] at 5000 Angstrom, sigma 3.
inline ssp::Library line_library() {
    ssp::Library library;
    library.name = "line";
    library.metallicity = {0.01, 0.02};
    library.age = {1.0, 2.0};
    for (double l = 4700; l <= 5300; l += 0.25) { library.wavelength.push_back(l); }
    for (int node = 0; node < 4; ++node) {
        for (const double l : library.wavelength) {
            library.flux.push_back(
                static_cast<float>(std::exp(-0.5 * std::pow((l - 5000) / 3, 2)) / (3 * std::sqrt(2 * constants::pi))));
        }
    }
    return library;
}

/// A folder with stars.hdf5 and line.h5, and the settings that every run starts from: 7 x 7 spaxels of 0.5 arcsec, 5100 to 5400
/// Angstrom at redshift 0.05, no PSF, LSF or noise.
struct Scene {
    std::filesystem::path folder;
    std::vector<std::string> settings;

    Scene(const std::string& name, const SceneStars& stars) : folder(scratch(name)) {
        if (world().is_root()) {
            write_stars(stars, (folder / "stars.hdf5").string());
            ssp::write_library(line_library(), (folder / "line.h5").string());
        }
        world().barrier();
        settings = {"simulation.path=" + (folder / "stars.hdf5").string(),
                    "ssp.path=" + (folder / "line.h5").string(),
                    "galaxy.redshift=0.05",
                    "galaxy.centre=[0, 0, 0]",
                    "galaxy.velocity=[0, 0, 0]",
                    "telescope.field_of_view=3.5",
                    "telescope.spaxel_size=0.5",
                    "telescope.wavelength_range=[5100, 5400]",
                    "psf.profile=none",
                    "lsf.profile=none",
                    "parallel.threads=1"};
    }

    /// The cube file of a run with more settings; `comm` may be one rank alone, then the others must not call.
    std::string run(const std::string& name, const std::vector<std::string>& more, Communicator& comm) const {
        std::vector<std::string> all = settings;
        all.insert(all.end(), more.begin(), more.end());
        const std::string path = (folder / name).string();
        all.push_back("output.path=" + path);
        run_cube(read_config("", all), comm);
        return path;
    }
};

/// A cube read back, [wavelength, y, x].
struct Cube {
    std::vector<float> flux;
    std::vector<double> wavelength;
    std::int64_t n_wave, n_y, n_x;
    explicit Cube(const std::string& path, const std::string& dataset = "flux") {
        const auto file = io::Hdf5File::open(path);
        const auto cube = file.dataset(dataset);
        flux = cube.read_all<float>();
        n_wave = cube.shape()[0];
        n_y = cube.shape()[1];
        n_x = cube.shape()[2];
        wavelength = file.dataset("wavelength").read_all<double>();
    }
    double at(std::int64_t w, std::int64_t y, std::int64_t x) const {
        return flux[static_cast<std::size_t>((w * n_y + y) * n_x + x)];
    }
    double step() const { return wavelength[1] - wavelength[0]; }
    double total() const {
        double sum = 0;
        for (const float value : flux) { sum += value; }
        return sum * step();
    }
    double largest() const {
        double most = 0;
        for (const float value : flux) { most = std::max(most, std::abs(static_cast<double>(value))); }
        return most;
    }
};

inline std::vector<double> map_of(const std::string& path, const std::string& name) {
    return io::Hdf5File::open(path).dataset("maps/" + name).read_all<double>();
}

/// Largest difference of two cubes relative to the maximum of the second; absolute where that is zero.
inline double difference(const Cube& a, const Cube& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.flux.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(a.flux[i]) - b.flux[i]));
    }
    return b.largest() > 0 ? worst / b.largest() : worst;
}

} // namespace tessera::test
