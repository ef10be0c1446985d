#pragma once

#include "tessera/cube/grid.hpp"
#include "tessera/instrument/lsf.hpp"

namespace tessera {

/// @throws Error(Kind::internal)  `have` or the function lacks some of the planes that are wanted
void check_planes(WaveRange have, WaveRange wanted, const Lsf& lsf);

} // namespace tessera
