// The end of a process that others decide on: a signal of the scheduler, the launcher or a person.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

namespace tessera {

/// From now on SIGTERM, SIGINT, SIGHUP and SIGXCPU make this process print one message that names the signal, remove its unfinished
/// files, and then die of the signal as it would have without us (128 + its number, to a shell). Signals that are ignored stay so
/// (nohup). Call first thing in main.
void handle_termination();

/// While one lives, SIGUSR1 and SIGTERM do not end this process: they ask it to come to an end by itself. A second SIGTERM ends it as
/// above. One at a time.
class StopRequests {
public:
    StopRequests();
    ~StopRequests(); ///< signals mean again what they did before; what was asked is forgotten
    StopRequests(const StopRequests&) = delete;
    StopRequests& operator=(const StopRequests&) = delete;

    static bool asked(); ///< whether one has come
};

/// The ranks that end together. A launcher sends its signal to all of them: rank 0 then speaks. A signal from elsewhere comes to
/// one, which speaks itself.
/// @param spoken  zero at first, in memory that the ranks of a node share, so that one of them speaks; nullptr: none is shared.
///                Must live until the next call.
void set_termination_group(int rank, int size, std::atomic<int>* spoken);

/// Whether nobody of this node has said yet why the job ends; from now on somebody has. For who prints an error and then ends the
/// others, who would report the launcher's signal.
bool first_to_speak();

/// A file that is worth nothing before it is complete: removed if a signal ends the process while this lives. Several ranks may
/// name the same. Cheap; a path longer than 4095 bytes, or more than 16 at a time, are left to the next run.
class UnfinishedFile {
public:
    explicit UnfinishedFile(const std::string& path);
    ~UnfinishedFile();
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;

private:
    std::size_t slot_;
};

} // namespace tessera
