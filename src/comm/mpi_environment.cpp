// Start and end of MPI. A program that nobody launched is one rank and does without: starting MPI alone takes a third of a
// second, as long as a small galaxy.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "comm/launcher.hpp"
#include "comm/mpi_handle.hpp"
#include "tessera/comm/environment.hpp"
#include "tessera/core/termination.hpp"

namespace tessera {

namespace {

/// Implementations whose launchers are known to mark the environment of what they start.
#if defined(OPEN_MPI) || defined(MPICH_VERSION) || defined(I_MPI_VERSION)
constexpr bool launchers_known = true;
#else
constexpr bool launchers_known = false;
#endif

bool initialised() {
    int yes = 0;
    return MPI_Initialized(&yes) == MPI_SUCCESS && yes != 0;
}

} // namespace

/// A number in memory that the ranks of a node share, zero at first: whether one of them has said why the job ends.
class MpiEnvironment::SharedFlag {
public:
    explicit SharedFlag(MPI_Comm node) : node_(node) {
        int rank = 0, unit = 0;
        MPI_Comm_rank(node, &rank);
        MPI_Comm_set_errhandler(node, MPI_ERRORS_RETURN);
        void* memory = nullptr;
        const MPI_Aint own = rank == 0 ? sizeof(std::atomic<int>) : 0;
        if (MPI_Win_allocate_shared(own, 1, MPI_INFO_NULL, node, static_cast<void*>(&memory), &window_) !=
            MPI_SUCCESS) {
            window_ = MPI_WIN_NULL; // each rank then speaks for itself
            return;
        }
        MPI_Aint size = 0;
        MPI_Win_shared_query(window_, 0, &size, &unit, static_cast<void*>(&memory));
        if (rank == 0) { new (memory) std::atomic<int>(0); }
        flag_ = static_cast<std::atomic<int>*>(memory);
        MPI_Barrier(node);
    }
    ~SharedFlag() {
        if (window_ != MPI_WIN_NULL) { MPI_Win_free(&window_); }
        MPI_Comm_free(&node_);
    }
    SharedFlag(const SharedFlag&) = delete;
    SharedFlag& operator=(const SharedFlag&) = delete;
    std::atomic<int>* flag() const { return flag_; }

private:
    MPI_Comm node_;
    MPI_Win window_ = MPI_WIN_NULL;
    std::atomic<int>* flag_ = nullptr;
};

MpiEnvironment::MpiEnvironment(int& argc, char**& argv) {
    if (!wants_mpi(environment_names(), std::getenv("TESSERA_MPI"), launchers_known)) {
        world_ = make_self_communicator();
        return;
    }
    int provided = 0;
    // Funnelled: OpenMP threads compute, only the main thread communicates.
    check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    MPI_Comm world = MPI_COMM_NULL;
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &world), "MPI_Comm_dup");
    world_ = take_over(world);
    MPI_Comm node = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
    shared_ = std::make_unique<SharedFlag>(node);
    set_termination_group(world_->rank(), world_->size(), shared_->flag());
}

bool MpiEnvironment::all_ranks_arrive(double seconds) {
    if (world_->native() == nullptr) { return true; }
    MPI_Request request = MPI_REQUEST_NULL;
    const MPI_Comm comm = *static_cast<const MPI_Comm*>(world_->native());
    if (MPI_Ibarrier(comm, &request) != MPI_SUCCESS) { return false; }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    int done = 0;
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done == 0) {
        if (std::chrono::steady_clock::now() > deadline) { return false; }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return done != 0;
}

MpiEnvironment::~MpiEnvironment() {
    if (world_->native() == nullptr) { return; }
    if (std::uncaught_exceptions() > 0) { MPI_Abort(MPI_COMM_WORLD, 1); }
    set_termination_group(world_->rank(), world_->size(), nullptr);
    shared_.reset();
    world_.reset();
    MPI_Finalize();
}

std::string MpiEnvironment::library_version() {
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    int length = 0;
    MPI_Get_library_version(text.data(), &length);
    std::string library(text.data(), static_cast<std::size_t>(length));
    library = library.substr(0, library.find_first_of(",\n"));
    int major = 0;
    int minor = 0;
    MPI_Get_version(&major, &minor);
    return fmt::format("{}, MPI {}.{}", library, major, minor);
}

void MpiEnvironment::abort(int code) {
    std::fflush(nullptr);
    if (initialised()) { MPI_Abort(MPI_COMM_WORLD, code); }
    std::_Exit(code);
}

} // namespace tessera
