#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

/// Names of this process's environment variables.
std::vector<std::string> environment_names();

/// Whether one of the variables is a mark that a launcher of parallel programs leaves on what it starts: mpirun and mpiexec of
/// Open MPI, MPICH, Intel MPI and MVAPICH, PMIx, srun (and the shell of a Slurm job), aprun, pals, jsrun, flux.
bool launched(std::span<const std::string> names);

/// Whether to start MPI. @param asked  value of TESSERA_MPI: on, off, or auto (also nullptr and empty), which means: where a
/// launcher left its mark, and always with an MPI whose launchers are not known
/// @throws Error(Kind::config)  another word
bool wants_mpi(std::span<const std::string> names, const char* asked, bool launchers_known);

} // namespace tessera
