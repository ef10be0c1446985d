#include "view/order_statistics.hpp"

#include <bit>
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
    std::uint32_t found = 0;
    std::uint32_t decided = 0; // mask of the bits of `found` that are final
    for (const Digit digit : digits) {
        const std::uint32_t last = (1U << static_cast<unsigned>(digit.bits)) - 1U;
        std::vector<std::int64_t> histogram(last + 1);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::uint32_t bits = ordered_bits(values[i]);
            if ((bits & decided) == found) {
                histogram[(bits >> static_cast<unsigned>(digit.shift)) & last] += weight(i);
            }
        }
        comm.all_reduce(histogram, Op::sum);
        std::uint32_t bin = 0;
        while (bin < last && target >= histogram[bin]) { target -= histogram[bin++]; }
        found |= bin << static_cast<unsigned>(digit.shift);
        decided |= last << static_cast<unsigned>(digit.shift);
    }
    return float_of(found);
}

double median_of(std::span<const float> values, std::int64_t n_total, Communicator& comm) {
    const auto one = [](std::size_t) { return std::int64_t{1}; };
    const double upper = value_at_weight(values, one, n_total / 2, comm);
    if (n_total % 2 == 1) { return upper; }
    return 0.5 * (upper + static_cast<double>(value_at_weight(values, one, n_total / 2 - 1, comm)));
}

} // namespace tessera
