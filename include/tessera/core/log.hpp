#pragma once

#include <string>

/// Messages for the person at the terminal: one rank prints (the application switches the others off). All go to
/// standard error, so that standard output holds only what a command was asked for.
namespace tessera::log {

enum class Level { quiet, normal, verbose };

void set_level(Level level);
void set_enabled(bool enabled); ///< false on every rank but one
Level level();

void info(const std::string& message);    ///< normal and verbose
void detail(const std::string& message);  ///< verbose
void warning(const std::string& message); ///< "warning: …", printed at every level; counted
void error(const std::string& message);   ///< "tessera: error: …", always
int warning_count();

} // namespace tessera::log
