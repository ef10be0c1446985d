#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace tessera {

/// Keys of several ascending lists together, each once: marked in bits, so that neither merging nor looking up takes a comparison.
/// Reused from union to union. `begin`, `add` every list, `close`; then keys and places.
class KeyUnion {
public:
    /// @param least, most  of all keys that will be added
    void begin(std::uint32_t least, std::uint32_t most) {
        base_ = least & ~63U;
        bits_.assign((most - base_) / 64 + 1, 0);
    }
    void add(std::uint32_t key) { bits_[(key - base_) / 64] |= std::uint64_t{1} << (key - base_) % 64; }
    /// @return  number of keys
    std::size_t close() {
        before_.resize(bits_.size());
        std::size_t n = 0;
        for (std::size_t word = 0; word < bits_.size(); ++word) {
            before_[word] = static_cast<std::uint32_t>(n);
            n += static_cast<std::size_t>(std::popcount(bits_[word]));
        }
        return n;
    }
    /// Place of an added key among all, which ascend.
    std::size_t place(std::uint32_t key) const {
        const std::size_t word = (key - base_) / 64;
        const std::uint64_t below = bits_[word] & ((std::uint64_t{1} << (key - base_) % 64) - 1);
        return before_[word] + static_cast<std::size_t>(std::popcount(below));
    }
    /// visit(key), ascending
    template <class Visit>
    void each(const Visit& visit) const {
        for (std::size_t word = 0; word < bits_.size(); ++word) {
            for (std::uint64_t left = bits_[word]; left != 0; left &= left - 1) {
                visit(base_ + static_cast<std::uint32_t>(64 * word) +
                      static_cast<std::uint32_t>(std::countr_zero(left)));
            }
        }
    }

private:
    std::uint32_t base_ = 0;
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint32_t> before_; ///< [word] keys in the words before
};

} // namespace tessera
