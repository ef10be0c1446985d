#pragma once

#include <nlohmann/json.hpp>

#include "tessera/catalog/manifest.hpp"

namespace tessera::catalog {

/// The manifest's record of a start of the program.
nlohmann::ordered_json to_json(const CatalogSession& session);
/// @throws std::exception  not such a record
CatalogSession session_from(const nlohmann::ordered_json& json);

} // namespace tessera::catalog
