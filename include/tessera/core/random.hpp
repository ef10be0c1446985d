#pragma once

#include <cmath>
#include <cstdint>

#include "tessera/core/portable_math.hpp"
#include "tessera/core/view.hpp"

namespace tessera {

/// Four 32-bit random words from a counter and a key: no state, so the number of a voxel or particle is the same on any
/// rank, thread or device.
/// @par Source  Philox4x32-10, Salmon et al. (2011), SC'11, "Parallel random numbers: as easy as 1, 2, 3".
struct Philox {
    std::uint32_t word[4];

    /// @param seed     the user's seed;  stream  what the numbers are for (a `random_stream` value)
    /// @param counter  the index of the thing, e.g. the global voxel
    TESSERA_HD static Philox at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
        Philox out{{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32U),
                    static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32U)}};
        std::uint32_t key0 = static_cast<std::uint32_t>(seed);
        std::uint32_t key1 = static_cast<std::uint32_t>(seed >> 32U);
        for (int round = 0; round < 10; ++round) {
            const std::uint64_t product0 = 0xD2511F53ULL * out.word[0];
            const std::uint64_t product1 = 0xCD9E8D57ULL * out.word[2];
            const Philox next{{static_cast<std::uint32_t>(product1 >> 32U) ^ out.word[1] ^ key0,
                               static_cast<std::uint32_t>(product1),
                               static_cast<std::uint32_t>(product0 >> 32U) ^ out.word[3] ^ key1,
                               static_cast<std::uint32_t>(product0)}};
            out = next;
            key0 += 0x9E3779B9U;
            key1 += 0xBB67AE85U;
        }
        return out;
    }

    /// Uniform on (0, 1), never an end; 52 bits from words 2i and 2i+1, i = 0 or 1.
    TESSERA_HD double uniform(int i) const {
        const std::uint64_t bits = (static_cast<std::uint64_t>(word[2 * i]) << 32U) | word[2 * i + 1];
        return portable::fraction(bits >> 12U);
    }

    /// Standard normal by Box and Muller (1958) from the two uniforms; i = 0 or 1 picks the cosine or the sine. The same bits on
    /// any device: see portable_math.hpp.
    TESSERA_HD double normal(int i = 0) const {
        const double radius = std::sqrt(-2.0 * portable::log(uniform(0)));
        return radius * (i == 0 ? portable::cos_turn(uniform(1)) : portable::sin_turn(uniform(1)));
    }
};

} // namespace tessera
