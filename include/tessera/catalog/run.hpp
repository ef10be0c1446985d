#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/catalog/manifest.hpp"
#include "tessera/catalog/options.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera {

class Communicator;

/// How a run deals with what the folder holds already.
struct CatalogRequest {
    bool resume = false;       ///< go on with an unfinished catalogue, or begin one where there is none
    bool retry_failed = false; ///< the same, and try again what failed before
    std::optional<double> time_limit =
        {}; ///< s for the whole run: no cube is begun that is not likely to be done by then
};

/// What a run did; the same on every rank.
struct CatalogSummary {
    std::int64_t n_entry = 0, n_done = 0, n_failed = 0; ///< of the whole catalogue, now
    std::int64_t n_open = 0; ///< neither done nor failed: the run was asked to stop (StopRequests), or its time is over
    std::int64_t n_unpacked = 0; ///< shards that are still to be written, for the same reasons
    std::int64_t n_made = 0;     ///< cubes that this run made
    std::int64_t n_adopted = 0;  ///< whole cubes that an earlier run had finished, but not recorded
    double seconds = 0;
    std::vector<std::string> files;                            ///< catalogue tables, contact sheet
    std::vector<std::pair<std::string, std::string>> failures; ///< cube and message of what failed
};

/// Makes the cubes that are not there yet, longest first, each by catalog.ranks ranks that take the next one from a shared
/// counter when they are done; records every step in the manifest; then writes the catalogue table. A galaxy that fails is
/// recorded, and the others go on. Collective.
/// @throws Error(Kind::config)    a catalogue is there and neither resume nor retry_failed is asked for; it was begun with another
///                                configuration (names the keys); another run is at work
/// @throws Error(Kind::data)      the group catalogue or the manifest is damaged, or is another one than at the beginning
/// @throws Error(Kind::resource)  the disk is full, or a file system vanished: every rank stops after the galaxy it is at; what is
///                                done stays done
CatalogSummary run_catalog(const CatalogConfig& config, const CatalogRequest& request, Communicator& world);

/// What a run would do: `tessera catalog --dry-run`.
struct CatalogForecast {
    std::int64_t n_subhalo = 0, n_galaxy = 0, n_cube = 0;
    std::int64_t fewest_stars = 0, median_stars = 0,
                 most_stars = 0; ///< rows a galaxy, wind cells included; of others about as many as its field has
    std::int64_t n_stars = 0;    ///< rows of all cubes together
    CubeForecast largest;        ///< of the cube of most stars
    std::int64_t bytes_to_write = 0, bytes_free = 0;
    double seconds = 0; ///< estimated, of all ranks together at work; within a factor of 2 or 3 on machines of our kind
};

/// Selects, and looks at the inputs of the largest galaxy; writes nothing. Collective.
CatalogForecast forecast_catalog(const CatalogConfig& config, Communicator& world);

/// Progress, rate, time left and failures by kind of a folder, in lines of text; of a run that goes on too. One rank calls it.
/// @throws Error(Kind::config)  no catalogue there
std::string catalog_status(const std::string& folder);

/// What `tessera catalog verify` found.
struct CatalogVerdict {
    std::int64_t n_entry = 0, n_done = 0, n_failed = 0, n_open = 0;
    std::int64_t bytes = 0;            ///< read and checked
    std::vector<std::string> problems; ///< one line each
};

/// Compares every finished cube with the manifest (there, of that size and checksum) and with its row in the catalogue table, and
/// lists files that nobody accounts for. Collective: the ranks share the files. @throws Error(Kind::config)  no catalogue there
CatalogVerdict verify_catalog(const std::string& folder, Communicator& world);

} // namespace tessera
