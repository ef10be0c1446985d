#pragma once

#include <cstdint>
#include <span>

#include "pipeline/plan.hpp"

namespace tessera {

/// Galaxies that are made together at most: what one set of launches costs is divided by so many, and a stop waits for so many.
inline constexpr std::int64_t most_together = 16;

/// Whether a galaxy may be made together with others: on an accelerator, by one rank, with no more stars than go up at a time. What is
/// shared out is launches, waits and templates, as much as a few 10^4 stars cost; more stars gain little.
bool may_join(const Plan& plan, const Communicator& comm);

/// Whether `next` agrees with the first of those that are made together in all that synthesis depends on, and host and accelerator have
/// memory for one more: its partial cubes take two fifths of what is free at most. Collective, on one rank.
bool joins(std::span<const Plan* const> galaxies, const Plan& next, Communicator& comm);

} // namespace tessera
