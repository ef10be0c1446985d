// Runs that come to an end before their catalogue does: a signal, the time of a run, the time of a galaxy.
#include <csignal>

#include "catalog/curfew.hpp"
#include "tessera/core/termination.hpp"
#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

CatalogSummary run(const CatalogConfig& config, const CatalogRequest& request = {}) {
    return run_catalog(config, request, test::world());
}

void expect_complete(const test::Box& box, const CatalogSummary& summary) {
    EXPECT_EQ(summary.n_done, summary.n_entry);
    EXPECT_EQ(summary.n_open, 0);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
}

TEST(ARunThatIsAskedToStop, BeginsNoMoreOnAnyRankAndGoesOnLater) {
    for (const int number : {SIGUSR1, SIGTERM}) {
        const test::Box box(fmt::format("stop-{}", number));
        const auto config = box.config();
        {
            const StopRequests requests;
            if (test::world().rank() == test::world().size() - 1) { std::raise(number); } // one is enough
            const CatalogSummary stopped = run(config);
            EXPECT_EQ(stopped.n_failed, 0);
            EXPECT_EQ(stopped.n_open + stopped.n_done, stopped.n_entry);
            // The others may have begun one each, or two, before that rank came to the counter.
            EXPECT_LE(stopped.n_done, 2 * (test::world().size() - 1));
            EXPECT_GT(stopped.n_open, 0);
        }
        EXPECT_FALSE(StopRequests::asked());
        expect_complete(box, run(config, {.resume = true}));
    }
}

TEST(ARunWhoseTimeIsOver, BeginsNoMore) {
    const test::Box box("time");
    const auto config = box.config();
    const CatalogSummary stopped = run(config, {.time_limit = 1e-4});
    EXPECT_EQ(stopped.n_done, 0);
    EXPECT_EQ(stopped.n_open, stopped.n_entry);
    EXPECT_TRUE(fs::exists(box.folder / "mocks/catalogue.hdf5"));
    expect_complete(box, run(config, {.resume = true, .time_limit = 600.0}));
}

TEST(Curfew, ExpectsTheNextGalaxyToTakeAsLongAsTheLastFew) {
    const auto start = catalog::Curfew::Clock::now();
    catalog::Curfew none({}, start), hour(3600, start), over(3600, start - std::chrono::hours(2));
    EXPECT_FALSE(none.has_come());
    EXPECT_FALSE(hour.has_come());
    EXPECT_TRUE(over.has_come());
    hour.learn(3500);
    none.learn(1e9);
    EXPECT_TRUE(hour.has_come()) << "3500 s and a fifth do not fit into an hour";
    EXPECT_FALSE(none.has_come());
    for (int i = 0; i < 16; ++i) { hour.learn(10); }
    EXPECT_FALSE(hour.has_come()) << "galaxies have become smaller";
    // 3600 s less 10 for the tables, 12 s each; what has passed is less than one.
    EXPECT_NEAR(static_cast<double>(hour.most()), 299, 1);
    EXPECT_EQ(over.most(), 0);
    EXPECT_GT(none.most(), 1000);
}

TEST(AGalaxyThatTakesTooLong, FailsAndTheOthersGoOn) {
    const test::Box box("slow-galaxy");
    for (const char* ranks : {"catalog.ranks=1", "catalog.ranks=2"}) {
        const auto config =
            box.config({ranks, "catalog.time_limit=1e-7", "catalog.output=" + (box.folder / "mocks").string()});
        const CatalogSummary failed = run(config);
        EXPECT_EQ(failed.n_failed, failed.n_entry);
        ASSERT_FALSE(failed.failures.empty());
        EXPECT_NE(failed.failures[0].second.find("at most 1e-07 s in all"), std::string::npos)
            << failed.failures[0].second;
        EXPECT_NE(failed.failures[0].second.find("catalog.time_limit"), std::string::npos);
        EXPECT_TRUE(fs::is_empty(box.folder / "mocks/cubes"));
        test::world().barrier();
        // A limit of another run is no other catalogue.
        expect_complete(box, run(box.config({ranks, "catalog.time_limit=600"}), {.retry_failed = true}));
        test::world().barrier();
        test::on_root([&] { fs::remove_all(box.folder / "mocks"); });
        test::world().barrier();
    }
}

} // namespace
} // namespace tessera
