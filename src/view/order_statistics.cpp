#include "view/order_statistics.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "tessera/device/reduce.hpp"

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

constexpr std::int64_t grain = std::int64_t{1} << 18; // items a thread takes at a time

/// Weights by the digit of the values that share the digits found so far. @param decided  mask of the bits of `found`
std::vector<std::int64_t> histogram_of(const device::Host& where, const WeightedValues& values, Digit digit,
                                       std::uint32_t found, std::uint32_t decided) {
    const auto shift = static_cast<unsigned>(digit.shift);
    const std::uint32_t last_bin = (1U << static_cast<unsigned>(digit.bits)) - 1U;
    return device::reduce_blocks(
        where, values.n, grain, std::vector<std::int64_t>(last_bin + 1),
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::int64_t> histogram(last_bin + 1);
            std::array<float, WeightedValues::most_items> value;
            std::array<std::int64_t, WeightedValues::most_items> weight;
            for (std::int64_t first = begin; first < end; first += WeightedValues::most_items) {
                const std::int64_t last = std::min(end, first + WeightedValues::most_items);
                values.fill(first, last, value.data(), weight.data());
                for (std::size_t i = 0; i < static_cast<std::size_t>(last - first); ++i) {
                    const std::uint32_t bits = ordered_bits(value[i]);
                    if ((bits & decided) == found) { histogram[(bits >> shift) & last_bin] += weight[i]; }
                }
            }
            return histogram;
        },
        [](std::vector<std::int64_t>& sum, const std::vector<std::int64_t>& part) {
            for (std::size_t i = 0; i < sum.size(); ++i) { sum[i] += part[i]; }
        });
}

/// How many values are no larger than `limit`, and the smallest that is.
struct Above {
    std::int64_t n_no_larger = 0;
    float next = std::numeric_limits<float>::infinity();
};

} // namespace

float value_at_weight(const device::Host& where, const WeightedValues& values, std::int64_t target,
                      Communicator& comm) {
    std::uint32_t found = 0;
    std::uint32_t decided = 0;
    for (const Digit digit : digits) {
        std::vector<std::int64_t> histogram = histogram_of(where, values, digit, found, decided);
        comm.all_reduce(histogram, Op::sum);
        const auto last = static_cast<std::uint32_t>(histogram.size() - 1);
        std::uint32_t bin = 0;
        while (bin < last && target >= histogram[bin]) { target -= histogram[bin++]; }
        found |= bin << static_cast<unsigned>(digit.shift);
        decided |= last << static_cast<unsigned>(digit.shift);
    }
    return float_of(found);
}

double median_of(const device::Host& where, std::span<const float> values, std::int64_t n_total, Communicator& comm,
                 std::span<const std::uint8_t> chosen) {
    const auto n = static_cast<std::int64_t>(values.size());
    const WeightedValues weighted{n, [&](std::int64_t first, std::int64_t last, float* value, std::int64_t* weight) {
                                      std::copy(values.begin() + first, values.begin() + last, value);
                                      if (chosen.empty()) {
                                          std::fill_n(weight, last - first, 1);
                                      } else {
                                          std::copy(chosen.begin() + first, chosen.begin() + last, weight);
                                      }
                                  }};
    const float lower = value_at_weight(where, weighted, (n_total - 1) / 2, comm);
    if (n_total % 2 == 1) { return lower; }
    // The other middle value: the same again if enough values are no larger, else the smallest of those that are.
    Above above = device::reduce_blocks(
        where, n, grain, Above{},
        [&](std::int64_t first, std::int64_t last) {
            Above out;
            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                if (!chosen.empty() && chosen[i] == 0) { continue; }
                if (values[i] <= lower) {
                    ++out.n_no_larger;
                } else {
                    out.next = std::min(out.next, values[i]);
                }
            }
            return out;
        },
        [](Above& sum, const Above& part) {
            sum.n_no_larger += part.n_no_larger;
            sum.next = std::min(sum.next, part.next);
        });
    above.n_no_larger = comm.all_reduce_value(above.n_no_larger, Op::sum);
    above.next = comm.all_reduce_value(above.next, Op::min);
    const float upper = above.n_no_larger > n_total / 2 ? lower : above.next;
    return 0.5 * (static_cast<double>(lower) + static_cast<double>(upper));
}

} // namespace tessera
