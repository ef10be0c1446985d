#pragma once

#include "tessera/scaling/study.hpp"

namespace tessera {

/// One run of the pipeline on the ranks of `group`, after a barrier. Collective.
/// @return  complete on every rank of the group, but for reduction and repeat, which the caller knows
ScalingRun measure(const Config& config, Communicator& group);

/// Stage that stands for the whole run, and for what is in none of the others.
inline constexpr const char* whole_run = "total";
inline constexpr const char* between_stages = "other";

} // namespace tessera
