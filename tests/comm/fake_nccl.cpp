// NCCL's interface over MPI and host memory, for the test of who sends what to whom and of what happens when NCCL fails. As NCCL's
// non-blocking communicators do, a call returns before it is done.
#include <functional>
#include <vector>

#include <mpi.h>
#include <nccl.h>

extern "C" {
int fake_nccl_mode = 0; ///< what goes wrong: see the test
int fake_nccl_aborted = 0;
}

struct ncclComm {
    MPI_Comm mpi;
    int in_progress; ///< how often it still says so
};

namespace {

constexpr int fails_later = 1, never_done = 2, refuses = 3, does_not_start = 4;

std::vector<std::function<void()>> group;
std::vector<MPI_Request> messages;
ncclComm_t latest = nullptr;
int n_open = 0;

MPI_Datatype type_of(ncclDataType_t type) {
    switch (type) {
    case ncclUint8: return MPI_BYTE;
    case ncclInt32: return MPI_INT32_T;
    case ncclInt64: return MPI_INT64_T;
    case ncclFloat32: return MPI_FLOAT;
    case ncclFloat64: return MPI_DOUBLE;
    default: return MPI_DATATYPE_NULL;
    }
}

MPI_Op op_of(ncclRedOp_t op) { return op == ncclSum ? MPI_SUM : op == ncclMin ? MPI_MIN : MPI_MAX; }

ncclResult_t later(ncclComm_t comm, std::function<void()> work) {
    if (fake_nccl_mode == refuses || n_open != 1) { return ncclInvalidUsage; }
    latest = comm;
    group.push_back(std::move(work));
    return ncclSuccess;
}

} // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
    *version = 22809;
    return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t code) { return code == ncclRemoteError ? "remote error" : "another error"; }
const char* ncclGetLastError(ncclComm_t /*comm*/) { return "the fake's own words"; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    static int n = 0;
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    id->internal[0] = static_cast<char>(rank);
    id->internal[1] = static_cast<char>(++n);
    return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int n_rank, ncclUniqueId id, int rank, ncclConfig_t* config) {
    if (fake_nccl_mode == does_not_start || config->blocking != 0) { return ncclSystemError; }
    *comm = new ncclComm{MPI_COMM_NULL, 3};
    // All groups of a split are made at once, so all ranks of the world are here.
    MPI_Comm_split(MPI_COMM_WORLD, 100 * id.internal[1] + id.internal[0], rank, &(*comm)->mpi);
    int size = 0;
    MPI_Comm_size((*comm)->mpi, &size);
    return size == n_rank ? ncclInProgress : ncclInvalidArgument;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
    *state = fake_nccl_mode == fails_later                             ? ncclRemoteError
             : fake_nccl_mode == never_done || comm->in_progress-- > 0 ? ncclInProgress
                                                                       : ncclSuccess;
    return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    MPI_Comm_free(&comm->mpi);
    delete comm;
    return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
    ++fake_nccl_aborted;
    return ncclCommDestroy(comm);
}

ncclResult_t ncclGroupStart() {
    ++n_open;
    return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
    if (--n_open != 0) { return ncclInternalError; }
    for (const auto& work : group) { work(); }
    if (!group.empty()) { latest->in_progress = 2; }
    group.clear();
    MPI_Waitall(static_cast<int>(messages.size()), messages.data(), MPI_STATUSES_IGNORE);
    messages.clear();
    return ncclInProgress;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t n, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t /*stream*/) {
    return later(comm, [=] {
        MPI_Allreduce(send == receive ? MPI_IN_PLACE : send, receive, static_cast<int>(n), type_of(type), op_of(op),
                      comm->mpi);
    });
}
ncclResult_t ncclReduce(const void* send, void* receive, size_t n, ncclDataType_t type, ncclRedOp_t op, int root,
                        ncclComm_t comm, cudaStream_t /*stream*/) {
    return later(comm,
                 [=] { MPI_Reduce(send, receive, static_cast<int>(n), type_of(type), op_of(op), root, comm->mpi); });
}
ncclResult_t ncclReduceScatter(const void* send, void* receive, size_t n, ncclDataType_t type, ncclRedOp_t op,
                               ncclComm_t comm, cudaStream_t /*stream*/) {
    return later(comm, [=] {
        MPI_Reduce_scatter_block(send, receive, static_cast<int>(n), type_of(type), op_of(op), comm->mpi);
    });
}
ncclResult_t ncclBroadcast(const void* send, void* receive, size_t n, ncclDataType_t type, int root, ncclComm_t comm,
                           cudaStream_t /*stream*/) {
    return later(comm, [=] {
        int rank = 0;
        MPI_Comm_rank(comm->mpi, &rank);
        if (rank == root && send != receive) {
            MPI_Sendrecv(send, static_cast<int>(n), type_of(type), 0, 0, receive, static_cast<int>(n), type_of(type), 0,
                         0, MPI_COMM_SELF, MPI_STATUS_IGNORE);
        }
        MPI_Bcast(receive, static_cast<int>(n), type_of(type), root, comm->mpi);
    });
}
ncclResult_t ncclAllGather(const void* send, void* receive, size_t n, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t /*stream*/) {
    return later(comm, [=] {
        MPI_Allgather(send, static_cast<int>(n), type_of(type), receive, static_cast<int>(n), type_of(type), comm->mpi);
    });
}
ncclResult_t ncclSend(const void* send, size_t n, ncclDataType_t type, int to, ncclComm_t comm,
                      cudaStream_t /*stream*/) {
    return later(
        comm, [=] { MPI_Isend(send, static_cast<int>(n), type_of(type), to, 0, comm->mpi, &messages.emplace_back()); });
}
ncclResult_t ncclRecv(void* receive, size_t n, ncclDataType_t type, int from, ncclComm_t comm,
                      cudaStream_t /*stream*/) {
    return later(comm, [=] {
        MPI_Irecv(receive, static_cast<int>(n), type_of(type), from, 0, comm->mpi, &messages.emplace_back());
    });
}

} // extern "C"
