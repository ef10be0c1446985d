#pragma once

#include <memory>
#include <string>

#include "tessera/comm/communicator.hpp"

namespace tessera {

/// MPI from start to end of the program: construct once in main. A program started without mpirun, srun or their like is one
/// rank, and MPI is not started at all. The environment variable TESSERA_MPI (auto, on, off) decides otherwise.
class MpiEnvironment {
public:
    /// @throws Error(Kind::config)  TESSERA_MPI is another word
    MpiEnvironment(int& argc, char**& argv);
    ~MpiEnvironment(); ///< finalises; aborts all ranks instead when leaving by an unexpected exception
    MpiEnvironment(const MpiEnvironment&) = delete;
    MpiEnvironment& operator=(const MpiEnvironment&) = delete;

    /// All ranks, on a duplicate of MPI_COMM_WORLD; one that is alone where MPI was not started.
    Communicator& world() { return *world_; }
    /// "Open MPI v4.1.4, MPI 3.1"
    static std::string library_version();
    /// Waits until every rank has called it, at most so long; true if all did. For the way out after an error: ranks that failed
    /// together leave together, and one that failed alone knows that the others wait elsewhere (then call abort).
    bool all_ranks_arrive(double seconds);
    /// Ends every rank at once with `code`; for failures where the ranks no longer agree on what comes next.
    [[noreturn]] static void abort(int code);

private:
    class SharedFlag;
    std::unique_ptr<Communicator> world_;
    std::unique_ptr<SharedFlag> shared_; ///< of set_termination_group
};

} // namespace tessera
