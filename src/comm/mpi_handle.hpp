// What the sources that see MPI share.
#pragma once

#include <memory>

#include <mpi.h>

#include "tessera/comm/communicator.hpp"

namespace tessera {

/// Every MPI call goes through here: its name and MPI's own text in the error.
void check_mpi(int code, const char* call);

/// The ranks of `comm`, which is freed with the result.
std::unique_ptr<Communicator> take_over(MPI_Comm comm);

} // namespace tessera
