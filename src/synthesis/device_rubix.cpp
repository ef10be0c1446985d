// RUBIX's resampling on an accelerator: batches of stars, each sampled at every pixel, scaled, added to its spaxel.
//
// What it takes of a star and pixel, 16 nodes (4 with linear interpolation): two points of each node, 128 (32) bytes, nearly all from
// the caches, as neighbouring threads want the same; 32 (8) multiply-adds in double, and as many conversions of floats; and the
// sample, 4 bytes written and twice read. An H100 or H200 makes conversions at a quarter of the rate of multiply-adds in double,
// 3.7e12 a second: 9 (2) ps, against 4 (1) ps for the loads from the first-level cache and 2 to 4 ps for the samples, by whether a batch
// stays in the second-level cache. So conversions limit cubic interpolation, samples linear. The look-ups and sums of a batch of 4000
// stars are too few threads to fill a GPU: some 50 us of 100 to 200. 6e6 stars of 3721 pixels: some 0.3 (0.15) s. A prediction: not
// measured.
#include <algorithm>

#include "synthesis/device_star_light.hpp"
#include "synthesis/native_grid.hpp"

namespace tessera {

namespace {

/// Bytes of a batch: enough threads for any GPU, little enough that most of it stays in the second-level cache.
constexpr std::int64_t most_bytes = std::int64_t{64} << 20;

/// Consecutive chunks of stars; the last spaxel may go on in the next batch.
struct ChunkRange {
    std::int64_t first_chunk = 0, n_chunk = 0;
    std::int64_t first_star = 0, n_star = 0;
    std::int64_t first_spaxel = 0, n_spaxel = 0;
};

std::vector<ChunkRange> batches_of(const std::vector<std::int64_t>& start, std::int64_t star_bytes,
                                   std::int64_t chunk_bytes, std::int64_t bytes) {
    std::vector<ChunkRange> out;
    std::int64_t chunk = 0;
    for (std::size_t s = 0; s + 1 < start.size(); ++s) {
        for (std::int64_t first = start[s]; first < start[s + 1]; first += chunk_stars, ++chunk) {
            const std::int64_t n = std::min(chunk_stars, start[s + 1] - first);
            const auto spaxel = static_cast<std::int64_t>(s);
            if (out.empty() || (out.back().n_star + n) * star_bytes + (out.back().n_chunk + 1) * chunk_bytes > bytes) {
                out.push_back({.first_chunk = chunk, .first_star = first, .first_spaxel = spaxel});
            }
            ChunkRange& batch = out.back();
            ++batch.n_chunk;
            batch.n_star += n;
            batch.n_spaxel = spaxel + 1 - batch.first_spaxel;
        }
    }
    return out;
}

} // namespace

/// The library, the pixels and the memory of a batch.
struct DeviceStarLight::RubixRun {
    NativeGrid grid; ///< on the host
    std::int32_t n_node;
    std::int64_t n_pixel;
    device::Buffer<double> rest, per_width, centre, spacing, cumulative;
    device::Buffer<std::int32_t> cell;
    std::shared_ptr<const device::Buffer<float>> light;
    std::vector<ChunkRange> batches = {};
    device::Buffer<std::int32_t> count = {}, node = {};
    device::Buffer<float> weight = {}, sampled = {};
    device::Buffer<double> per_factor = {}, scale = {}, sum = {}, part = {}, carried_here = {}, carried_on = {};

    RubixRun(device::Queue& queue, const ssp::Library& library, const WavelengthGrid& pixels, bool cubic)
        : grid(library, pixels), n_node(cubic ? 16 : 4), n_pixel(pixels.size()),
          rest(queue, grid.rest, "wavelengths of the library"),
          per_width(queue, grid.per_width, "widths of the library's cells"), centre(queue, grid.centre, "pixels"),
          spacing(queue, grid.spacing, "spacing of pixels"),
          cumulative(queue, library.n_node() * library.n_wave(), "prefix sums of the library"),
          cell(queue, grid.cell, "cells of the library"), light(library_on(queue.accelerator(), library)) {
        queue.for_each(library.n_node(), SumLight{library.n_wave(), rest.data(), light->data(), cumulative.data()});
    }

    NativePoints points() const {
        NativePoints there = grid.points();
        there.rest = rest.data();
        there.per_width = per_width.data();
        there.cell = cell.data();
        return there;
    }

    void plan(device::Queue& queue, const std::vector<std::int64_t>& start, std::int64_t bytes) {
        const std::int64_t of_star = n_pixel * 4 + n_node * 8 + RubixBatch::n_lane * 8 + 20;
        batches = batches_of(start, of_star, n_pixel * 8, bytes);
        std::int64_t n_star = 0;
        std::int64_t n_chunk = 0;
        for (const ChunkRange& batch : batches) {
            n_star = std::max(n_star, batch.n_star);
            n_chunk = std::max(n_chunk, batch.n_chunk);
        }
        count = device::Buffer<std::int32_t>(queue, n_star, "numbers of nodes");
        node = device::Buffer<std::int32_t>(queue, n_star * n_node, "nodes of stars");
        weight = device::Buffer<float>(queue, n_star * n_node, "weights of nodes");
        per_factor = device::Buffer<double>(queue, n_star, "Doppler factors");
        scale = device::Buffer<double>(queue, n_star, "light of stars");
        sum = device::Buffer<double>(queue, n_star * RubixBatch::n_lane, "sums of samples");
        sampled = device::Buffer<float>(queue, n_star * n_pixel, "spectra of a batch of stars");
        part = device::Buffer<double>(queue, n_chunk * n_pixel, "spectra of chunks of stars");
        carried_here = device::Buffer<double>(queue, n_pixel, "spectrum of a spaxel");
        carried_on = device::Buffer<double>(queue, n_pixel, "spectrum of a spaxel");
    }

    RubixBatch batch_of(const ChunkRange& batch) {
        return {.first = batch.first_star,
                .n_pixel = n_pixel,
                .n_node = n_node,
                .count = count.data(),
                .node = node.data(),
                .weight = weight.data(),
                .per_factor = per_factor.data(),
                .scale = scale.data(),
                .sum = sum.data(),
                .sampled = sampled.data()};
    }
};

void DeviceStarLight::set_to_rubix(const Progress& progress) {
    const std::int64_t n_pixel = input_->pixels.size();
    if (n_star() == 0 || n_pixel == 0) { return; }
    RubixRun run(queue_, library_, input_->pixels, lookup_.lookup.cubic);
    run.plan(queue_, start(), std::min(budget(), most_bytes));
    std::int64_t n_told = 0;
    for (const ChunkRange& range : run.batches) {
        const RubixBatch batch = run.batch_of(range);
        queue_.for_each(range.n_star,
                        LookUpStar{batch, lookup_.lookup, run.points(), run.cumulative.data(), input_->redshift,
                                   input_->doppler, run.grid.centre.front(), run.grid.centre.back(),
                                   stars_.los_velocity.data(), stars_.initial_mass.data(), stars_.metallicity.data(),
                                   stars_.age.data()});
        queue_.for_each(range.n_star * n_pixel, SampleStar{batch, run.points(), run.light->data(), run.centre.data()});
        queue_.for_each(range.n_star * RubixBatch::n_lane, SumSamples{batch, run.spacing.data()});
        queue_.for_each(range.n_star, ScaleStar{batch});
        queue_.for_each(range.n_chunk * n_pixel, SumStarsOfChunk{batch, table(), range.first_chunk, run.part.data()});
        queue_.for_each(range.n_spaxel * n_pixel,
                        JoinChunks{table(), range.first_chunk, range.first_chunk + range.n_chunk, range.first_spaxel,
                                   n_pixel, run.part.data(), run.carried_here.data(), run.carried_on.data(),
                                   cube_.flux.data(), cube_.n_spaxel, own_column_.data()});
        std::swap(run.carried_here, run.carried_on);
        const std::int64_t n_done = range.first_star + range.n_star;
        if (progress && (n_done - n_told) * 20 >= n_star()) {
            queue_.finish();
            progress(n_done, n_star());
            n_told = n_done;
        }
    }
    queue_.finish(); // lists of the host went up
}

} // namespace tessera
