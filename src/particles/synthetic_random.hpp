#pragma once

#include <cstdint>

#include "tessera/core/random.hpp"

namespace tessera::synthetic {

/// What the numbers of a synthetic snapshot are for; each has 256 Philox streams of its own.
enum class Purpose : std::uint64_t { star = 1, gas, orientation, group, satellite, flag };

/// The random numbers of one thing, in the order they are asked for; a function of (seed, purpose, index) alone.
class Draws {
public:
    Draws(std::uint64_t seed, Purpose purpose, std::int64_t index)
        : seed_(seed), stream_(0x53594E0000ULL | (static_cast<std::uint64_t>(purpose) << 8U)),
          index_(static_cast<std::uint64_t>(index)) {}

    double uniform() { ///< on (0, 1)
        if (!half_left_) {
            words_ = next();
            half_left_ = true;
            return words_.uniform(0);
        }
        half_left_ = false;
        return words_.uniform(1);
    }

    double normal() {
        if (normal_left_) {
            normal_left_ = false;
            return spare_;
        }
        const Philox words = next();
        spare_ = words.normal(1);
        normal_left_ = true;
        return words.normal(0);
    }

private:
    Philox next() { return Philox::at(seed_, stream_ + n_used_++, index_); }

    std::uint64_t seed_, stream_, index_, n_used_ = 0;
    Philox words_{};
    bool half_left_ = false, normal_left_ = false;
    double spare_ = 0;
};

} // namespace tessera::synthetic
