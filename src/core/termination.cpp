// All that the handler touches is made for it: lock-free atomics, arrays of fixed length, and calls that are safe inside a handler
// (signal-safety(7)): write, unlink, poll, getppid, sigaction, raise. The rest of the program stands still wherever it was.
#include "tessera/core/termination.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <string_view>

#include <poll.h>
#include <unistd.h>

namespace tessera {

namespace {

constexpr std::array<int, 4> numbers{SIGTERM, SIGINT, SIGHUP, SIGXCPU};
constexpr std::size_t n_slot = 16, no_slot = n_slot, longest_path = 4096;

struct Slot {
    std::atomic<bool> taken{false}; ///< by an UnfinishedFile
    std::atomic<bool> ready{false}; ///< its path is there
    std::array<char, longest_path> path{};
};

std::array<Slot, n_slot> slots;
std::atomic<int> my_rank{0}, group_size{1};
std::atomic<int> spoken_here{0};
std::atomic<std::atomic<int>*> spoken{&spoken_here};
std::atomic<bool> ending{false}, stop_asked{false};

constexpr std::array<int, 2> asking{SIGUSR1, SIGTERM};
std::array<struct sigaction, asking.size()> meant_before{};

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
                  std::atomic<std::atomic<int>*>::is_always_lock_free,
              "a signal handler must not wait for a lock");

std::string_view name_of(int number) {
    switch (number) {
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    case SIGHUP: return "SIGHUP";
    case SIGXCPU: return "SIGXCPU";
    }
    return "a signal";
}

/// A line that is put together without allocating.
class Line {
public:
    Line& operator<<(std::string_view text) {
        const std::size_t n = std::min(text.size(), text_.size() - length_);
        std::memcpy(text_.data() + length_, text.data(), n);
        length_ += n;
        return *this;
    }
    Line& operator<<(int number) { // not negative
        std::array<char, 12> digits{};
        std::size_t at = digits.size();
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number > 0);
        return *this << std::string_view(digits.data() + at, digits.size() - at);
    }
    void print() const { [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text_.data(), length_); }

private:
    std::array<char, 400> text_{};
    std::size_t length_ = 0;
};

void say_why(int number, bool by_launcher) {
    Line line;
    line << "tessera: error: ";
    const bool parallel = group_size.load() > 1;
    if (parallel && !by_launcher) { line << "rank " << my_rank.load() << ": "; }
    line << "found " << name_of(number) << ", which ends this run";
    if (by_launcher && parallel) {
        line << ". The launcher sends it when the job is cancelled or out of time, and when a rank was lost";
    }
    line << ". Unfinished files are removed; what has its final name is complete\n";
    line.print();
}

void remove_unfinished() {
    for (const Slot& slot : slots) {
        if (slot.ready.load()) { ::unlink(slot.path.data()); }
    }
}

/// Open MPI's launcher sends SIGKILL a second after its SIGTERM, or as soon as a first rank has died (sleep(3) is over when a child
/// is), and forgets what it has not passed on when the last is gone. So nobody goes before the one who speaks has spoken.
void let_others_end() {
    constexpr int step = 10, longest = 500, to_be_passed_on = 300; // milliseconds
    for (int waited = 0; spoken.load()->load() == 0 && waited < longest; waited += step) { ::poll(nullptr, 0, step); }
    ::poll(nullptr, 0, to_be_passed_on);
}

void end_process(int number, siginfo_t* info, void* /*context*/) {
    if (ending.exchange(true)) { // another thread is at it
        for (;;) { ::poll(nullptr, 0, 1000); }
    }
    const bool by_launcher = info != nullptr && info->si_pid == ::getppid();
    if ((!by_launcher || my_rank.load() == 0) && first_to_speak()) { say_why(number, by_launcher); }
    remove_unfinished();
    if (group_size.load() > 1) { let_others_end(); }
    remove_unfinished(); // what another thread, or another rank, made in the meantime
    struct sigaction usual{};
    usual.sa_handler = SIG_DFL;
    ::sigaction(number, &usual, nullptr);
    ::raise(number);
    sigset_t only{};
    ::sigemptyset(&only);
    ::sigaddset(&only, number);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr); // it arrives here
    ::_exit(128 + number);
}

void ask_to_stop(int number, siginfo_t* info, void* context) {
    if (stop_asked.exchange(true) && number == SIGTERM) { end_process(number, info, context); }
}

} // namespace

StopRequests::StopRequests() {
    stop_asked = false;
    struct sigaction action{};
    action.sa_sigaction = ask_to_stop;
    action.sa_flags = SA_SIGINFO | SA_RESTART; // reads and writes go on
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < asking.size(); ++i) { ::sigaction(asking[i], &action, &meant_before[i]); }
}

StopRequests::~StopRequests() {
    for (std::size_t i = 0; i < asking.size(); ++i) { ::sigaction(asking[i], &meant_before[i], nullptr); }
    stop_asked = false;
}

bool StopRequests::asked() { return stop_asked.load(); }

void handle_termination() {
    struct sigaction action{};
    action.sa_sigaction = end_process;
    action.sa_flags = SA_SIGINFO;
    ::sigemptyset(&action.sa_mask);
    for (const int number : numbers) { ::sigaddset(&action.sa_mask, number); }
    for (const int number : numbers) {
        struct sigaction before{};
        if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) { continue; }
        ::sigaction(number, &action, nullptr);
    }
}

void set_termination_group(int rank, int size, std::atomic<int>* shared) {
    my_rank = rank;
    group_size = size;
    spoken = shared != nullptr ? shared : &spoken_here;
}

bool first_to_speak() {
    const bool first_here = spoken_here.exchange(1) == 0; // also for the time after the group
    std::atomic<int>* const shared = spoken.load();
    return shared == &spoken_here ? first_here : shared->exchange(1) == 0;
}

UnfinishedFile::UnfinishedFile(const std::string& path) : slot_(no_slot) {
    if (path.size() + 1 > longest_path) { return; }
    for (std::size_t i = 0; i < n_slot; ++i) {
        if (slots[i].taken.exchange(true)) { continue; }
        std::memcpy(slots[i].path.data(), path.c_str(), path.size() + 1);
        slots[i].ready = true;
        slot_ = i;
        return;
    }
}

UnfinishedFile::~UnfinishedFile() {
    if (slot_ == no_slot) { return; }
    slots[slot_].ready = false;
    slots[slot_].taken = false;
}

} // namespace tessera
