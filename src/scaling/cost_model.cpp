#include "tessera/scaling/cost_model.hpp"

#include <algorithm>
#include <cmath>

#include "cube/ghost_exchange.hpp"
#include "scaling/synthetic_work.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

namespace {

constexpr double star_bytes_read = 40,
                 star_bytes_sent = 20; // x, y, vz, mass, metallicity, age as stored; as they travel
constexpr double tile_pixels = 128;    // that are multiplied at a time
constexpr double velocity_rows = 40;   // that templates are made for: 1200 km/s in steps of 30
constexpr double error_products = 450; // multiply-adds a node and pixel: settings by measured errors, error sample

/// A group of ranks on a machine: what messages cost among them.
struct Network {
    const Machine& machine;
    double n_rank, in_node, n_node;

    Network(const Machine& of, int n)
        : machine(of), n_rank(n), in_node(std::min<double>(n, static_cast<double>(of.ranks_per_node))),
          n_node(std::ceil(n / static_cast<double>(of.ranks_per_node))) {}

    double steps() const {
        return std::ceil(std::log2(in_node)) * machine.inside_latency +
               std::ceil(std::log2(n_node)) * machine.between_latency;
    }

    /// First inside the nodes, then each rank's part between them: a node sends (M-1)/M of the buffer, whatever its ranks.
    double reduce_scatter(double bytes) const {
        return steps() + bytes * (in_node - 1) / in_node / machine.inside_bandwidth +
               bytes * (n_node - 1) / n_node / machine.between_bandwidth;
    }
    double all_reduce(double bytes) const { return 2 * reduce_scatter(bytes); }
    /// Every rank sends `bytes` in equal parts to all ranks, itself included, one after the other; in so many calls.
    double all_to_all(double bytes, double n_call) const {
        const double inside = bytes * (in_node - 1) / n_rank, between = bytes * (n_rank - in_node) / n_rank;
        return n_call * ((in_node - 1) * machine.inside_latency + (n_rank - in_node) * machine.between_latency) +
               std::max(inside / machine.inside_bandwidth, between * in_node / machine.between_bandwidth);
    }
    /// Every rank has its part of `bytes`, and gets all; in so many calls.
    double all_gather(double bytes, double n_call) const {
        return n_call * steps() + bytes * (in_node - 1) / in_node / machine.inside_bandwidth +
               bytes * (n_node - 1) / n_node / machine.between_bandwidth;
    }
    double broadcast(double bytes) const {
        return steps() + bytes * (in_node > 1 ? 1 / machine.inside_bandwidth : 0) +
               bytes * (n_node > 1 ? 1 / machine.between_bandwidth : 0);
    }
};

} // namespace

Machine read_machine(const std::string& path) {
    Machine machine;
    if (path.empty()) { return machine; }
    OptionTable table;
    machine.describe(table);
    table.set_all(read_yaml(path), path);
    return machine;
}

StageBytes predicted_bytes(const CubeSizes& sizes, Reduction reduction, int n_rank, int rank,
                           const ExchangeCounts& counts) {
    StageBytes out;
    if (n_rank == 1) { return out; }
    const std::int64_t cube = sizes.cube_bytes();
    const std::int64_t slab = slab_of(sizes.n_pixel, rank, n_rank).count * sizes.n_spaxel * 4;
    switch (reduction) {
    case Reduction::allreduce: out["reduce"]["all_reduce"] = 2 * cube * (n_rank - 1) / n_rank; break;
    case Reduction::automatic:
    case Reduction::reduce_scatter: out["synthesis"]["reduce_scatter"] = cube - slab; break;
    case Reduction::exchange: {
        const std::int64_t others = sizes.n_pixel - slab_of(sizes.n_pixel, rank, n_rank).count;
        constexpr std::int64_t star_bytes = 20, count_bytes = 8;
        out["spaxels"]["all_to_all"] = count_bytes * counts.n_others_spaxel + star_bytes * counts.n_star_sent;
        out["synthesis"]["all_to_all"] = counts.n_own_spaxel * others * 4;
        break;
    }
    case Reduction::weights: {
        // A length of each spaxel's list, and the weights, to who sums them and from there to all.
        constexpr std::int64_t weight_bytes = 8, length_bytes = 8;
        out["synthesis"]["all_to_all"] = length_bytes * counts.n_others_spaxel + weight_bytes * counts.n_weight_sent;
        out["synthesis"]["all_gather"] =
            (length_bytes * counts.n_own_spaxel + weight_bytes * counts.n_weight_summed) * (n_rank - 1);
        break;
    }
    }
    if (sizes.lsf_half_width > 0) {
        const GhostExchange ghosts(sizes.lsf_half_width, sizes.n_pixel, sizes.n_spaxel_field, rank, n_rank);
        std::int64_t sent = 0;
        for (const std::int64_t n : ghosts.send_counts) { sent += n * 4; }
        if (sent > 0) { out["lsf"]["all_to_all"] = sent; }
    }
    return out;
}

double row_weights(double n_star, const CubeSizes& sizes) {
    const double spaxels = static_cast<double>(sizes.n_spaxel);
    return spaxels * std::min(sizes.work.pairs(n_star / spaxels), velocity_rows * static_cast<double>(sizes.n_node));
}

namespace {

/// Times of the reductions that differ: making the partial sums, and bringing them together.
struct Joined {
    double synthesis, reduce, sent, cubes; ///< cubes: of memory, in whole cubes
};

Joined joined(const Machine& machine, const CubeSizes& sizes, Reduction reduction, const Network& network) {
    const double n_star = static_cast<double>(sizes.n_star_rows), p = network.n_rank;
    const auto pixels = static_cast<double>(sizes.n_pixel);
    const auto cube = static_cast<double>(sizes.cube_bytes());
    const double templates = static_cast<double>(sizes.n_node) * velocity_rows * pixels / machine.product_rate;
    const double partial = templates + row_weights(n_star / p, sizes) * pixels / machine.product_rate;
    if (p == 1) { return {partial, 0, 0, 2}; }          // blocks are turned where they are made
    const double passes = 2 * cube / machine.copy_rate; // cleared, and added up or turned as it arrives
    switch (reduction) {
    case Reduction::allreduce: return {partial, passes + network.all_reduce(cube), 2 * cube * (p - 1) / p, 1 + 2 / p};
    case Reduction::automatic:
    case Reduction::reduce_scatter: break;
    case Reduction::weights: {
        // Each rank makes 1/P of the wavelengths of all weights; those of 1/P of the stars go to who sums them, and the sums to all.
        constexpr double weight_bytes = 8;
        const double all = row_weights(n_star, sizes), own = row_weights(n_star / p, sizes);
        const double sent = weight_bytes * (own + all), messages = 2 * (1 + all / 1e6);
        const double tiles = std::ceil(pixels / p / tile_pixels) * tile_pixels * p / pixels; // the last one is not full
        return {(templates + all * pixels / machine.product_rate) / p * tiles +
                    weight_bytes * (2 * own + 2 * all) / machine.copy_rate,
                passes / p / 2 + network.all_to_all(weight_bytes * own, messages) +
                    network.all_gather(weight_bytes * all, messages),
                sent * (p - 1) / p, 1 / p};
    }
    case Reduction::exchange: {
        // A spaxel's stars are together again: rows are shared by all of them, and each rank has 1/P of the spaxels.
        const double own = templates + row_weights(n_star, sizes) / p * pixels / machine.product_rate;
        const double stars = n_star / p * star_bytes_sent;
        constexpr double star_messages = 6; // counts, five properties
        const auto blocks = static_cast<double>(blocks_collected(sizes.cube_bytes(), static_cast<int>(p)));
        return {own, passes / p + network.all_to_all(stars, star_messages) + network.all_to_all(cube / p, blocks),
                (stars + cube / p) * (p - 1) / p, 2 / p};
    }
    }
    return {partial, passes + network.reduce_scatter(cube), cube * (p - 1) / p, 2 / p};
}

} // namespace

Prediction predict(const Machine& machine, const CubeSizes& sizes, Reduction reduction, int n_rank) {
    const Network network(machine, n_rank);
    const double p = n_rank, n_star = static_cast<double>(sizes.n_star_rows), stars = n_star / p;
    const double slab = std::ceil(static_cast<double>(sizes.n_pixel) / p); // planes of the largest
    const double field = static_cast<double>(sizes.n_spaxel_field), spaxels = static_cast<double>(sizes.n_spaxel);
    const double ghosts = n_rank == 1 ? 0 : 2 * static_cast<double>(sizes.lsf_half_width);
    Joined way = joined(machine, sizes, reduction, network);
    if (sizes.estimates_errors) {
        way.synthesis += error_products * static_cast<double>(sizes.n_node * sizes.n_pixel) / p / machine.product_rate;
    }
    const auto files = [&](double bytes, double rate) {
        return machine.file_latency * (1 + std::log2(p)) + bytes / std::min(rate * p, machine.file_system_rate);
    };
    const double written = field * static_cast<double>(sizes.n_pixel_band) * 9; // flux, variance, mask
    Prediction out{.reduction = reduction, .n_rank = n_rank, .n_star = sizes.n_star_rows};
    // Counts and sums of spaxels that all ranks need: a dozen doubles each.
    const double survey = 2 * network.all_reduce(spaxels * 8 * 12);
    out.stages = {
        {"prepare", machine.start_time + network.broadcast(static_cast<double>(sizes.library_bytes))},
        {"read", files(n_star * star_bytes_read, machine.read_rate)},
        {"stars", stars / machine.star_rate},
        {"sums", survey},
        {"synthesis", way.synthesis},
        {"reduce", way.reduce},
        {"instrument", slab * spaxels / machine.voxel_rate + ghosts * field / machine.voxel_rate +
                           (n_rank > 1 ? 2 * network.steps() + ghosts * field * 4 / machine.between_bandwidth : 0)},
        {"maps", network.all_reduce(field * 8 * 24)},
        {"write", files(written, machine.write_rate)},
    };
    double longest = 0;
    for (const PredictedStage& stage : out.stages) {
        out.total += stage.seconds;
        if (stage.stage == "prepare" || stage.stage == "read" || stage.stage == "write") { continue; }
        out.compute += stage.seconds;
        if (stage.seconds > longest) {
            longest = stage.seconds;
            out.largest = stage.stage;
        }
    }
    out.sent = way.sent;
    out.memory = std::max(way.cubes * static_cast<double>(sizes.cube_bytes()), stars * 50) +
                 static_cast<double>(sizes.library_bytes) * 2;
    return out;
}

std::vector<Prediction> predict_scaling(const Machine& machine, const CubeSizes& sizes, ScalingKind kind,
                                        const std::vector<int>& ranks, const std::vector<Reduction>& reductions) {
    std::vector<Prediction> out;
    for (const Reduction reduction : reductions) {
        if (reduction == Reduction::weights && machine.worker == "GPU") { continue; } // not there
        const Prediction one = predict(machine, sizes, reduction, 1);
        for (const int n_rank : ranks) {
            CubeSizes now = sizes;
            if (kind == ScalingKind::weak) { now.n_star_rows *= n_rank; }
            Prediction prediction = predict(machine, now, reduction, n_rank);
            const double share = kind == ScalingKind::strong ? n_rank : 1;
            prediction.efficiency = one.compute / (share * prediction.compute);
            prediction.efficiency_total = one.total / (share * prediction.total);
            out.push_back(std::move(prediction));
        }
    }
    return out;
}

CubeSizes sizes_of(const ScalingConfig& config, const std::string& scratch, Communicator& comm) {
    ScalingConfig small = config;
    small.scaling.stars = std::min<std::int64_t>(config.scaling.stars, 100); // grids do not depend on the stars
    const ScalingRequest request{.ranks = {1}, .scratch = scratch};
    const ScalingWork work(small, request, comm);
    CubeSizes sizes = forecast_cube(work.config_of(1, Reduction::automatic), comm).sizes;
    if (config.cube.simulation.path.empty()) { sizes.n_star_rows = config.scaling.stars; }
    return sizes;
}

} // namespace tessera
