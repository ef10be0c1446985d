// When MPI is started: the marks of launchers, and TESSERA_MPI.
#include "comm/launcher.hpp"

#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using Names = std::vector<std::string>;

TEST(Launcher, AShellOfItsOwnIsNone) {
    // Settings of an MPI, a job without a step, and what only looks alike are no launchers.
    const Names shell{"PATH", "HOME", "OMPI_MCA_btl", "I_MPI_ROOT", "SLURM_JOB_ID", "OMP_NUM_THREADS", "MYPMI_RANK"};
    EXPECT_FALSE(launched(shell));
    EXPECT_FALSE(launched(Names{}));
}

TEST(Launcher, EachLeavesItsMark) {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMIX_SERVER_URI41", "PMI_RANK", "PMI2_RANK",
                             "MV2_COMM_WORLD_RANK", "SLURM_PROCID", "SLURM_STEP_ID", "PALS_RANKID", "ALPS_APP_PE",
                             "JSM_NAMESPACE_RANK", "FLUX_TASK_RANK", "MPI_LOCALRANKID", "HYDI_CONTROL_FD"}) {
        EXPECT_TRUE(launched(Names{"PATH", name})) << name;
    }
}

TEST(Launcher, TheVariableDecidesOtherwise) {
    const Names alone{"PATH"}, under{"PMI_RANK"};
    for (const char* word : {static_cast<const char*>(nullptr), "", "auto"}) {
        EXPECT_FALSE(wants_mpi(alone, word, true));
        EXPECT_TRUE(wants_mpi(under, word, true));
        EXPECT_TRUE(wants_mpi(alone, word, false)) << "an MPI whose launchers nobody knows";
    }
    EXPECT_TRUE(wants_mpi(alone, "on", true));
    EXPECT_FALSE(wants_mpi(under, "off", true));
    const auto error = test::error_of([&] { wants_mpi(alone, "yes", true); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("TESSERA_MPI"), std::string::npos);
    EXPECT_NE(std::string(error->what()).find("'yes'"), std::string::npos);
}

TEST(Launcher, NamesOfTheEnvironmentComeWithoutTheirValues) {
    const Names names = environment_names();
    EXPECT_NE(std::find(names.begin(), names.end(), "PATH"), names.end());
}

} // namespace
} // namespace tessera
