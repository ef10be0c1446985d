// A catalogue that is killed twenty times, at random moments: one rank, all ranks, or the launcher. In the end it is the catalogue of
// a run that nobody disturbed: nothing lost, nothing twice, nothing left over.
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>

#include "tests/catalog/box.hpp"
#include "tests/faults/job.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr int n_rank = 3;

/// One start of the program under mpirun.
class Launch {
public:
    explicit Launch(const fs::path& folder) : folder_(folder) {
        for (int rank = 0; rank < n_rank; ++rank) { fs::remove(folder / fmt::format("pid.{}", rank)); }
        fs::create_directories(folder / "mpi");
        std::string command =
            fmt::format("cd '{0}' && OMPI_MCA_btl_vader_backing_directory='{0}/mpi' exec mpirun -n {1} "
                        "{2} catalog survey.yaml --resume -q >out 2>err </dev/null",
                        folder.string(), n_rank, TESSERA_VICTIM);
        std::string shell = "/bin/sh", option = "-c";
        std::array<char*, 4> words{shell.data(), option.data(), command.data(), nullptr};
        spawned_ = posix_spawn(&launcher_, "/bin/sh", nullptr, nullptr, words.data(), environ) == 0;
    }
    ~Launch() { end(); }
    Launch(const Launch&) = delete;
    Launch& operator=(const Launch&) = delete;

    /// Waits until all ranks have begun. False: it has ended before.
    bool begun() {
        return test::within(60, [&] { return std::ssize(ranks()) == n_rank || !running(); }) && running();
    }
    std::vector<pid_t> ranks() const {
        std::vector<pid_t> out;
        for (int rank = 0; rank < n_rank; ++rank) {
            const int pid = std::atoi(test::text_of(folder_ / fmt::format("pid.{}", rank)).c_str());
            if (pid > 0) { out.push_back(pid); }
        }
        return out;
    }
    pid_t launcher() const { return launcher_; }
    bool running() {
        if (spawned_ && !ended_) { ended_ = ::waitpid(launcher_, &status_, WNOHANG) == launcher_; }
        return spawned_ && !ended_;
    }
    /// Kills what is left, and waits until it is gone.
    void end() {
        if (running()) { ::kill(launcher_, SIGKILL); }
        const auto all = ranks();
        for (const pid_t rank : all) { ::kill(rank, SIGKILL); }
        EXPECT_TRUE(test::within(30, [&] {
            return !running() &&
                   std::all_of(all.begin(), all.end(), [](pid_t rank) { return ::kill(rank, 0) != 0 || zombie(rank); });
        }));
    }
    /// The exit code of a run that is left alone.
    int code() {
        EXPECT_TRUE(test::within(120, [&] { return !running(); })) << test::text_of(folder_ / "err");
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
    }

private:
    static bool zombie(pid_t process) {
        const std::string state = test::text_of(fmt::format("/proc/{}/stat", process));
        const std::size_t at = state.rfind(") ");
        return at == std::string::npos || state[at + 2] == 'Z';
    }
    fs::path folder_;
    pid_t launcher_ = -1;
    int status_ = 0;
    bool spawned_ = false, ended_ = false;
};

/// The catalogue's files by their path in the folder.
std::set<std::string> files_of(const fs::path& folder) {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) { out.insert(fs::relative(entry.path(), folder).string()); }
    }
    return out;
}

TEST(ACatalogue, KilledTwentyTimesIsThatOfAnUndisturbedRun) {
    const test::Box box("kills", 0, 60);
    const std::vector<std::string> more{"catalog.views=4", "catalog.select=n_stars > 10", "noise.kind=signal-to-noise"};
    const auto undisturbed = [&] {
        std::vector<std::string> settings = more;
        settings.push_back("catalog.output=" + (box.folder / "undisturbed").string());
        return box.config(settings);
    }();
    CatalogConfig config = box.config(more);
    std::ofstream(box.folder / "survey.yaml") << option_table(config).yaml();
    const auto expected = run_catalog(undisturbed, {}, *make_self_communicator());
    ASSERT_EQ(expected.n_failed, 0);

    std::mt19937 random(20); // the moments and the victims; what they hit is the machine's
    std::map<std::string, int> killed;
    std::set<std::string> done; // cubes of earlier runs, with their times
    int n_kill = 0, n_again = 0, n_in_the_middle = 0;
    for (int n_start = 0; n_kill < 20 && n_start < 60; ++n_start) {
        Launch run(box.folder);
        ASSERT_TRUE(run.begun()) << test::text_of(box.folder / "err");
        // Three of four while cubes are made, the others at any moment of the start.
        if (random() % 4 != 0) {
            test::within(60, [&] { return fs::exists(box.folder / "mocks/manifest.0.journal") || !run.running(); });
        }
        std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution<int>(0, 250'000)(random)));
        if (!run.running()) { continue; } // towards the end there is little left to do
        ++n_kill;
        const auto ranks = run.ranks();
        switch (random() % 3) {
        case 0:
            ::kill(ranks[random() % ranks.size()], SIGKILL);
            // The launcher ends the others: nobody waits for ever. It takes two seconds, so twice is enough.
            if (++killed["a rank"] <= 2) {
                EXPECT_TRUE(test::within(test::patience, [&] { return !run.running(); }));
            }
            break;
        case 1:
            for (const pid_t rank : ranks) { ::kill(rank, SIGKILL); }
            ++killed["all ranks"];
            break;
        default: ::kill(run.launcher(), SIGKILL); ++killed["mpirun"];
        }
        run.end();
        // What one run has recorded as done no later run makes again.
        const auto manifest = read_manifest((box.folder / "mocks").string());
        if (!manifest) { continue; }
        std::set<std::string> now;
        for (std::size_t i = 0; i < manifest->entries.size(); ++i) {
            if (manifest->records[i].state != EntryState::done) { continue; }
            const std::string name = cube_name(manifest->entries[i], manifest->extension);
            const auto time = fs::last_write_time(box.folder / "mocks" / name).time_since_epoch().count();
            now.insert(fmt::format("{} {}", name, time));
        }
        n_in_the_middle += !now.empty() && now.size() < manifest->entries.size() ? 1 : 0;
        for (const std::string& cube : done) { n_again += now.contains(cube) ? 0 : 1; }
        done = std::move(now);
    }
    EXPECT_EQ(n_kill, 20);
    EXPECT_GE(n_in_the_middle, 1) << "no kill came when some cubes were done and some not";
    EXPECT_EQ(n_again, 0) << "cubes that were done were made again";
    EXPECT_EQ(killed.size(), 3U) << "a rank, all ranks, mpirun";
    Launch last(box.folder);
    ASSERT_EQ(last.code(), 0) << test::text_of(box.folder / "err");

    EXPECT_EQ(files_of(box.folder / "mocks"), files_of(box.folder / "undisturbed")) << "lost, twice, or left over";
    for (const char* table : {"catalogue.hdf5", "catalogue.fits"}) {
        const std::string one = test::text_of(box.folder / "mocks" / table);
        EXPECT_TRUE(one == test::text_of(box.folder / "undisturbed" / table) || std::string(table) != "catalogue.hdf5")
            << table << " is another";
    }
    for (const std::string& name : files_of(box.folder / "mocks/cubes")) {
        EXPECT_EQ(test::difference((box.folder / "mocks/cubes" / name).string(),
                                   (box.folder / "undisturbed/cubes" / name).string()),
                  0)
            << name;
    }
    const CatalogVerdict verdict = verify_catalog((box.folder / "mocks").string(), *make_self_communicator());
    EXPECT_TRUE(verdict.problems.empty()) << verdict.problems.front();
    EXPECT_EQ(verdict.n_done, expected.n_done);
}

TEST(ACatalogue, EndsInOrderWhenTheLauncherIsToldTo) {
    const test::Box box("told", 0, 60);
    CatalogConfig config = box.config({"catalog.views=40", "catalog.select=n_stars > 10"});
    std::ofstream(box.folder / "survey.yaml") << option_table(config).yaml();
    const std::string folder = (box.folder / "mocks").string();
    Launch run(box.folder);
    ASSERT_TRUE(run.begun());
    ASSERT_TRUE(test::within(60, [&] {
        const auto manifest = read_manifest(folder);
        return manifest && manifest->count(EntryState::done) > 0;
    }));
    ::kill(run.launcher(), SIGUSR1); // Open MPI passes it on to all ranks
    EXPECT_EQ(run.code(), 0) << test::text_of(box.folder / "err");
    const auto manifest = read_manifest(folder);
    ASSERT_TRUE(manifest.has_value());
    EXPECT_GT(manifest->count(EntryState::waiting), 0) << "all was done before the signal came";
    EXPECT_EQ(manifest->count(EntryState::running), 0);
    EXPECT_EQ(manifest->count(EntryState::failed), 0);
    EXPECT_EQ(std::ssize(files_of(box.folder / "mocks/cubes")), manifest->count(EntryState::done));
    EXPECT_TRUE(fs::exists(box.folder / "mocks/catalogue.fits"));
    EXPECT_FALSE(fs::exists(box.folder / "mocks/manifest.lock"));
}

} // namespace
} // namespace tessera
