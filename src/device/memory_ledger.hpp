#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tessera::device {

/// Who orders work: three queues, and the host.
inline constexpr std::size_t n_actor = 4;
inline constexpr std::size_t host_actor = 3;
const char* actor_name(std::size_t actor);

/// A vector clock: how many operations of each queue are known to be done, or to be done before.
/// @par Source  Fidge (1988), Mattern (1989).
using Clock = std::array<std::int64_t, n_actor>;
void join(Clock& clock, const Clock& other);

/// An operation as the ledger knows it.
struct Step {
    std::string name;
    std::size_t actor = 0;
    Clock clock{}; ///< own count included
};

/// Emulated device memory, and what was done to it: finds accesses that a GPU would not do in the intended order. Freed memory is never
/// handed out again and cannot be touched; behind each piece lies a page that cannot be either.
class MemoryLedger {
public:
    struct Piece {
        std::string what;
        std::int64_t bytes = 0;
        std::byte* mapped = nullptr; ///< first page
        std::int64_t mapped_bytes = 0;
        bool live = true;
        Step written;                             ///< last write, or the reservation
        std::array<std::int64_t, n_actor> read{}; ///< latest operation of each queue that read it
        std::array<std::string, n_actor> read_by{};
    };

    MemoryLedger() = default;
    ~MemoryLedger();
    MemoryLedger(const MemoryLedger&) = delete;
    MemoryLedger& operator=(const MemoryLedger&) = delete;

    /// Filled with bytes 0xff: NaNs and nonsense.
    void* reserve(std::int64_t bytes, const char* what, const Step& step);
    /// @throws Error(Kind::internal)  freed before, not ours, or in use by another queue
    void release(void* memory, const Step& step);

    /// The pieces that a memory range or the pointers inside a loop body lead to.
    /// @throws Error(Kind::internal)  freed memory, host memory, or a range beyond the piece
    Piece& piece_of(const void* memory, std::int64_t bytes, const Step& step);
    std::vector<Piece*> pieces_in(std::span<const std::byte> body, const Step& step);

    /// @throws Error(Kind::internal)  the step is not ordered after the writes (and, for a write, the reads) of other queues
    void read(Piece& piece, const Step& step);
    void write(Piece& piece, const Step& step);
    static std::span<std::byte> bytes_of(Piece& piece);

    bool has_live() const;

private:
    Piece* find(const void* memory);
    std::map<std::uintptr_t, Piece> pieces_; ///< by the first byte
};

} // namespace tessera::device
