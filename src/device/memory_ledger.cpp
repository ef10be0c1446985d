#include "device/memory_ledger.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tessera/core/error.hpp"

namespace tessera::device {

namespace {

constexpr std::int64_t alignment = 64;

std::int64_t rounded_up(std::int64_t bytes, std::int64_t unit) { return (bytes + unit - 1) / unit * unit; }

[[noreturn]] void fail(const Step& step, std::string found, std::string expected) {
    throw Error({.kind = Kind::internal,
                 .where = fmt::format("{} on the {} queue", step.name, actor_name(step.actor)),
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .cure = "A fault of the program: please report it"});
}

bool is_mapped(std::uintptr_t address) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    unsigned char resident = 0;
    return mincore(reinterpret_cast<void*>(address / page * page), 1, &resident) ==
           0; // NOLINT(performance-no-int-to-ptr)
}

} // namespace

const char* actor_name(std::size_t actor) {
    constexpr std::array<const char*, n_actor> names{"compute", "transfer", "exchange", "host"};
    return names[actor];
}

void join(Clock& clock, const Clock& other) {
    for (std::size_t a = 0; a < n_actor; ++a) { clock[a] = std::max(clock[a], other[a]); }
}

MemoryLedger::~MemoryLedger() {
    for (auto& [address, piece] : pieces_) { munmap(piece.mapped, static_cast<std::size_t>(piece.mapped_bytes)); }
}

void* MemoryLedger::reserve(std::int64_t bytes, const char* what, const Step& step) {
    const std::int64_t page = sysconf(_SC_PAGESIZE);
    const std::int64_t used = rounded_up(std::max<std::int64_t>(bytes, 1), alignment);
    const std::int64_t mapped_bytes = rounded_up(used, page) + page;
    void* mapped = mmap(nullptr, static_cast<std::size_t>(mapped_bytes), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) { throw std::bad_alloc(); }
    auto* first = static_cast<std::byte*>(mapped);
    // The end of the piece is the end of a page, behind which nothing may be touched.
    mprotect(first + mapped_bytes - page, static_cast<std::size_t>(page), PROT_NONE);
    std::byte* memory = first + mapped_bytes - page - used;
    std::memset(memory, 0xff, static_cast<std::size_t>(used));
    pieces_[reinterpret_cast<std::uintptr_t>(memory)] = {
        .what = what, .bytes = bytes, .mapped = first, .mapped_bytes = mapped_bytes, .live = true, .written = step};
    return memory;
}

MemoryLedger::Piece* MemoryLedger::find(const void* memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    auto after = pieces_.upper_bound(address);
    if (after == pieces_.begin()) { return nullptr; }
    auto& [first, piece] = *std::prev(after);
    return address < first + static_cast<std::uintptr_t>(std::max<std::int64_t>(piece.bytes, 1)) ? &piece : nullptr;
}

void MemoryLedger::release(void* memory, const Step& step) {
    const auto it = pieces_.find(reinterpret_cast<std::uintptr_t>(memory));
    if (it == pieces_.end()) { fail(step, "memory that was never reserved", "a reserved piece"); }
    Piece& piece = it->second;
    if (!piece.live) { fail(step, fmt::format("'{}', which is released already", piece.what), "one release"); }
    write(piece, step);
    piece.live = false;
    // Kept as addresses, so that nobody gets them again and every touch is seen.
    madvise(piece.mapped, static_cast<std::size_t>(piece.mapped_bytes), MADV_DONTNEED);
    mprotect(piece.mapped, static_cast<std::size_t>(piece.mapped_bytes), PROT_NONE);
}

MemoryLedger::Piece& MemoryLedger::piece_of(const void* memory, std::int64_t bytes, const Step& step) {
    Piece* piece = find(memory);
    if (piece == nullptr) { fail(step, "memory of the host, or none at all", "memory of the accelerator"); }
    if (!piece->live) { fail(step, fmt::format("'{}', which is released", piece->what), "memory in use"); }
    const auto* end = piece->mapped + piece->mapped_bytes; // and before it the page behind the piece
    const auto first = reinterpret_cast<std::uintptr_t>(bytes_of(*piece).data());
    const auto offset = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(memory) - first);
    if (end == nullptr || offset + bytes > piece->bytes) {
        fail(step, fmt::format("bytes {} to {} of '{}'", offset, offset + bytes, piece->what),
             fmt::format("at most its {} bytes", piece->bytes));
    }
    return *piece;
}

std::vector<MemoryLedger::Piece*> MemoryLedger::pieces_in(std::span<const std::byte> body, const Step& step) {
    std::vector<Piece*> pieces;
    for (std::size_t at = 0; at + sizeof(void*) <= body.size(); at += sizeof(void*)) {
        std::uintptr_t word = 0;
        std::memcpy(&word, body.data() + at, sizeof word);
        // Where systems of 64 bits put heaps, stacks and mapped memory; below lie pairs of small numbers.
        constexpr std::uintptr_t lowest = std::uintptr_t{1} << 40U;
        constexpr std::uintptr_t highest = std::uintptr_t{1} << 47U;
        if (word < lowest || word >= highest) { continue; }       // a count, a double, nothing
        Piece* piece = find(reinterpret_cast<const void*>(word)); // NOLINT(performance-no-int-to-ptr)
        if (piece == nullptr) {
            const auto before = pieces_.lower_bound(word);
            const bool is_end = before != pieces_.begin() &&
                                word < std::prev(before)->first +
                                           static_cast<std::uintptr_t>(std::prev(before)->second.bytes + alignment);
            if (!is_end && is_mapped(word)) {
                fail(step, fmt::format("a pointer to host memory in the loop body (byte {})", at),
                     "pointers to the accelerator's memory");
            }
            continue;
        }
        if (!piece->live) { fail(step, fmt::format("'{}', which is released", piece->what), "memory in use"); }
        if (std::find(pieces.begin(), pieces.end(), piece) == pieces.end()) { pieces.push_back(piece); }
    }
    return pieces;
}

void MemoryLedger::read(Piece& piece, const Step& step) {
    const Step& before = piece.written;
    if (before.actor != step.actor && step.clock[before.actor] < before.clock[before.actor]) {
        fail(step,
             fmt::format("'{}', which '{}' writes on the {} queue, without a wait in between", piece.what, before.name,
                         actor_name(before.actor)),
             "wait_for that queue, or a mark of it");
    }
    if (step.clock[step.actor] > piece.read[step.actor]) {
        piece.read[step.actor] = step.clock[step.actor];
        piece.read_by[step.actor] = step.name;
    }
}

void MemoryLedger::write(Piece& piece, const Step& step) {
    read(piece, step);
    for (std::size_t a = 0; a < n_actor; ++a) {
        if (a == step.actor || step.clock[a] >= piece.read[a]) { continue; }
        fail(step,
             fmt::format("writes '{}', which '{}' reads on the {} queue, without a wait in between", piece.what,
                         piece.read_by[a], actor_name(a)),
             "wait_for that queue, or a mark of it");
    }
    piece.written = step;
}

std::span<std::byte> MemoryLedger::bytes_of(Piece& piece) {
    const std::int64_t page = sysconf(_SC_PAGESIZE);
    const std::int64_t used = rounded_up(std::max<std::int64_t>(piece.bytes, 1), alignment);
    return {piece.mapped + piece.mapped_bytes - page - used, static_cast<std::size_t>(piece.bytes)};
}

bool MemoryLedger::has_live() const {
    return std::any_of(pieces_.begin(), pieces_.end(), [](const auto& entry) { return entry.second.live; });
}

} // namespace tessera::device
