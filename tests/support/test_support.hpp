#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"

/// What tests share: the ranks, scratch folders, reference data, running the program.
namespace tessera::test {

Communicator& world();

/// A folder of this test alone, the same path on every rank, emptied when first asked for; collective. Removed at exit.
std::filesystem::path scratch(const std::string& name);

/// Root of the source tree.
std::filesystem::path source_dir();

/// A file or folder under shared/ (beside the checkout, or $TESSERA_SHARED_DIR); nullopt where it is absent: then skip,
///   const auto file = test::shared("reference/rubix/tng_muse.h5");
///   if (!file) { GTEST_SKIP() << test::absent("reference/rubix/tng_muse.h5"); }
std::optional<std::filesystem::path> shared(const std::string& relative);
std::string absent(const std::string& relative);

/// The built `tessera`.
std::filesystem::path program();

struct ProgramResult {
    int exit_code = -1;
    std::string out; ///< standard output
    std::string err; ///< standard error
};
/// Runs the built `tessera` with these arguments; n_rank > 0 under mpirun. Call from one-process tests only.
ProgramResult run_tessera(const std::vector<std::string>& arguments, int n_rank = 0,
                          const std::filesystem::path& folder = {});

/// The error that `call` throws, or nullopt.
template <class Call>
std::optional<Error> error_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) { return error; }
    return std::nullopt;
}

} // namespace tessera::test
