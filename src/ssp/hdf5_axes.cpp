#include "ssp/hdf5_axes.hpp"

#include <algorithm>
#include <filesystem>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tessera/core/error.hpp"

namespace tessera::ssp {

io::Hdf5Dataset numbers(const io::Hdf5Group& file, const std::string& name) {
    io::Hdf5Dataset dataset = file.dataset(name);
    const io::ElementClass kind = dataset.element_class();
    if (kind != io::ElementClass::integer && kind != io::ElementClass::real) {
        throw Error({.kind = Kind::data,
                     .where = dataset.where(),
                     .found = kind == io::ElementClass::text ? "text" : "neither numbers nor text",
                     .expected = "numbers",
                     .cure = "this is no SSP library in a layout that is read: see docs/ssp.md"});
    }
    for (const std::int64_t extent : dataset.shape()) {
        if (extent == 0) {
            throw Error({.kind = Kind::data,
                         .where = dataset.where(),
                         .found = fmt::format("an empty data set, shape [{}]", fmt::join(dataset.shape(), ", ")),
                         .expected = "at least one value along each dimension",
                         .cure = "the file is incomplete: fetch or write it again"});
        }
    }
    return dataset;
}

std::optional<std::string> unit_of(const io::Hdf5Dataset& dataset) {
    for (const char* name : {"unit", "units"}) {
        const auto text = dataset.find_text(name);
        if (text && text->find_first_not_of(' ') != std::string::npos) { return text; }
    }
    return std::nullopt;
}

RawAxis read_axis(const io::Hdf5Group& file, const std::string& name) {
    const io::Hdf5Dataset dataset = numbers(file, name);
    if (dataset.shape().size() != 1) {
        throw Error({.kind = Kind::data,
                     .where = dataset.where(),
                     .found = fmt::format("shape [{}]", fmt::join(dataset.shape(), ", ")),
                     .expected = "one dimension",
                     .cure = "write each axis as one list of values"});
    }
    return {dataset.read_all<double>(), unit_of(dataset), dataset.where()};
}

void check_shape(const io::Hdf5Dataset& flux, const Library& library) {
    const std::vector<std::int64_t> expected{library.n_metallicity(), library.n_age(), library.n_wave()};
    if (flux.shape() == expected) { return; }
    throw Error({.kind = Kind::data,
                 .where = flux.where(),
                 .found = fmt::format("shape [{}]", fmt::join(flux.shape(), ", ")),
                 .expected = fmt::format("[metallicity, age, wavelength] = [{}]", fmt::join(expected, ", ")),
                 .cure = "transpose the spectra, or complete the axes"});
}

void read_flux(const StoredFlux& flux, std::int64_t first, std::int64_t n, Library& library,
               const device::Host& where) {
    const io::Hdf5Dataset dataset = io::Hdf5File::open(flux.file).dataset(flux.dataset);
    check_shape(dataset, library); // the file may be another by now
    const auto row = static_cast<std::size_t>(dataset.row_length());
    const std::span<float> to =
        std::span(library.flux).subspan(static_cast<std::size_t>(first) * row, static_cast<std::size_t>(n) * row);
    if (flux.unit == FluxUnit::lsun_per_angstrom) {
        dataset.read_rows<float>(first, n, to, where); // as stored: the plain layout comes back bit for bit
        return;
    }
    const std::vector<double> stored = dataset.read_rows<double>(first, n, where);
    const std::vector<float> converted = flux_in_lsun_per_angstrom(flux.unit, library.wavelength, stored);
    std::copy(converted.begin(), converted.end(), to.begin());
}

std::string stem_of(const std::string& path) { return std::filesystem::path(path).stem().string(); }

} // namespace tessera::ssp
