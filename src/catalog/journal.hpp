#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tessera::catalog {

/// The records of a journal: lines of 16 hexadecimal digits (FNV-1a of the rest), a blank, and the record.
struct Journal {
    std::vector<std::string> records;
    std::int64_t n_torn = 0; ///< bytes after the last whole record
};

/// "0123456789abcdef {…}\n"
std::string journal_line(const std::string& record);

/// Reads all whole records; what follows the last one is the unfinished write of a run that was killed. nullopt: no file.
/// @throws Error(Kind::data)  whole records follow a damaged one; unreadable
std::optional<Journal> read_journal(const std::string& path);

/// Opens for appending and takes the lock that marks a journal in use. @return the file descriptor, which the caller closes
/// @throws Error(Kind::resource)  unwritable, or another process holds the lock
int open_journal(const std::string& path);

/// Whether another process writes the journal at this time.
bool in_use(const std::string& path);

/// One write. @param to_disk  wait until it is there. @throws Error(Kind::resource)  a full disk, a vanished file system
void append_line(int descriptor, const std::string& path, const std::string& line, bool to_disk);

/// Tries to lock the open file against other processes, on other hosts too where the file system can.
enum class Locked { yes, by_another, no_locks_here };
Locked try_to_lock(int descriptor);

} // namespace tessera::catalog
