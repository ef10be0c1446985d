#pragma once

#include <string>
#include <utility>

#include "tessera/core/error.hpp"

namespace tessera {

[[noreturn]] inline void throw_config(const char* where, std::string found, std::string expected, std::string cure) {
    throw Error({.kind = Kind::config,
                 .where = where,
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .cure = std::move(cure)});
}

} // namespace tessera
