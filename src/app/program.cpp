// Commands, exit codes, and the way out after an error. Each command is a file of its own.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include <malloc.h>

#include <fmt/format.h>

#include "app/command.hpp"
#include "tessera/comm/environment.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/options.hpp"
#include "tessera/core/termination.hpp"

namespace tessera::app {
namespace {

std::string general_help() {
    std::string text = "tessera: mock integral-field data cubes from cosmological simulations\n\nUsage: [mpirun -n "
                       "RANKS] tessera COMMAND …\n\n";
    for (const Command& command : commands()) { text += fmt::format("  {:<10} {}\n", command.name, command.summary); }
    text += "\n  --version   versions of tessera, its libraries, MPI and GPUs\n  --help      this; `tessera COMMAND "
            "--help` for one command\n"
            "\nExample:\n  mpirun -n 4 tessera cube galaxy.yaml -o cube.h5\n"
            "\nExit codes: 0 done, 2 command line or config wrong, 3 input data wrong, 4 resources (memory, device, "
            "disk),\n"
            "            5 some catalogue entries failed, 1 anything else\n";
    return text;
}

int dispatch(const std::vector<std::string>& words, Communicator& comm) {
    if (words.empty()) {
        print(comm, general_help());
        return static_cast<int>(Kind::config);
    }
    const std::string& name = words.front();
    if (name == "--help" || name == "-h" || name == "help") {
        print(comm, general_help());
        return 0;
    }
    if (name == "--version") {
        print(comm, version_text());
        return 0;
    }
    std::vector<std::string> names;
    for (const Command& command : commands()) {
        if (command.name == name) { return command.run({words.begin() + 1, words.end()}, comm); }
        names.push_back(command.name);
    }
    throw Error(
        {.kind = Kind::config,
         .where = "tessera",
         .found = fmt::format("the unknown command '{}'", name),
         .cure = fmt::format("Did you mean '{}'? `tessera --help` lists the commands", nearest_name(name, names))});
}

/// Runs the command; any exception becomes a message and a code. `failed` says that the ranks must find out about each other.
int guarded(const std::vector<std::string>& words, Communicator& comm, bool& failed, std::string& message) {
    failed = true;
    try {
        const int code = dispatch(words, comm);
        failed = false;
        return code;
    } catch (const Error& error) {
        message = error.what();
        return error.exit_code();
    } catch (const std::bad_alloc&) {
        message = "memory: an allocation failed. Use more ranks on more nodes, or a smaller field";
        return static_cast<int>(Kind::resource);
    } catch (const std::exception& error) {
        message = error.what();
        return static_cast<int>(Kind::internal);
    }
}

/// The program between start and end of MPI. @return  the exit code
int run(MpiEnvironment& mpi, const std::vector<std::string>& words) {
    log::set_enabled(mpi.world().is_root());
    bool failed = false;
    std::string message;
    const int code = guarded(words, mpi.world(), failed, message);
    if (!failed) { return code; }
    // Errors that all ranks have agreed on arrive here together. A rank alone must not leave the others waiting.
    constexpr double patience = 5; // seconds
    if (mpi.all_ranks_arrive(patience)) {
        log::error(message);
        first_to_speak(); // the first rank to leave makes the launcher end the others by a signal
        return code;
    }
    if (first_to_speak()) {
        log::set_enabled(true);
        log::error(fmt::format("rank {}: {}", mpi.world().rank(), message));
    }
    MpiEnvironment::abort(code);
}

} // namespace

int run_program(int argc, char** argv) {
    // Large arrays go back to the system as soon as they are freed: by itself malloc comes to keep those up to 32 MiB, and the
    // next stage needs others.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    // Beyond a limit on the size of files (ulimit -f) a write then fails, as on a full disk, instead of killing this rank.
    std::signal(SIGXFSZ, SIG_IGN);
    handle_termination();
    std::optional<MpiEnvironment> mpi;
    try {
        mpi.emplace(argc, argv);
    } catch (const Error& error) {
        log::error(error.what());
        return error.exit_code();
    }
    return run(*mpi, {argv + 1, argv + argc});
}

} // namespace tessera::app
