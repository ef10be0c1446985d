#if __has_include(<nccl.h>)
#include "comm/nccl_library.hpp"

#include <cstdlib>

#include <dlfcn.h>

#include "tessera/core/error.hpp"

namespace tessera {

namespace {

std::string loader_text() {
    const char* text = dlerror();
    return text == nullptr ? "no reason given by the loader" : text;
}

[[noreturn]] void not_usable(const std::string& found) {
    throw Error({.kind = Kind::resource,
                 .where = "NCCL",
                 .found = found,
                 .expected = "libnccl.so.2, version 2.14 or later, where the loader looks (LD_LIBRARY_PATH)"});
}

template <class Function>
void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (function == nullptr) { not_usable("a library without " + std::string(name)); }
}

NcclLibrary load() {
    const char* set = std::getenv("TESSERA_NCCL_LIBRARY");
    const std::string name = set != nullptr && *set != '\0' ? set : "libnccl.so.2";
    if (name == "none") { not_usable("TESSERA_NCCL_LIBRARY=none, which hides it"); }
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL); // stays: its threads may run until the end
    if (library == nullptr) { not_usable(loader_text()); }
    NcclLibrary out{};
    find(library, "ncclGetVersion", out.get_version);
    find(library, "ncclGetErrorString", out.get_error_string);
    find(library, "ncclGetLastError", out.get_last_error);
    find(library, "ncclGetUniqueId", out.get_unique_id);
    find(library, "ncclCommInitRankConfig", out.comm_init_rank_config);
    find(library, "ncclCommGetAsyncError", out.comm_get_async_error);
    find(library, "ncclCommDestroy", out.comm_destroy);
    find(library, "ncclCommAbort", out.comm_abort);
    find(library, "ncclGroupStart", out.group_start);
    find(library, "ncclGroupEnd", out.group_end);
    find(library, "ncclAllReduce", out.all_reduce);
    find(library, "ncclReduce", out.reduce);
    find(library, "ncclReduceScatter", out.reduce_scatter);
    find(library, "ncclBroadcast", out.broadcast);
    find(library, "ncclAllGather", out.all_gather);
    find(library, "ncclSend", out.send);
    find(library, "ncclRecv", out.recv);
    return out;
}

} // namespace

const NcclLibrary& nccl_library() {
    static const NcclLibrary library = load();
    return library;
}

std::string nccl_text(ncclResult_t code) {
    const std::string text = nccl_library().get_error_string(code);
    const char* detail = nccl_library().get_last_error(nullptr);
    return detail == nullptr || *detail == '\0' ? text : text + " (" + detail + ")";
}

void check_nccl(ncclResult_t code, const char* call) {
    if (code == ncclSuccess || code == ncclInProgress) { return; }
    throw Error({.kind = Kind::resource,
                 .where = call,
                 .found = nccl_text(code),
                 .cure = "NCCL_DEBUG=INFO in the environment makes NCCL say more; TESSERA_NCCL_LIBRARY=none goes on "
                         "without it"});
}

} // namespace tessera
#endif
