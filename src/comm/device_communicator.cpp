// NCCL where all ranks can have it. What stands in the way of one is known to all before any of them waits for the others in NCCL.
#include "tessera/comm/device_communicator.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "comm/nccl_entry.hpp"
#include "device/cuda_library.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"

namespace tessera {

namespace {

const NcclEntry& nccl_entry() {
    using Entry = const NcclEntry* (*)();
    return *reinterpret_cast<Entry>(device::cuda_symbol(nccl_entry_name))();
}

/// @throws Error(Kind::resource)  two ranks share a GPU, which NCCL refuses
void require_gpus_of_their_own(const std::string& identity, Communicator& mpi) {
    const auto lengths = mpi.all_gather_value(static_cast<std::int64_t>(identity.size()));
    const auto text = mpi.all_gather(std::span<const char>(identity));
    std::vector<std::string> all;
    auto at = text.begin();
    for (const std::int64_t length : lengths) {
        const std::string one(at, at + length);
        at += length;
        if (const auto same = std::find(all.begin(), all.end(), one); same != all.end()) {
            throw Error({.kind = Kind::resource,
                         .where = "NCCL",
                         .found = fmt::format("ranks {} and {} on one GPU", same - all.begin(), all.size()),
                         .expected = "a GPU for each rank"});
        }
        all.push_back(one);
    }
}

} // namespace

std::unique_ptr<Communicator> device_communicator(Communicator& mpi, device::Accelerator& accelerator) {
    if (mpi.size() == 1) { return nullptr; }
    const auto all_on_gpus =
        mpi.all_reduce_value(static_cast<std::int32_t>(accelerator.info().kind == "cuda"), Op::min);
    if (all_on_gpus == 0) { return nullptr; }
    std::unique_ptr<Communicator> out;
    try {
        std::string version, identity;
        std::vector<char> id;
        agree(mpi, [&] {
            version = nccl_entry().load();
            identity = nccl_entry().gpu_identity(accelerator);
        });
        require_gpus_of_their_own(identity, mpi);
        agree(mpi, [&] {
            if (mpi.is_root()) { id = nccl_entry().unique_id(); }
        });
        mpi.broadcast(id, 0);
        agree(mpi, [&] { out = nccl_entry().join(mpi, accelerator, id); });
        log::detail(fmt::format("GPU memory goes from rank to rank by NCCL {}", version));
    } catch (const Error& error) { // the same on every rank
        out.reset();
        log::detail(fmt::format("GPU memory goes from rank to rank by MPI, not by NCCL ({})", error.what()));
    }
    return out;
}

} // namespace tessera
