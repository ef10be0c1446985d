#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "synthesis/method_choice.hpp"

namespace tessera {

/// What settings follow from; equal keys have equal settings.
struct SettingsKey {
    std::uint64_t library = 0; ///< checksum
    std::uint64_t pixels = 0;  ///< of edges, and of which are covered
    std::int64_t first_point = 0, end_point = 0;
    double redshift = 0, shift = 0; ///< shift: ln Doppler factor of the fastest stars that count
    double tolerance = 0, bin_tolerance = 0, compression_tolerance = 0;
    bool operator==(const SettingsKey&) const = default;
};

/// What is found from library, pixels and tolerance alone, not from the stars: the same for all galaxies of a survey at one redshift.
/// Filled by whoever needs it first.
struct Settings {
    std::vector<double> prior; ///< [node]
    std::optional<VelocitySteps> steps;
    std::optional<NodeErrors> bin_errors;         ///< at all speeds
    std::optional<NodeErrors> compression_errors; ///< likewise
};

/// Those of the latest eight keys are kept, a few kilobytes each; empty ones for a new key. For one thread.
std::shared_ptr<Settings> recent_settings(const SettingsKey& key);

} // namespace tessera
