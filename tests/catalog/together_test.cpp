// Small galaxies that an accelerator makes in one synthesis: the cubes of each alone, with fewer launches, and no galaxy spoils another's.
#include <cstdlib>

#include "tessera/core/region.hpp"
#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

const std::vector<std::string> instrument{"psf.profile=gaussian", "psf.fwhm=4", "lsf.profile=gaussian", "lsf.sigma=2",
                                          "noise.kind=signal-to-noise"};

/// Two galaxies in three views each: a batch has the views of one.
CatalogConfig with(const test::Box& box, const std::string& folder, std::initializer_list<std::string> more) {
    std::vector<std::string> all = instrument;
    all.insert(all.end(), {"catalog.limit=4", "catalog.views=3"});
    all.insert(all.end(), more);
    all.push_back("catalog.output=" + (box.folder / folder).string());
    return box.config(all);
}

CatalogSummary run(const CatalogConfig& config, const CatalogRequest& request = {}) {
    return run_catalog(config, request, test::world());
}

/// The largest difference between the cubes of two catalogues.
double difference(const CatalogConfig& a, const CatalogConfig& b) {
    double worst = 0;
    for (const CatalogEntry& entry : select_galaxies(a).entries) {
        worst = std::max(worst, test::difference(cube_path(a, entry), cube_path(b, entry)));
    }
    return worst;
}

TEST(Together, ACatalogueIsThatOfOneByOneAndOfTheHost) {
    const test::Box box("together");
    const auto together = with(box, "together", {"parallel.device=emulated"});
    const auto one_by_one = with(box, "alone", {"parallel.device=emulated", "catalog.together=1"});
    const auto host = with(box, "host", {"parallel.device=cpu"});
    for (const auto* config : {&together, &one_by_one, &host}) {
        const CatalogSummary summary = run(*config);
        EXPECT_EQ(summary.n_made, 12);
        EXPECT_EQ(summary.n_failed, 0);
    }
    EXPECT_LE(difference(together, one_by_one), 1e-6);
    // `auto` may take another method on a device: within the tolerance of each.
    EXPECT_LE(difference(together, host), 1e-2);
    if (test::world().is_root()) {
        EXPECT_TRUE(verify_catalog((box.folder / "together").string(), *make_self_communicator()).problems.empty());
    }
    test::world().barrier();
}

TEST(Together, TimeLimitsAreEachGalaxysOwn) {
    const test::Box box("together-time");
    const CatalogSummary failed = run(with(box, "mocks", {"parallel.device=emulated", "catalog.time_limit=1e-7"}));
    EXPECT_EQ(failed.n_failed, 12);
    for (const auto& [cube, message] : failed.failures) {
        EXPECT_NE(message.find("catalog.time_limit"), std::string::npos) << cube;
    }
    const auto patient =
        with(box, "mocks", {"parallel.device=emulated", "catalog.time_limit=600", "catalog.together=2"});
    EXPECT_EQ(run(patient, {.retry_failed = true}).n_done, 12);
    test::world().barrier();
}

/// Galaxies of a box on one rank, by run_cubes itself.
class Alone {
public:
    explicit Alone(const std::string& name) : box_(name), comm_(make_self_communicator()) {
        const auto catalogue = box_.config({"catalog.limit=6"});
        for (const CatalogEntry& entry : select_galaxies(catalogue).entries) { ids_.push_back(entry.id); }
        shared_ = read_shared_inputs(catalogue.cube, *comm_);
        shared_.accelerator = std::make_shared<device::AcceleratorSlot>();
    }

    struct Made {
        std::size_t n = 0, n_begun = 0;
        std::vector<std::string> failures; ///< [galaxy] empty: it is made
        device::WorkCounts work;           ///< of the accelerator that is there afterwards
    };
    std::vector<std::string> settings{"synthesis.method=exact"}; ///< of all galaxies

    /// @param first  galaxy;  most  galaxies given;  odd  one of them that differs, in `more`
    Made run(std::size_t most, std::size_t odd = 99, const std::string& more = {}, std::size_t first = 0) {
        Made out;
        out.failures.resize(most, "not ended");
        const auto config = [&](std::size_t k) {
            const std::size_t i = first + k;
            std::vector<std::string> all = box_.settings();
            std::erase_if(all, [](const std::string& s) { return s.starts_with("catalog."); });
            all.insert(all.end(), {fmt::format("simulation.subhalo={}", ids_[i]), "parallel.device=emulated",
                                   "output.path=" + path(i)});
            all.insert(all.end(), settings.begin(), settings.end());
            if (i == odd) { all.push_back(more); }
            return read_config("", all);
        };
        const auto work = [&] { return shared_.accelerator->open("emulated", 0, 1)->info().work; };
        const device::WorkCounts before = work();
        out.n = run_cubes(most, config, *comm_, shared_,
                          {[&](std::size_t n) {
                               out.n_begun = n;
                               return true;
                           },
                           [&](std::size_t i, const CubeOutcome& outcome) {
                               out.failures[i].clear();
                               EXPECT_GT(outcome.seconds, 0);
                               EXPECT_FALSE(Regions::instance().entries().empty());
                               try {
                                   if (outcome.failure) { std::rethrow_exception(outcome.failure); }
                                   EXPECT_EQ(outcome.summary.files.front(), path(first + i));
                               } catch (const Error& error) { out.failures[i] = error.what(); }
                               return true;
                           }});
        out.work = work().since(before);
        return out;
    }
    ~Alone() { test::world().barrier(); } // the folder goes with rank 0's, and others may still write
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;
    std::string path(std::size_t i) const {
        return (box_.folder / fmt::format("{}_{}.h5", test::world().rank(), i)).string();
    }

private:
    test::Box box_;
    std::unique_ptr<Communicator> comm_;
    std::vector<std::int64_t> ids_;
    SharedInputs shared_;
};

TEST(Together, CubesAreThoseOfEachAlone) {
    Alone box("together-equal");
    for (const std::string method : {"auto", "exact", "binned", "compressed", "rubix"}) {
        SCOPED_TRACE(method);
        box.settings = instrument;
        box.settings.push_back(method == "rubix" ? "synthesis.resampling=rubix" : "synthesis.method=" + method);
        std::vector<std::string> alone;
        for (std::size_t i = 0; i < 5; ++i) {
            EXPECT_EQ(box.run(1, 99, {}, i).failures[0], "");
            alone.push_back(box.path(i) + ".alone");
            std::filesystem::rename(box.path(i), alone.back());
        }
        EXPECT_EQ(box.run(5).n, 5U);
        for (std::size_t i = 0; i < 5; ++i) {
            // Sums in single precision are parted otherwise; methods, steps and bases are the same, and RUBIX's way is in double.
            EXPECT_LE(test::difference(box.path(i), alone[i]), method == "rubix" ? 0 : 1e-6) << i;
            const auto a = io::Hdf5File::open(box.path(i)).group("provenance");
            const auto b = io::Hdf5File::open(alone[i]).group("provenance");
            for (const char* count : {"n_spaxel_exact", "n_spaxel_binned", "n_spaxel_compressed", "rank"}) {
                EXPECT_EQ(a.integers(count), b.integers(count)) << count;
            }
            std::filesystem::remove(box.path(i));
        }
    }
}

TEST(Together, LaunchesAreShared) {
    Alone box("together-launches");
    box.run(1); // what galaxies have in common goes up
    const auto one = box.run(1), six = box.run(6);
    EXPECT_EQ(one.n, 1U);
    EXPECT_EQ(six.n, 6U);
    EXPECT_EQ(six.n_begun, 6U);
    for (const std::string& failure : six.failures) { EXPECT_EQ(failure, ""); }
    EXPECT_LT(six.work.launches, 3 * one.work.launches);
    EXPECT_LT(six.work.waits, 4 * one.work.waits);
    EXPECT_LT(six.work.uploads, 3 * one.work.uploads);
    EXPECT_LT(six.work.reservations, 3 * one.work.reservations);
}

TEST(Together, AGalaxyFailsAlone) {
    Alone box("together-bad");
    const auto expect = [&](const std::string& setting, const std::string& word, std::size_t n) {
        SCOPED_TRACE(setting);
        for (std::size_t i = 0; i < 4; ++i) { std::filesystem::remove(box.path(i)); }
        const auto made = box.run(4, 2, setting);
        EXPECT_EQ(made.n, n);
        for (std::size_t i = 0; i < n; ++i) {
            EXPECT_EQ(made.failures[i].empty(), i != 2) << made.failures[i];
            EXPECT_EQ(std::filesystem::exists(box.path(i)), i != 2);
        }
        if (n > 2) { EXPECT_NE(made.failures[2].find(word), std::string::npos) << made.failures[2]; }
    };
    expect("galaxy.velocity=[0, 0, 1e6]", "line-of-sight velocity", 4); // found where all are looked at
    expect("galaxy.centre=[1e6, 0, 0]", "", 4);                         // no star near: its field alone is dark
    expect("simulation.subhalo=1000000", "", 2); // before anything is read: the next begins with it
    expect("galaxy.redshift=0.2", "", 2);        // another synthesis: likewise
    expect("telescope.field_of_view=9", "", 2);
}

TEST(Together, OnlyAsManyAsFitIntoMemory) {
    const auto n_with = [&](const char* bytes) {
        setenv("TESSERA_EMULATED_MEMORY", bytes, 1);
        Alone box("together-memory");
        // A partial cube of 60 x 60 spaxels and 40 wavelengths: 0.58 MB, beside 64 MiB for row weights and panels.
        box.settings.insert(box.settings.end(), {"telescope.field_of_view=30", "telescope.spaxel_size=0.5"});
        const auto made = box.run(6);
        unsetenv("TESSERA_EMULATED_MEMORY");
        for (std::size_t i = 0; i < made.n; ++i) { EXPECT_EQ(made.failures[i], "") << i; }
        return made.n;
    };
    EXPECT_EQ(n_with("100000000"), 6U);
    const std::size_t few = n_with("69300000");
    EXPECT_GT(few, 1U);
    EXPECT_LT(few, 6U);
}

} // namespace
} // namespace tessera
