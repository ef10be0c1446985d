#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/catalog/run.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/pipeline/tiny_galaxy.hpp"

/// A small box in TNG's layout, a library whose light is a formula, and cubes of 4 x 4 spaxels and 40 wavelengths.
namespace tessera::test {

class Box {
public:
    explicit Box(const std::string& name, double redshift = 0, std::int64_t n_subhalo = 14, std::int64_t n_chunk = 3)
        : folder(scratch("box-" + name)), path((folder / "box").string()) {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = path;
        options.n_star = 6000;
        options.n_subhalo = n_subhalo;
        options.n_chunk = n_chunk;
        options.seed = 5;
        options.redshift = redshift;
        make_snapshot(options, world());
        on_root([&] { ssp::write_library(flat_library(), (folder / "library.h5").string()); });
        world().barrier();
    }

    std::filesystem::path folder;
    std::string path; ///< of the snapshot

    std::vector<std::string> settings(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"simulation.path=" + path,
                                     "simulation.snapshot=99",
                                     "ssp.path=" + (folder / "library.h5").string(),
                                     "telescope.field_of_view=12",
                                     "telescope.spaxel_size=3",
                                     "telescope.wavelength_range=[5000, 5050]",
                                     "parallel.threads=1",
                                     "output.empty=zeros",
                                     "view.rotation=random",
                                     "catalog.select=n_stars > 50 and flag == 1",
                                     "catalog.output=" + (folder / "mocks").string()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    CatalogConfig config(const std::vector<std::string>& more = {}) const {
        return read_catalog_config("", settings(more));
    }
};

/// Every dataset of two cubes but times and traffic: the largest difference relative to the largest value.
inline double difference(const std::string& a, const std::string& b) {
    const auto one = io::Hdf5File::open(a), other = io::Hdf5File::open(b);
    double worst = 0;
    for (const char* name : {"flux", "variance", "mask", "wavelength"}) {
        const auto x = one.dataset(name).read_all<double>(), y = other.dataset(name).read_all<double>();
        EXPECT_EQ(x.size(), y.size()) << name;
        double largest = 0, difference = 0;
        for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
            largest = std::max(largest, std::abs(x[i]));
            difference = std::max(difference, std::abs(x[i] - y[i]));
        }
        if (largest > 0) { worst = std::max(worst, difference / largest); }
    }
    return worst;
}

} // namespace tessera::test
