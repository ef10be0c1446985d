#pragma once

#include <memory>
#include <type_traits>

#include "tessera/comm/communicator.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

/// An accelerator's memory as what a collective reads or writes, in the order of `queue`.
template <class T>
Buffer buffer(device::Queue& queue, const device::Buffer<T>& items) {
    return {const_cast<T*>(items.data()), items.size(), ElementTypeOf<T>::value, &queue};
}

/// A communicator of the same ranks whose collectives on the accelerator's memory go from GPU to GPU, by NCCL; those on host memory go to
/// `mpi`, whose traffic() counts them too. Null where that is not to be had: use `mpi`, which takes the way by the host, or gives
/// an MPI that knows CUDA the pointers. It is not where NCCL is not found, where ranks share a GPU, and for one rank; a line of the log
/// says why; TESSERA_NCCL_LIBRARY=none, and TESSERA_MPI_STAGING=on for the pointers, do without. Collective; null on all ranks or on none. Both arguments must outlive the result.
///
/// A collective that fails, or takes longer than TESSERA_NCCL_TIMEOUT (seconds, 300) from when a rank waits for it, ends in
/// Error(Kind::resource).
std::unique_ptr<Communicator> device_communicator(Communicator& mpi, device::Accelerator& accelerator);

} // namespace tessera
