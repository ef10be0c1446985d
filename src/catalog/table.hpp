#pragma once

#include <string>
#include <variant>
#include <vector>

#include "tessera/catalog/manifest.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::catalog {

/// A column of the catalogue table.
struct TableColumn {
    std::string name, unit, description;
    std::variant<std::vector<double>, std::vector<std::int64_t>> values; ///< [entry]
};

/// One row an entry: what was selected, what became of it, what its cube says, and the group catalogue's columns. It depends on
/// configuration and snapshot alone, not on when, where or how often a run was started.
std::vector<TableColumn> table_of(const CatalogConfig& config, const Selection& selection, const Manifest& manifest);

/// Writes catalogue.hdf5 and catalogue.fits, aside and renamed. One rank calls it. @return their paths
/// @throws Error(Kind::resource)
std::vector<std::string> write_table(const std::string& folder, const std::vector<TableColumn>& table,
                                     const Manifest& manifest);

} // namespace tessera::catalog
