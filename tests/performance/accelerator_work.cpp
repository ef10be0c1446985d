#include "tests/performance/accelerator_work.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "cube/slab_kernels.hpp"
#include "instrument/convolve_kernels.hpp"
#include "instrument/lsf_kernels.hpp"
#include "instrument/noise_kernels.hpp"
#include "synthesis/deposit_kernels.hpp"
#include "synthesis/panel_kernels.hpp"
#include "synthesis/star_kernels.hpp"
#include "view/order_kernels.hpp"

namespace tessera::bench {

namespace {

/// Additions of a star to row weights: linear look-up (4 nodes; cubic has 16), 4 rows.
constexpr double taps_of_star = 16;
/// Instructions of a normal deviate: Philox has ten rounds, then a logarithm, a root and a sine.
constexpr double deviate_cost = 150;

double number(std::int64_t n) { return static_cast<double>(n); }

/// What a count may go by, beside the body.
struct Seen {
    double n_star;
    bool readable;
};
using Count = std::function<Work(const void* body, double n, const Seen& seen)>;

/// Of the stars that the loop passes over, those in spaxels of the batch.
double stars_added(const DepositStar& b, std::int64_t n) {
    std::int64_t added = 0;
    for (std::int64_t i = b.first_star; i < b.first_star + n; ++i) {
        const std::int64_t order = b.order.of(i), slot = order - b.first_order;
        added += order >= 0 && slot >= 0 && slot < b.n_slot ? 1 : 0;
    }
    return number(added);
}

/// Of the templates, those that are wanted.
double share_wanted(const FillPanel& b, double n) {
    if (b.lit == nullptr) { return 1; }
    const auto n_key = static_cast<std::int64_t>(n) / b.n_pixel_here;
    return number(n_key - std::count(b.lit, b.lit + n_key, std::uint8_t{0})) / number(n_key);
}

template <class Body, class Function>
std::pair<const std::string, Count> count(const Function& function) {
    return {Body::name, [function](const void* body, double n, const Seen& seen) {
                return function(*static_cast<const Body*>(body), n, seen);
            }};
}

/// So many bytes an index.
template <class Body>
std::pair<const std::string, Count> bytes_each(double bytes) {
    return count<Body>([bytes](const Body&, double n, const Seen&) { return Work{.bytes = bytes * n}; });
}

const std::map<std::string, Count>& counts() {
    static const std::map<std::string, Count> table{
        // Ten properties in, six turned in place, seven numbers out.
        bytes_each<TakeStar>(40 + 24 + 28),
        count<WidenRange>([](const WidenRange& b, double, const Seen&) { return Work{.bytes = 8 * number(b.n)}; }),
        bytes_each<GatherValue>(12),
        count<LookAtVelocities>([](const auto&, double n, const Seen& seen) {
            return Work{.bytes = 12 * seen.n_star + 24 * n, .doubles = 2 * seen.n_star};
        }),
        count<SurveyChunk>([](const SurveyChunk& b, double n, const Seen& seen) {
            const double fields = SurveyChunk::n_field + (b.sketch != nullptr ? SurveyChunk::n_sketch : 0);
            const double nodes = taps_of_star / 4;
            return Work{.bytes = 20 * seen.n_star + 8 * fields * n,
                        .cache_bytes = nodes * (32 + (b.sketch != nullptr ? 64 : 0)) * seen.n_star,
                        .multiply_adds = b.sketch != nullptr ? nodes * 16 * seen.n_star : 0,
                        .doubles = (nodes * 5 + 10) * seen.n_star};
        }),
        bytes_each<CountNodes>(12),
        count<CountRows>([](const auto&, double n, const Seen&) {
            return Work{.bytes = 40 * n, .doubles = 60 * n, .shared_adds = n}; // every so many stars: sectors of memory
        }),
        count<FlagListed>([](const auto&, double n, const Seen&) { return Work{.bytes = 24 * n, .doubles = 60 * n}; }),
        count<DepositStar>([](const DepositStar& b, double n, const Seen& seen) {
            const double added = seen.readable ? stars_added(b, static_cast<std::int64_t>(n)) : n;
            return Work{.bytes = 8 * n + 16 * added,
                        .doubles = (60 + taps_of_star) * added,
                        .shared_adds = taps_of_star * added};
        }),
        bytes_each<FromFixed>(12),
        count<ListStar>([](const ListStar& b, double n, const Seen&) {
            const double listed = number(b.end - b.first) * 4 * number(b.n_node);
            return Work{.bytes = 16 * n + 8 * listed, .doubles = 60 * n};
        }),
        bytes_each<TurnSpectra>(8),
        bytes_each<GatherSpectra>(8),
        count<BandOfPixel>([](const BandOfPixel& b, double n, const Seen&) {
            return Work{.bytes = n * (4 + 4 * number(b.width)), .doubles = 20 * n * number(b.width)};
        }),
        count<FillPanel>([](const FillPanel& b, double n, const Seen& seen) {
            const double columns = number(b.n_column), made = seen.readable ? n * share_wanted(b, n) : n;
            return Work{.bytes = 4 * made + n / columns * 4 * number(b.width + 1) + 4 * columns * number(b.n_point),
                        .cache_bytes = 8 * made * number(b.width),
                        .multiply_adds = made * number(b.width)};
        }),
        bytes_each<AddBatch>(12),
        count<AddListed>([](const AddListed& b, double n, const Seen&) {
            const double entries = number((b.end - b.first) * b.n_entry), adds = entries * number(b.n_pixel_here);
            return Work{.bytes = 8 * entries + 8 * n, .cache_bytes = 4 * adds, .multiply_adds = adds};
        }),
        bytes_each<ScaleFlux>(8),
        bytes_each<CutOut>(8),
        count<ConvolveLines>([](const ConvolveLines& b, double, const Seen&) {
            const double lines = number(b.n_outer * b.inner), out = lines * number(b.out_length);
            return Work{.bytes = 4 * (lines * number(b.in_length) + out),
                        .cache_bytes = 4 * out * number(b.n_tap),
                        .multiply_adds = out * number(b.n_tap)};
        }),
        count<ConvolvePlanes>([](const ConvolvePlanes& b, double, const Seen&) {
            const double out = number(b.n_wave * b.n_y * b.n_x);
            return Work{.bytes = 4 * (number(b.n_wave * b.in_y * b.in_x) + out),
                        .cache_bytes = 4 * out * number(b.tap_y * b.tap_x) / ConvolvePlanes::rows,
                        .multiply_adds = out * number(b.tap_y * b.tap_x)};
        }),
        bytes_each<PadPlanes>(8),
        bytes_each<MultiplySpectra>(16),
        bytes_each<CropPlanes>(8),
        count<RowSizes>(
            [](const RowSizes& b, double n, const Seen&) { return Work{.bytes = 4 * n * number(b.length_x)}; }),
        count<ConvolveWavelengths>([](const ConvolveWavelengths& b, double, const Seen&) {
            const double out = number(b.n_out * b.n_spaxel), taps = number(2 * b.half_width + 1);
            return Work{.bytes = 4 * (number(b.n_in * b.n_spaxel) + out),
                        .cache_bytes = 4 * out * (taps / ConvolveWavelengths::planes + 1),
                        .multiply_adds = out * taps};
        }),
        count<LargestFlux>([](const LargestFlux& b, double, const Seen&) { return Work{.bytes = 4 * number(b.n)}; }),
        count<SumOverWavelengths>([](const SumOverWavelengths& b, double, const Seen&) {
            const double voxels = number(b.n_wave * b.n_spaxel);
            return Work{.bytes = 4 * voxels, .doubles = voxels};
        }),
        count<AddNoise>([](const AddNoise& b, double, const Seen&) {
            const double voxels = number(b.n_wave * b.n_spaxel);
            return Work{.bytes = 12 * voxels, .doubles = deviate_cost * voxels};
        }),
    };
    return table;
}

} // namespace

Work& Work::operator+=(const Work& more) {
    bytes += more.bytes;
    cache_bytes += more.cache_bytes;
    multiply_adds += more.multiply_adds;
    doubles += more.doubles;
    shared_adds += more.shared_adds;
    return *this;
}

Work work_of(const std::string& kernel, const void* body, std::int64_t n, std::int64_t n_star, bool readable) {
    const auto found = counts().find(kernel);
    return found == counts().end() ? Work{} : found->second(body, number(n), Seen{number(n_star), readable});
}

Work work_of(const device::Product& p) {
    const double i = number(p.n_i), j = number(p.n_j), k = number(p.n_k), batch = number(p.n_batch);
    const double out = i * j * batch * (p.accumulate ? 2 : 1);
    // Factors that all of a batch share are read once.
    const double left = i * k * (p.left_stride == 0 ? 1 : batch), right = j * k * (p.right_stride == 0 ? 1 : batch);
    return {.bytes = 4 * (left + right + out), .multiply_adds = i * j * k * batch};
}

Work work_of_fft(std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x) {
    const double points = number(n_batch * n_y * n_x);
    // Along x and along y: in and out, four bytes a real number. 2.5 n log2(n) operations.
    return {.bytes = 16 * points, .multiply_adds = 1.25 * points * std::log2(number(n_y * n_x))};
}

Limit limit_of(const std::string& name, const Work& work, const Rates& rates) {
    const bool of_host = name == "copy to the device" || name == "copy to the host";
    const Limit all[] = {
        {work.bytes / (of_host ? rates.host_bytes : rates.bytes), of_host ? "link to the host" : "memory"},
        {work.cache_bytes / rates.cache_bytes, "level-2 cache"},
        {work.multiply_adds / rates.multiply_adds, "arithmetic"},
        {work.doubles / rates.doubles, "arithmetic in double"},
        {work.shared_adds / rates.shared_adds, "shared additions"},
        {rates.launch, "launch"}};
    return *std::max_element(std::begin(all), std::end(all),
                             [](const Limit& a, const Limit& b) { return a.seconds < b.seconds; });
}

} // namespace tessera::bench
