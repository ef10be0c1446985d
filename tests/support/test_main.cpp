// The main of every test program: any number of ranks, one report. Failures of all ranks are printed with their rank; the
// exit code is the worst over ranks, so that a failure on rank 3 alone fails the test.
#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

#include "tessera/comm/environment.hpp"
#include "tessera/core/log.hpp"
#include "tests/support/test_support.hpp"

namespace {

tessera::MpiEnvironment* environment = nullptr;

/// Prints failed checks of ranks above 0, whose default printer is off.
class RankFailurePrinter : public testing::EmptyTestEventListener {
    void OnTestPartResult(const testing::TestPartResult& result) override {
        if (!result.failed()) { return; }
        std::fprintf(stderr, "rank %d: %s:%d: %s\n", environment->world().rank(),
                     result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(), result.message());
    }
};

} // namespace

namespace tessera::test {
Communicator& world() { return environment->world(); }
} // namespace tessera::test

int main(int argc, char** argv) {
    tessera::MpiEnvironment mpi(argc, argv);
    environment = &mpi;
    tessera::log::set_enabled(mpi.world().is_root());
    testing::InitGoogleTest(&argc, argv);
    if (!mpi.world().is_root()) {
        auto& listeners = testing::UnitTest::GetInstance()->listeners();
        delete listeners.Release(listeners.default_result_printer());
        delete listeners.Release(listeners.default_xml_generator());
        listeners.Append(new RankFailurePrinter);
    }
    const int failed = RUN_ALL_TESTS();
    const auto* unit = testing::UnitTest::GetInstance();
    if (mpi.world().is_root() && unit->successful_test_count() == 0 && unit->skipped_test_count() > 0 && failed == 0) {
        std::puts("ALL TESTS SKIPPED");
    }
    return mpi.world().all_reduce_value(static_cast<std::int32_t>(failed), tessera::Op::max);
}
