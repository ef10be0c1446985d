#include "catalog/theta.hpp"

#include <filesystem>

#include "tessera/io/hdf5.hpp"

namespace tessera::catalog {

std::vector<double> Theta::row(std::size_t entry) const {
    std::vector<double> out;
    for (const std::vector<double>& column : columns) { out.push_back(column.at(entry)); }
    return out;
}

Theta read_theta(const std::string& folder) {
    const auto table =
        io::Hdf5File::open((std::filesystem::path(folder) / "catalogue.hdf5").string()).group("Galaxies");
    Theta out;
    for (const std::string& name : table.names()) {
        const io::Hdf5Dataset column = table.dataset(name);
        if (column.element_class() != io::ElementClass::real) { continue; }
        out.names.push_back(name);
        out.units.push_back(column.find_text("unit").value_or(""));
        out.columns.push_back(column.read_all<double>());
    }
    return out;
}

} // namespace tessera::catalog
