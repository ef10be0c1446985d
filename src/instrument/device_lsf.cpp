#include <vector>

#include <fmt/format.h>

#include "instrument/lsf_kernels.hpp"
#include "tessera/core/error.hpp"
#include "tessera/device/constants.hpp"
#include "tessera/instrument/device_instrument.hpp"

namespace tessera {
namespace {

void check_planes(WaveRange have, WaveRange wanted, const Lsf& lsf) {
    if (wanted.count > 0 && (wanted.first < have.first || wanted.end() > have.end() ||
                             (!lsf.is_identity() && wanted.end() > std::ssize(lsf.kernel_of)))) {
        throw Error({.where = "apply_lsf",
                     .found = fmt::format("planes {} to {} of a function of {} pixels", have.first, have.end(),
                                          lsf.kernel_of.size()),
                     .expected = fmt::format("planes {} to {}", wanted.first, wanted.end())});
    }
}

} // namespace

DeviceSlab apply_lsf(device::Accelerator& accelerator, const DeviceSlab& with_ghosts, WaveRange wanted,
                     const Lsf& lsf) {
    const WaveRange have = with_ghosts.range;
    check_planes(have, wanted, lsf);
    if (lsf.is_identity()) { return cut_out(accelerator, with_ghosts, wanted, 0, 0); }
    DeviceSlab result(accelerator, wanted, with_ghosts.n_y, with_ghosts.n_x);
    if (result.flux.size() == 0) { return result; }
    std::vector<float> taps;
    std::vector<std::int64_t> centre, half;
    for (const auto& kernel : lsf.kernels) {
        half.push_back(std::ssize(kernel) / 2);
        centre.push_back(std::ssize(taps) + half.back());
        for (const double tap : kernel) { taps.push_back(static_cast<float>(tap)); }
    }
    // One array of integers: the middles, the half widths, the kernels of the pixels.
    const auto n_kernel = std::ssize(centre);
    std::vector<std::int64_t> table(centre);
    table.insert(table.end(), half.begin(), half.end());
    table.insert(table.end(), lsf.kernel_of.begin(), lsf.kernel_of.end());
    const auto device_taps = device::keep_constants(accelerator, taps, "taps of the line-spread function");
    const auto device_table = device::keep_constants(accelerator, table, "kernels of the line-spread function");
    const ConvolveWavelengths convolve{.in = with_ghosts.flux.data(),
                                       .out = result.flux.data(),
                                       .taps = device_taps->data(),
                                       .centre = device_table->data(),
                                       .half = device_table->data() + n_kernel,
                                       .kernel_of = device_table->data() + 2 * n_kernel,
                                       .n_in = have.count,
                                       .n_out = wanted.count,
                                       .n_spaxel = with_ghosts.plane(),
                                       .first_in = have.first,
                                       .first_out = wanted.first,
                                       .half_width = lsf.half_width(),
                                       .edge_is_zero = lsf.edge == Lsf::Edge::zero ? 1 : 0};
    accelerator.compute().for_each(convolve.n_thread(), convolve);
    return result;
}

} // namespace tessera
