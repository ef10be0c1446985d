#pragma once

#include <string>

namespace tessera {

/// Prints a warning the first time that `subject` comes up in this process: a plan asks for the same kernel more than once,
/// a catalogue for every galaxy.
void warn_once(const std::string& subject, const std::string& message);

} // namespace tessera
