#include "view/order_statistics.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

namespace tessera {

namespace {

constexpr std::uint32_t sign_bit = 0x80000000U;

/// Bits that order as the floats do.
std::uint32_t ordered_bits(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return (bits & sign_bit) != 0 ? ~bits : bits | sign_bit;
}

float float_of(std::uint32_t ordered) {
    return std::bit_cast<float>((ordered & sign_bit) != 0 ? ordered & ~sign_bit : ~ordered);
}

/// Part of the 32 bits that one pass decides, the highest first.
struct Digit {
    int shift, bits;
};
constexpr Digit digits[] = {{21, 11}, {10, 11}, {0, 10}};

} // namespace

float value_at_weight(std::span<const float> values, const std::function<std::int64_t(std::size_t)>& weight,
                      std::int64_t target, Communicator& comm) {
    struct Candidate {
        std::uint32_t bits;
        std::int64_t weight;
    };
    std::vector<Candidate> candidates; // values that share the digits found so far; from the second digit on
    std::uint32_t found = 0;
    std::uint32_t decided = 0; // mask of the bits of `found` that are final
    for (const Digit digit : digits) {
        const auto shift = static_cast<unsigned>(digit.shift);
        const std::uint32_t last = (1U << static_cast<unsigned>(digit.bits)) - 1U;
        std::vector<std::int64_t> histogram(last + 1);
        if (decided == 0) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                histogram[ordered_bits(values[i]) >> shift] += weight(i);
            }
        }
        for (const Candidate& c : candidates) { histogram[(c.bits >> shift) & last] += c.weight; }
        comm.all_reduce(histogram, Op::sum);
        std::uint32_t bin = 0;
        while (bin < last && target >= histogram[bin]) { target -= histogram[bin++]; }
        found |= bin << shift;
        const bool first = decided == 0;
        decided |= last << shift;
        if (first) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                const std::uint32_t bits = ordered_bits(values[i]);
                if ((bits & decided) == found) { candidates.push_back({bits, weight(i)}); }
            }
        } else {
            std::erase_if(candidates, [&](const Candidate& c) { return (c.bits & decided) != found; });
        }
    }
    return float_of(found);
}

double median_of(std::span<const float> values, std::int64_t n_total, Communicator& comm) {
    const float lower = value_at_weight(values, [](std::size_t) { return std::int64_t{1}; }, (n_total - 1) / 2, comm);
    if (n_total % 2 == 1) { return lower; }
    // The other middle value: the same again if enough values are no larger, else the smallest of those that are.
    std::int64_t n_no_larger = 0;
    float next = std::numeric_limits<float>::infinity();
    for (const float value : values) {
        if (value <= lower) {
            ++n_no_larger;
        } else {
            next = std::min(next, value);
        }
    }
    n_no_larger = comm.all_reduce_value(n_no_larger, Op::sum);
    next = comm.all_reduce_value(next, Op::min);
    const float upper = n_no_larger > n_total / 2 ? lower : next;
    return 0.5 * (static_cast<double>(lower) + static_cast<double>(upper));
}

} // namespace tessera
