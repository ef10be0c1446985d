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

/// A communicator of the same ranks whose collectives on the accelerator's memory go from GPU to GPU, by NCCL; those on host
/// memory go to `mpi`, whose traffic() counts them too. Collective; both arguments must outlive the result.
///
/// Null, on all ranks, where that is not to be had: for one rank, where ranks share a GPU, where NCCL is not found (a line of the
/// log says why). Then use `mpi`: it goes by way of the host, or is given the pointers if it knows CUDA. TESSERA_NCCL_LIBRARY=none
/// does without NCCL, TESSERA_MPI_STAGING=on without the pointers.
///
/// A collective that fails, or takes longer than TESSERA_NCCL_TIMEOUT (seconds, 300) from when a rank waits for it, ends in
/// Error(Kind::resource): from the next collective or from wait(), which therefore comes before results are believed.
std::unique_ptr<Communicator> device_communicator(Communicator& mpi, device::Accelerator& accelerator);

} // namespace tessera
