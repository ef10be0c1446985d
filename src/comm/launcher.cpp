#include "comm/launcher.hpp"

#include <algorithm>
#include <array>

#include <unistd.h>

#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// How the names of such variables begin. A list too long costs a third of a second, one too short a wrong cube.
constexpr std::array<std::string_view, 15> marks{
    "OMPI_COMM_WORLD_", // Open MPI
    "PMIX_RANK",        // Open MPI, PRRTE, srun --mpi=pmix
    "PMIX_NAMESPACE",   //
    "PMIX_SERVER_",     //
    "PMI_",             // MPICH, Intel MPI, Cray, srun --mpi=pmi2
    "PMI2_",            //
    "HYDI_",            // Hydra: mpiexec of MPICH, Intel MPI, MVAPICH
    "MPI_LOCALRANKID",  // likewise
    "MV2_COMM_WORLD_",  // MVAPICH
    "SLURM_PROCID",     // srun, whichever MPI; also the script of a batch job
    "SLURM_STEP",       //
    "ALPS_APP_",        // Cray aprun
    "PALS_",            // Cray mpiexec
    "JSM_NAMESPACE_",   // IBM jsrun
    "FLUX_TASK_",       // Flux
};

} // namespace

std::vector<std::string> environment_names() {
    std::vector<std::string> names;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        names.emplace_back(text.substr(0, text.find('=')));
    }
    return names;
}

bool launched(std::span<const std::string> names) {
    return std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) { return name.starts_with(mark); });
    });
}

bool wants_mpi(std::span<const std::string> names, const char* asked, bool launchers_known) {
    const std::string_view word = asked == nullptr ? "" : asked;
    if (word == "on") { return true; }
    if (word == "off") { return false; }
    if (word.empty() || word == "auto") { return !launchers_known || launched(names); }
    throw Error({.kind = Kind::config,
                 .where = "the environment variable TESSERA_MPI",
                 .found = "'" + std::string(word) + "'",
                 .expected = "auto, on or off",
                 .cure = "unset it: auto starts MPI under mpirun, srun and their like"});
}

} // namespace tessera
