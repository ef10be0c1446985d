#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "tests/app/place.hpp"

/// Runs of the program under mpirun, on three ranks, in which something goes wrong (victim.cpp).
namespace tessera::test {

/// Seconds in which all ranks must have ended.
constexpr double patience = 10;

inline std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

template <class Condition>
bool within(double seconds, Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) { return false; }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// One run in a folder of its own, where an older cube.h5 (or another file of the output's name) lies already.
class Job {
public:
    static inline const std::string old_cube = "the cube of another day";

    /// @param fault  as in victim.cpp
    Job(const std::string& name, const std::string& fault, const std::vector<std::string>& settings = {},
        const std::string& output = "cube.h5", int n_rank = 3)
        : place_("fault-" + name), output_(output) {
        place_.write(output, old_cube);
        std::filesystem::create_directory(folder() /
                                          "mpi"); // Open MPI leaves its shared memory behind when ranks are killed
        before_ = names();
        std::string command =
            fmt::format("cd '{0}' && TESSERA_FAULT='{1}' OMPI_MCA_btl_vader_backing_directory='{0}/mpi' exec mpirun -n "
                        "{2} {3} cube galaxy.yaml -q -o {4} "
                        "--set noise.kind=signal-to-noise",
                        folder().string(), fault, n_rank, TESSERA_VICTIM, output);
        for (const std::string& setting : settings) { command += " --set '" + setting + "'"; }
        command += " >out 2>err </dev/null";
        std::vector<std::string> words{"/bin/sh", "-c", command};
        std::vector<char*> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        spawned_ = posix_spawn(&pid_, "/bin/sh", nullptr, &attributes, arguments.data(), environ) == 0;
        posix_spawnattr_destroy(&attributes);
    }
    ~Job() {
        if (running()) { ::kill(-pid_, SIGKILL); }
        for (const pid_t rank : ranks()) { ::kill(rank, SIGKILL); }
    }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    std::filesystem::path folder() const { return place_.folder; }
    const Place& place() const { return place_; }

    /// Waits until the fault happens. False: the run ended, or stands still, without it.
    bool reached() {
        return within(60, [&] { return std::filesystem::exists(folder() / "reached") || !running(); }) &&
               std::filesystem::exists(folder() / "reached");
    }
    void signal(int number) const { ::kill(pid_, number); } ///< to mpirun
    std::vector<pid_t> ranks() const {
        std::vector<pid_t> out;
        for (const auto& entry : std::filesystem::directory_iterator(folder())) {
            if (entry.path().filename().string().starts_with("pid.")) {
                out.push_back(std::atoi(text_of(entry.path()).c_str()));
            }
        }
        return out;
    }
    /// mpirun's exit code once it and all ranks are gone; nullopt: they are not, in time.
    std::optional<int> end() {
        const auto gone = [](pid_t rank) {
            const std::string state = text_of(fmt::format("/proc/{}/stat", rank));
            const std::size_t at = state.rfind(") ");
            return at == std::string::npos || state[at + 2] == 'Z';
        };
        const bool ended = within(patience, [&] {
            if (running()) { return false; }
            for (const pid_t rank : ranks()) {
                if (!gone(rank)) { return false; }
            }
            return true;
        });
        return ended ? std::optional(WIFEXITED(status_) ? WEXITSTATUS(status_) : -1) : std::nullopt;
    }
    std::string errors() const { return text_of(folder() / "err"); }

    /// The old output is as it was, and no other file of this run is there.
    void expect_nothing_left() const {
        EXPECT_TRUE(text_of(folder() / output_) == old_cube) << output_ << " is another";
        std::set<std::string> more;
        for (const std::string& name : names()) {
            const bool ours = name == "out" || name == "err" || name == "reached" || name.starts_with("pid.") ||
                              name.starts_with("said.");
            if (!ours && before_.count(name) == 0) { more.insert(name); }
        }
        EXPECT_EQ(more, std::set<std::string>{});
    }
    /// One message of ours, with these words.
    void expect_one_message(const std::vector<std::string>& words) const {
        const std::string text = errors();
        EXPECT_EQ(count(text, "tessera: error: "), 1U) << text;
        for (const std::string& word : words) { EXPECT_TRUE(contains(text, word)) << "'" << word << "' in " << text; }
    }

    /// What ranks said on a signal, whether or not the launcher passed it on.
    std::string said() const {
        std::string text;
        for (const std::string& name : names()) {
            if (name.starts_with("said.")) { text += text_of(folder() / name); }
        }
        return text;
    }
    void expect_one_said(const std::vector<std::string>& words) const {
        const std::string text = said();
        EXPECT_EQ(count(text, "tessera: error: "), 1U) << text;
        for (const std::string& word : words) { EXPECT_TRUE(contains(text, word)) << "'" << word << "' in " << text; }
        EXPECT_LE(count(errors(), "tessera: error: "), 1U) << errors();
    }

private:
    bool running() {
        if (!spawned_ || ended_) { return false; }
        ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
        return !ended_;
    }
    std::set<std::string> names() const {
        std::set<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(folder())) {
            out.insert(entry.path().filename().string());
        }
        return out;
    }

    Place place_;
    std::string output_;
    std::set<std::string> before_;
    pid_t pid_ = -1;
    int status_ = 0;
    bool spawned_ = false, ended_ = false;
};

/// A run and what is expected of it.
struct Case {
    std::string name, fault;
    std::function<void(Job& job)> check;
    std::vector<std::string> settings = {};
    std::string output = "cube.h5";
};
/// Three runs at a time: most of each is waiting.
inline void run_cases(const std::vector<Case>& cases) {
    constexpr std::size_t n_together = 3;
    for (std::size_t begin = 0; begin < cases.size(); begin += n_together) {
        std::vector<std::unique_ptr<Job>> jobs;
        for (std::size_t i = begin; i < std::min(cases.size(), begin + n_together); ++i) {
            jobs.push_back(std::make_unique<Job>(cases[i].name, cases[i].fault, cases[i].settings, cases[i].output));
        }
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            SCOPED_TRACE(cases[begin + i].name);
            ASSERT_TRUE(jobs[i]->reached()) << jobs[i]->errors();
            cases[begin + i].check(*jobs[i]);
        }
    }
}

} // namespace tessera::test
