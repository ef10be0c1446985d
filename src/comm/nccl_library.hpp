// NCCL's functions, found when they are wanted: this library must load where there is no NCCL.
#pragma once

#include <string>

#include <nccl.h>

namespace tessera {

struct NcclLibrary {
    decltype(&ncclGetVersion) get_version;
    decltype(&ncclGetErrorString) get_error_string;
    decltype(&ncclGetLastError) get_last_error;
    decltype(&ncclGetUniqueId) get_unique_id;
    decltype(&ncclCommInitRankConfig) comm_init_rank_config;
    decltype(&ncclCommGetAsyncError) comm_get_async_error;
    decltype(&ncclCommDestroy) comm_destroy;
    decltype(&ncclCommAbort) comm_abort;
    decltype(&ncclGroupStart) group_start;
    decltype(&ncclGroupEnd) group_end;
    decltype(&ncclAllReduce) all_reduce;
    decltype(&ncclReduce) reduce;
    decltype(&ncclReduceScatter) reduce_scatter;
    decltype(&ncclBroadcast) broadcast;
    decltype(&ncclAllGather) all_gather;
    decltype(&ncclSend) send;
    decltype(&ncclRecv) recv;
};

/// Loaded by the first call: libnccl.so.2 where the loader finds it; TESSERA_NCCL_LIBRARY names another file, or "none".
/// @throws Error(Kind::resource)  not there, or older than 2.14 (the loader's text)
const NcclLibrary& nccl_library();

/// Every NCCL call goes through here. ncclInProgress is none: calls return before they are done.
/// @throws Error(Kind::resource)  the call and NCCL's text
void check_nccl(ncclResult_t code, const char* call);

/// For the way out after an error that is reported already.
inline void forget_nccl(ncclResult_t /*code*/) noexcept {}

/// What went wrong, in NCCL's words.
std::string nccl_text(ncclResult_t code);

} // namespace tessera
