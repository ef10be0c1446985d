#include "tessera/particles/stars.hpp"

namespace tessera {

void Stars::resize(std::int64_t n, bool keep_rows) {
    const auto count = static_cast<std::size_t>(n);
    for (auto* field : {&x, &y, &z, &vx, &vy, &vz, &initial_mass, &mass, &metallicity, &age}) { field->resize(count); }
    row.resize(keep_rows ? count : 0);
}

} // namespace tessera
