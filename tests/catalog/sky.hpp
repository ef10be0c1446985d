#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/catalog/box.hpp"

/// Catalogues of all stars in the field, of small cubes.
namespace tessera::test {

/// Subhaloes so close that they are in each other's fields, or far apart.
class Sky {
public:
    explicit Sky(const std::string& name, double box_size, std::int64_t n_chunk = 3) : folder(scratch("sky-" + name)) {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = (folder / "box").string();
        options.n_star = 5000;
        options.n_subhalo = 10;
        options.n_chunk = n_chunk;
        options.seed = 5;
        options.box_size = box_size;
        make_snapshot(options, world());
        on_root([&] { ssp::write_library(flat_library(), (folder / "library.h5").string()); });
        world().barrier();
    }
    CatalogConfig config(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"simulation.path=" + (folder / "box").string(),
                                     "simulation.snapshot=99",
                                     "simulation.gas=false",
                                     "ssp.path=" + (folder / "library.h5").string(),
                                     "telescope.field_of_view=30",
                                     "telescope.spaxel_size=5",
                                     "telescope.wavelength_range=[5000, 5020]",
                                     "psf.profile=gaussian",
                                     "psf.fwhm=5",
                                     "parallel.threads=1",
                                     "output.empty=zeros",
                                     "view.rotation=random",
                                     "catalog.select=n_stars > 100 and flag == 1",
                                     "catalog.stars=field",
                                     "simulation.depth=200",
                                     "catalog.output=" + (folder / "mocks").string()};
        all.insert(all.end(), more.begin(), more.end());
        return read_catalog_config("", all);
    }
    CatalogSummary run(const CatalogConfig& config, const CatalogRequest& request = {}) const {
        const CatalogSummary summary = run_catalog(config, request, world());
        world().barrier();
        return summary;
    }
    std::string index() const { return (folder / "mocks" / "snap_099.star_index.h5").string(); }

    std::filesystem::path folder;
};

} // namespace tessera::test
