#pragma once

#include <string>

#include "pipeline/plan.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

/// The quick-look picture of a finished cube: white light, velocity, dispersion, spectra of marked spaxels. Collective.
void write_picture(const Plan& plan, const CubeProduct& product, const SynthesisReport& report,
                   const std::vector<double>& image, const std::string& path, Communicator& comm);

} // namespace tessera
