// The hot loop of `exact`. Stars are sorted by spaxel and taken in batches; for each batch the pixels are taken in blocks, so
// that the templates of a block (all nodes) stay in the level-2 cache while all stars of the batch pass over them.
#include <algorithm>
#include <cmath>
#include <utility>

#include "synthesis/clones.hpp"
#include "synthesis/exact.hpp"

namespace tessera {

namespace {

struct Star {
    ssp::NodeWeights nodes; ///< weights times initial mass
    PixelShift shift;
};

/// Consecutive sorted stars of one spaxel, within a batch.
struct Run {
    std::int64_t spaxel, first, end;
};

/// Pixels [first, end) of the telescope and the log pixels [log_first, log_end) they read.
struct Block {
    std::int64_t first, end, log_first, log_end;
};

/// merged[j] = sum over nodes of weight · node[j]
TESSERA_CPU_CLONES
void merge_nodes(const float* const* node, const float* weight, int count, std::int64_t n, float* __restrict merged) {
    // Four nodes a pass: bilinear inside a cell needs one, bicubic four. Fewer streams at once, fewer trips over `merged`.
    int i = 0;
    for (bool first = true; i + 4 <= count; i += 4, first = false) {
        const float* __restrict a = node[i];
        const float* __restrict b = node[i + 1];
        const float* __restrict c = node[i + 2];
        const float* __restrict d = node[i + 3];
        const float* w = weight + i;
        if (first) {
            for (std::int64_t j = 0; j < n; ++j) { merged[j] = w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j]; }
        } else {
            for (std::int64_t j = 0; j < n; ++j) { merged[j] += w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j]; }
        }
    }
    if (i == 0) {
        for (std::int64_t j = 0; j < n; ++j) { merged[j] = weight[0] * node[0][j]; }
        i = 1;
    }
    for (; i < count; ++i) {
        const float* __restrict a = node[i];
        const float w = weight[i];
        for (std::int64_t j = 0; j < n; ++j) { merged[j] += w * a[j]; }
    }
}

/// sum[j] += four taps of merged from j on
TESSERA_CPU_CLONES
void add_shifted(const float* __restrict merged, const float* tap, std::int64_t n, float* __restrict sum) {
    const float t0 = tap[0];
    const float t1 = tap[1];
    const float t2 = tap[2];
    const float t3 = tap[3];
    for (std::int64_t j = 0; j < n; ++j) {
        sum[j] += t0 * merged[j] + t1 * merged[j + 1] + t2 * merged[j + 2] + t3 * merged[j + 3];
    }
}

TESSERA_CPU_CLONES
void flush(float* __restrict sum, std::int64_t n, double* __restrict total) {
    for (std::int64_t j = 0; j < n; ++j) {
        total[j] += static_cast<double>(sum[j]);
        sum[j] = 0;
    }
}

/// Blocks of pixels that read about `log_pixels` log pixels each.
std::vector<Block> make_blocks(const Rebin& rebin, std::int64_t log_pixels) {
    std::vector<Block> blocks;
    for (std::int64_t first = 0; first < rebin.n_pixel();) {
        std::int64_t end = first + 1;
        while (end < rebin.n_pixel() && rebin.end(end) - rebin.first(first) <= log_pixels) { ++end; }
        blocks.push_back({first, end, rebin.first(first), rebin.end(end - 1)});
        first = end;
    }
    return blocks;
}

/// Scratch of one thread.
struct Lines {
    std::vector<float> merged, sum;
    std::vector<double> total;
};

class Worker {
public:
    Worker(const LogTemplates& templates, const Rebin& rebin, PartialCube& cube)
        : templates_(templates), rebin_(rebin), cube_(cube) {}

    /// All stars of a run over one block of pixels; `stars` are the batch's, in the order of summation.
    void work(const Run& run, const Block& block, const std::vector<Star>& stars, std::int64_t batch_first) const {
        thread_local Lines lines;
        const std::int64_t n = block.log_end - block.log_first;
        lines.merged.resize(static_cast<std::size_t>(n + 3));
        lines.sum.assign(static_cast<std::size_t>(n), 0.0F);
        lines.total.assign(static_cast<std::size_t>(n), 0.0);
        // Sums in float are added up in double every so many stars: the result does not drift with their number.
        constexpr std::int64_t stars_per_sum = 32;
        std::int64_t in_sum = 0;
        for (std::int64_t i = run.first; i < run.end; ++i) {
            const Star& star = stars[static_cast<std::size_t>(i - batch_first)];
            if (star.nodes.count == 0) { continue; }
            const std::int64_t at = templates_.margin + block.log_first + star.shift.offset;
            const float* node[16];
            for (int k = 0; k < star.nodes.count; ++k) { node[k] = templates_.node(star.nodes.node[k]) + at; }
            merge_nodes(node, star.nodes.weight, star.nodes.count, n + 3, lines.merged.data());
            add_shifted(lines.merged.data(), star.shift.tap, n, lines.sum.data());
            if (++in_sum == stars_per_sum) {
                flush(lines.sum.data(), n, lines.total.data());
                in_sum = 0;
            }
        }
        flush(lines.sum.data(), n, lines.total.data());
        float* out = cube_.flux().row(run.spaxel);
        for (std::int64_t k = block.first; k < block.end; ++k) {
            out[k] += static_cast<float>(rebin_.apply(k, lines.total.data(), block.log_first));
        }
    }

private:
    const LogTemplates& templates_;
    const Rebin& rebin_;
    PartialCube& cube_;
};

/// Look-up and shift of the batch's stars.
void look_up(const ExactInput& input, double log_step, std::int64_t first, std::int64_t end, std::vector<Star>& batch) {
    const double at_rest = doppler_factor(input.redshift, 0, input.doppler);
    batch.resize(static_cast<std::size_t>(end - first));
    device::for_each(input.where, end - first, 1024, [&](std::int64_t i) {
        const auto star = static_cast<std::size_t>(first + i);
        Star& out = batch[static_cast<std::size_t>(i)];
        const SpaxelStars& stars = input.stars;
        out.nodes = input.interpolator.at(stars.metallicity[star], stars.age[star]);
        for (int k = 0; k < out.nodes.count; ++k) { out.nodes.weight[k] *= stars.initial_mass[star]; }
        const double factor = doppler_factor(input.redshift, stars.los_velocity[star], input.doppler);
        out.shift = PixelShift::at(std::log(factor / at_rest) / log_step);
    });
}

/// Stars of the same cell of the library one after the other within each run: their rows of the templates are then still in
/// the level-1 cache. Ties stay in input order, so that the sum is the same for any number of threads.
void group_by_cell(const device::Host& where, const std::vector<Run>& runs, std::int64_t batch_first,
                   std::vector<Star>& batch) {
    const std::vector<Star> unordered = batch;
    device::for_each(where, static_cast<std::int64_t>(runs.size()), 8, [&](std::int64_t i_run) {
        const Run& run = runs[static_cast<std::size_t>(i_run)];
        std::vector<std::pair<std::int32_t, std::int32_t>> order; // cell, place in the batch
        for (std::int64_t i = run.first - batch_first; i < run.end - batch_first; ++i) {
            const Star& star = unordered[static_cast<std::size_t>(i)];
            order.emplace_back(star.nodes.count > 0 ? star.nodes.node[0] : 0, static_cast<std::int32_t>(i));
        }
        std::sort(order.begin(), order.end());
        std::size_t to = static_cast<std::size_t>(run.first - batch_first);
        for (const auto& [cell, from] : order) { batch[to++] = unordered[static_cast<std::size_t>(from)]; }
    });
}

/// Sorted stars [first, end) cut at spaxel borders; `spaxel` is the first one that may hold any, and is advanced.
std::vector<Run> make_runs(const SpaxelStars& sorted, std::int64_t first, std::int64_t end, std::int64_t& spaxel) {
    std::vector<Run> runs;
    for (std::int64_t i = first; i < end;) {
        while (sorted.start[static_cast<std::size_t>(spaxel) + 1] <= i) { ++spaxel; }
        const std::int64_t stop = std::min(end, sorted.start[static_cast<std::size_t>(spaxel) + 1]);
        runs.push_back({spaxel, i, stop});
        i = stop;
    }
    return runs;
}

} // namespace

void exact_conserving(const ExactInput& input, const LogTemplates& templates, const Rebin& rebin, PartialCube& cube) {
    // All nodes of a block in a level-2 cache (1 MiB); not so short that the overlap of blocks costs.
    constexpr std::int64_t cache_floats = 1024 * 1024 / 4;
    const std::int64_t log_pixels_per_block = std::clamp<std::int64_t>(cache_floats / templates.n_node, 256, 4096);
    const std::vector<Block> blocks = make_blocks(rebin, log_pixels_per_block);
    const Worker worker(templates, rebin, cube);
    const auto n_star = input.stars.size();
    std::vector<Star> batch;
    std::int64_t spaxel = 0;
    for (std::int64_t first = 0; first < n_star; first += stars_per_batch) {
        const std::int64_t end = std::min(n_star, first + stars_per_batch);
        look_up(input, templates.grid.step, first, end, batch);
        const std::vector<Run> runs = make_runs(input.stars, first, end, spaxel);
        group_by_cell(input.where, runs, first, batch);
        const auto n_run = static_cast<std::int64_t>(runs.size());
        // Runs fastest: threads share the block's templates. A (run, block) writes its own pixels of its own spaxel.
        device::for_each(input.where, n_run * static_cast<std::int64_t>(blocks.size()),
                         std::clamp<std::int64_t>(n_run / 64, 1, 16), [&](std::int64_t task) {
                             worker.work(runs[static_cast<std::size_t>(task % n_run)],
                                         blocks[static_cast<std::size_t>(task / n_run)], batch, first);
                         });
        if (input.progress) { input.progress(end, n_star); }
    }
}

} // namespace tessera
