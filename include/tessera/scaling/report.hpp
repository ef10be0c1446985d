#pragma once

#include <string>

#include "tessera/scaling/cost_model.hpp"
#include "tessera/scaling/study.hpp"

namespace tessera {

/// What the model says of every reduction on every number of ranks, beside the measured medians. Printed where a machine is named.
std::string comparison_text(const ScalingStudy& study, const Machine& machine);

/// What the command prints: time, spread, speed-up and efficiency of every reduction on every number of ranks, the stages of the
/// fastest on the most ranks, and the paragraph that names the limiting stage.
std::string study_text(const ScalingStudy& study);

/// The files of a study: NAME.json (every number of every rank), NAME.csv (a line a reduction, ranks and stage), NAME.png, NAME.svg.
std::vector<std::string> study_files(const std::string& name);

/// Writes them; one rank calls it. @param config  recorded in the JSON @return their paths
/// @throws Error(Kind::resource)  a file that cannot be written
std::vector<std::string> write_study(const ScalingStudy& study, const ScalingConfig& config, const std::string& name);

/// The contents of two of them.
std::string study_json(const ScalingStudy& study, const ScalingConfig& config);
std::string study_csv(const ScalingStudy& study);

} // namespace tessera
