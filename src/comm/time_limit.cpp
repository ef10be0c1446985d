#include "tessera/comm/time_limit.hpp"

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

void TimeLimit::check(Communicator& comm, const char* after) const {
    if (!seconds_) { return; }
    const double own = taken();
    const double taken = comm.size() == 1 ? own : comm.broadcast_value(own, 0);
    if (taken <= *seconds_) { return; }
    throw Error(
        {.kind = Kind::resource,
         .where = "time limit of a galaxy",
         .found = fmt::format("{:.3g} s after {}", taken, after),
         .expected = fmt::format("at most {:g} s in all", *seconds_),
         .cure = "raise catalog.time_limit and use --retry-failed, or give each galaxy more ranks (catalog.ranks)"});
}

} // namespace tessera
