#include "synthesis/error_sample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/comm/communicator.hpp"

namespace tessera {

std::vector<std::int64_t> sample_of(const std::vector<std::int64_t>& candidates, const std::vector<double>& bound) {
    constexpr std::size_t half = 8;
    if (candidates.size() <= 2 * half) { return candidates; }
    std::vector<std::size_t> order(candidates.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return bound[a] > bound[b]; });
    std::vector<std::int64_t> sample;
    for (std::size_t i = 0; i < half; ++i) {
        sample.push_back(candidates[order[i]]);
        sample.push_back(candidates[(2 * i + 1) * candidates.size() / (2 * half)]);
    }
    std::sort(sample.begin(), sample.end());
    sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
    return sample;
}

SampleError compare(const PartialCube& made, const PartialCube& truth, const std::vector<bool>& covered,
                    Communicator& comm) {
    const auto n = static_cast<std::size_t>(made.n_wave());
    const auto n_row = static_cast<std::size_t>(made.n_spaxel());
    std::vector<double> light(n_row * n);
    std::vector<double> difference(light.size());
    for (std::size_t i = 0; i < n_row; ++i) {
        const float* exact = truth.flux().row(static_cast<std::int64_t>(i));
        const float* approximate = made.flux().row(static_cast<std::int64_t>(i));
        for (std::size_t k = 0; k < n; ++k) {
            if (!covered[k]) { continue; }
            light[i * n + k] = exact[k];
            difference[i * n + k] = static_cast<double>(approximate[k]) - static_cast<double>(exact[k]);
        }
    }
    comm.all_reduce(light, Op::sum);
    comm.all_reduce(difference, Op::sum);
    const auto n_covered = static_cast<double>(std::count(covered.begin(), covered.end(), true));
    SampleError out;
    std::vector<double> rms;
    for (std::size_t i = 0; i < n_row; ++i) {
        double mean = 0;
        double square = 0;
        double largest = 0;
        for (std::size_t k = i * n; k < (i + 1) * n; ++k) {
            mean += light[k];
            square += difference[k] * difference[k];
            largest = std::max(largest, std::abs(difference[k]));
        }
        mean /= n_covered;
        if (!(mean > 0)) { continue; }
        rms.push_back(std::sqrt(square / n_covered) / mean);
        out.worst_pixel = std::max(out.worst_pixel, largest / mean);
    }
    if (rms.empty()) { return out; }
    std::sort(rms.begin(), rms.end());
    out.worst_rms = rms.back();
    out.median_rms = rms[rms.size() / 2];
    return out;
}

} // namespace tessera
