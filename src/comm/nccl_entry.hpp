#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

/// What the library of CUDA parts knows of NCCL: found by one name, as NCCL need not be there. Calls throw Error(Kind::resource).
struct NcclEntry {
    /// Loads NCCL. @return  the text of its version
    std::string (*load)();
    /// The same for two ranks if their accelerators are one GPU: its UUID.
    std::string (*gpu_identity)(device::Accelerator& accelerator);
    /// One for all ranks of a group.
    std::vector<char> (*unique_id)();
    /// Joins the group that `unique_id` names; all ranks of `mpi` at once.
    std::unique_ptr<Communicator> (*join)(Communicator& mpi, device::Accelerator& accelerator,
                                          const std::vector<char>& unique_id);
};
inline constexpr const char* nccl_entry_name = "tessera_nccl_entry"; ///< extern "C" const NcclEntry* (*)()

} // namespace tessera
