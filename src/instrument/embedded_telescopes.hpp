#pragma once

#include <span>
#include <string_view>

namespace tessera {

/// A file of configs/telescopes, compiled in.
struct EmbeddedTelescope {
    std::string_view name; ///< the file's name without .yaml
    std::string_view text;
};
std::span<const EmbeddedTelescope> embedded_telescopes();

} // namespace tessera
