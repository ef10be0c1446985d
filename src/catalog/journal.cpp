#include "catalog/journal.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/core/hash.hpp"

namespace tessera::catalog {

namespace {

constexpr std::size_t n_digit = 16;

std::uint64_t checksum(std::string_view text) {
    Fnv1a hash;
    hash.add_bytes(text.data(), text.size());
    return hash.hash();
}

/// The record of a line without its line break; nullopt where the checksum is not that of the rest.
std::optional<std::string_view> record_of(std::string_view line) {
    if (line.size() <= n_digit || line[n_digit] != ' ') { return std::nullopt; }
    std::uint64_t stated = 0;
    const auto [end, status] = std::from_chars(line.data(), line.data() + n_digit, stated, 16);
    if (status != std::errc() || end != line.data() + n_digit) { return std::nullopt; }
    const std::string_view record = line.substr(n_digit + 1);
    if (checksum(record) != stated) { return std::nullopt; }
    return record;
}

[[noreturn]] void refuse(const std::string& path, const std::string& found, const std::string& cure) {
    throw Error({.kind = Kind::resource,
                 .where = path,
                 .found = found,
                 .expected = "a journal that can be written",
                 .cure = cure});
}

} // namespace

std::string journal_line(const std::string& record) { return fmt::format("{:016x} {}\n", checksum(record), record); }

std::optional<Journal> read_journal(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0) { return std::nullopt; }
    std::ifstream file(path, std::ios::binary);
    std::stringstream stream;
    if (file.peek() != std::ifstream::traits_type::eof()) { stream << file.rdbuf(); }
    if (file.bad() || !file.is_open()) {
        throw Error({.kind = Kind::data, .where = path, .found = "a journal that cannot be read"});
    }
    const std::string text = stream.str();
    Journal out;
    std::size_t whole = 0; // where the last good record ends
    std::optional<std::size_t> damaged;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        if (end == std::string::npos) { break; }
        const auto record = record_of(std::string_view(text).substr(at, end - at));
        if (!record && !damaged) { damaged = at; }
        if (record && damaged) {
            throw Error({.kind = Kind::data,
                         .where = path,
                         .found = fmt::format("a damaged record at byte {}, with whole ones after it", *damaged),
                         .expected = "records whose checksums are right",
                         .cure = "the disk or a person changed it: restore the file, or begin anew in another folder"});
        }
        if (record) {
            out.records.emplace_back(*record);
            whole = end + 1;
        }
        at = end + 1;
    }
    out.n_torn = static_cast<std::int64_t>(text.size() - whole);
    return out;
}

Locked try_to_lock(int descriptor) {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(descriptor, F_OFD_SETLK, &lock) == 0) { return Locked::yes; }
    return errno == EAGAIN || errno == EACCES ? Locked::by_another : Locked::no_locks_here;
}

int open_journal(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) { refuse(path, std::strerror(errno), "check the folder and its rights"); }
    if (try_to_lock(descriptor) == Locked::by_another) {
        ::close(descriptor);
        refuse(path, "a journal in use by another process", "wait until the run that writes it has ended");
    }
    return descriptor;
}

bool in_use(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) { return false; }
    const Locked locked = try_to_lock(descriptor);
    ::close(descriptor);
    return locked == Locked::by_another;
}

void append_line(int descriptor, const std::string& path, const std::string& line, bool to_disk) {
    const char* cure = "free space on the disk, then go on with --resume";
    for (std::size_t done = 0; done < line.size();) {
        const ssize_t n = ::write(descriptor, line.data() + done, line.size() - done);
        if (n < 0 && errno == EINTR) { continue; }
        if (n < 0) { refuse(path, fmt::format("a failed write: {}", std::strerror(errno)), cure); }
        done += static_cast<std::size_t>(n);
    }
    struct stat now{};
    if (::fstat(descriptor, &now) != 0 || now.st_nlink == 0) {
        refuse(path, "a journal that somebody removed while it was written", "Begin anew, or restore the folder");
    }
    if (to_disk && ::fdatasync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP) {
        refuse(path, fmt::format("a failure when bringing it to the disk: {}", std::strerror(errno)), cure);
    }
}

} // namespace tessera::catalog
