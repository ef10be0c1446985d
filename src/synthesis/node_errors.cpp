#include "synthesis/node_errors.hpp"

#include <algorithm>
#include <cmath>

#include "core/cpu_clones.hpp"
#include "synthesis/tile_kernel.hpp"
#include "synthesis/velocity_rows.hpp"
#include "tessera/core/random.hpp"

namespace tessera {

namespace {

/// Sums over some pixels.
struct NodeSums {
    std::vector<double> light, square, largest;
    std::vector<double> sketch; ///< [column, sketch_size]; empty: not wanted
    std::int64_t n_pixel = 0;

    NodeSums(std::int64_t n_column, bool with_sketch)
        : light(static_cast<std::size_t>(n_column), 0.0), square(light), largest(light),
          sketch(with_sketch ? light.size() * sketch_size : 0, 0.0) {}
    void add(const NodeSums& other) {
        for (std::size_t c = 0; c < light.size(); ++c) {
            light[c] += other.light[c];
            square[c] += other.square[c];
            largest[c] = std::max(largest[c], other.largest[c]);
        }
        for (std::size_t i = 0; i < sketch.size(); ++i) { sketch[i] += other.sketch[i]; }
        n_pixel += other.n_pixel;
    }
    /// @param counts  [tile_pixels] 1 or 0;  truth, difference  [column, tile_pixels]
    void add(const float* counts, const AlignedFloats& truth, const AlignedFloats& difference) {
        for (std::int64_t k = 0; k < tile_pixels; ++k) { n_pixel += counts[k] > 0 ? 1 : 0; }
        for (std::size_t c = 0; c < light.size(); ++c) {
            add_pixels(counts, truth.data() + c * tile_pixels, difference.data() + c * tile_pixels, light[c], square[c],
                       largest[c]);
        }
    }

    /// @param block  which of the blocks of pixels: they have signs of their own
    void add_sketch(std::int64_t block, const float* counts, const AlignedFloats& difference) {
        constexpr std::uint64_t stream = 0x736b6574; // "sket"
        alignas(64) float signs[tile_pixels * sketch_size];
        for (std::size_t at = 0; at < std::size(signs); at += 128) {
            const Philox random = Philox::at(static_cast<std::uint64_t>(block), stream, at);
            for (std::size_t bit = 0; bit < 128; ++bit) {
                signs[at + bit] = (random.word[bit / 32] >> (bit % 32) & 1U) != 0 ? 1.0F : -1.0F;
            }
        }
        for (std::size_t c = 0; c < light.size(); ++c) {
            signed_sums(signs, counts, difference.data() + c * tile_pixels, sketch.data() + c * sketch_size);
        }
    }

private:
    TESSERA_CPU_CLONES
    static void signed_sums(const float* signs, const float* counts, const float* difference, double* out) {
        float sum[sketch_size] = {};
        for (std::int64_t k = 0; k < tile_pixels; ++k) {
            const float d = counts[k] * difference[k];
            for (std::int64_t j = 0; j < sketch_size; ++j) { sum[j] += d * signs[k * sketch_size + j]; }
        }
        for (std::int64_t j = 0; j < sketch_size; ++j) { out[j] += static_cast<double>(sum[j]); }
    }

    TESSERA_CPU_CLONES
    static void add_pixels(const float* counts, const float* truth, const float* difference, double& light_sum,
                           double& square_sum, double& largest_one) {
        constexpr std::int64_t lane = 16;
        float sum[lane] = {};
        float squares[lane] = {};
        float most[lane] = {};
        for (std::int64_t k = 0; k < tile_pixels; k += lane) {
            for (std::int64_t i = 0; i < lane; ++i) {
                const float d = std::abs(counts[k + i] * difference[k + i]);
                sum[i] += counts[k + i] * truth[k + i];
                squares[i] += d * d;
                most[i] = most[i] > d ? most[i] : d;
            }
        }
        for (std::int64_t i = 0; i < lane; ++i) {
            light_sum += static_cast<double>(sum[i]);
            square_sum += static_cast<double>(squares[i]);
            largest_one = std::max(largest_one, static_cast<double>(most[i]));
        }
    }
};

/// What one block of pixels is compared in; of one thread, reused.
struct Panels {
    AlignedFloats truth, difference, row; ///< [column, tile_pixels]
};

/// The spectra in pixels [first, first + n) for one Doppler factor: [column, tile_pixels].
void see(const Spectra& spectra, const WavelengthGrid& pixels, std::int64_t first, std::int64_t n,
         double doppler_factor, AlignedFloats& out) {
    out.resize(static_cast<std::size_t>(spectra.n_column * tile_pixels));
    const PixelBands bands(spectra.wavelength, pixels, first, first + n, doppler_factor);
    tile_kernels().fill(spectra.light.data(), spectra.n_column, bands.first.data(), bands.weight.data(), bands.width, n,
                        out.data());
}

TESSERA_CPU_CLONES
void subtract_scaled(float factor, const float* __restrict from, float* __restrict to) {
    for (std::int64_t k = 0; k < tile_pixels; ++k) { to[k] -= factor * from[k]; }
}

/// compare(first, n, panels) for the chosen blocks; sums in their order.
template <class Compare>
NodeErrors over_pixels(std::int64_t n_column, const PixelChoice& choice, bool with_sketch, const device::Host& where,
                       const Compare& compare) {
    const std::int64_t n_pixel = choice.pixels.size();
    const std::int64_t n_block = (n_pixel + tile_pixels - 1) / tile_pixels;
    std::vector<NodeSums> sums(static_cast<std::size_t>((n_block + choice.every - 1) / choice.every),
                               NodeSums(n_column, with_sketch));
    device::for_each(where, static_cast<std::int64_t>(sums.size()), 1, [&](std::int64_t i) {
        const std::int64_t first = i * choice.every * tile_pixels;
        const std::int64_t n = std::min(tile_pixels, n_pixel - first);
        thread_local Panels panels;
        compare(first, n, panels);
        float counts[tile_pixels] = {};
        for (std::int64_t k = 0; k < n; ++k) {
            counts[k] = choice.covered[static_cast<std::size_t>(first + k)] ? 1.0F : 0.0F;
        }
        sums[static_cast<std::size_t>(i)].add(counts, panels.truth, panels.difference);
        if (with_sketch) { sums[static_cast<std::size_t>(i)].add_sketch(i, counts, panels.difference); }
    });
    NodeSums all(n_column, with_sketch);
    for (const NodeSums& some : sums) { all.add(some); }
    NodeErrors out;
    for (std::size_t c = 0; c < all.light.size(); ++c) {
        const double n = static_cast<double>(std::max<std::int64_t>(all.n_pixel, 1));
        const double mean = all.light[c] / n;
        out.mean.push_back(std::max(mean, 0.0));
        out.rms.push_back(mean > 0 ? std::sqrt(all.square[c] / n) / mean : 0.0);
        out.largest.push_back(mean > 0 ? all.largest[c] / mean : 0.0);
    }
    // The squares of sketch_size sums of n signed terms add up to sketch_size · n mean squares.
    const double scale = 1 / std::sqrt(static_cast<double>(sketch_size * std::max<std::int64_t>(all.n_pixel, 1)));
    for (const double sum : all.sketch) { out.sketch.push_back(static_cast<float>(sum * scale)); }
    return out;
}

} // namespace

void NodeErrors::take_larger(const NodeErrors& other) {
    for (std::size_t c = 0; c < rms.size(); ++c) {
        rms[c] = std::max(rms[c], other.rms[c]);
        largest[c] = std::max(largest[c], other.largest[c]);
    }
}

double NodeErrors::worst_rms() const { return rms.empty() ? 0 : *std::max_element(rms.begin(), rms.end()); }
double NodeErrors::worst_pixel() const {
    return largest.empty() ? 0 : *std::max_element(largest.begin(), largest.end());
}

NodeErrors step_errors(const Spectra& nodes, const PixelChoice& choice, double redshift, double step,
                       const device::Host& where) {
    const Lagrange4 half = Lagrange4::at(0.5);
    return over_pixels(nodes.n_used, choice, false, where, [&](std::int64_t first, std::int64_t n, Panels& panels) {
        const auto see_at = [&](double rows, AlignedFloats& out) {
            see(nodes, choice.pixels, first, n, (1 + redshift) * std::exp(rows * step), out);
        };
        see_at(0.5, panels.truth);
        panels.difference = panels.truth;
        for (int m = 0; m < 4; ++m) {
            see_at(m - 1, panels.row);
            for (std::size_t i = 0; i < panels.row.size(); i += tile_pixels) {
                subtract_scaled(static_cast<float>(half.weight[m]), panels.row.data() + i,
                                panels.difference.data() + i);
            }
        }
    });
}

NodeErrors compression_errors(const Spectra& nodes, const ssp::Compression& compression, const Spectra& basis,
                              const PixelChoice& choice, double redshift, const device::Host& where) {
    return over_pixels(nodes.n_used, choice, true, where, [&](std::int64_t first, std::int64_t n, Panels& panels) {
        see(nodes, choice.pixels, first, n, 1 + redshift, panels.truth);
        panels.difference = panels.truth;
        see(basis, choice.pixels, first, n, 1 + redshift, panels.row);
        const auto rank = static_cast<std::size_t>(compression.rank);
        for (std::size_t c = 0; c < static_cast<std::size_t>(nodes.n_used); ++c) {
            for (std::size_t j = 0; j < rank; ++j) {
                subtract_scaled(compression.coefficients[c * rank + j], panels.row.data() + j * tile_pixels,
                                panels.difference.data() + c * tile_pixels);
            }
        }
    });
}

} // namespace tessera
