#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/pipeline/pipeline.hpp"
#include "tessera/scaling/study.hpp"

namespace tessera {

/// A machine in a few numbers, per rank (a GPU, or a core) where nothing else is said. The defaults are those of
/// configs/machines/laptop.yaml.
struct Machine {
    std::string name = "laptop";
    std::string worker = "core";
    std::int64_t ranks_per_node = 2;
    double memory = 12e9;
    double product_rate = 13.5e9, copy_rate = 1e9, star_rate = 1.2e7, voxel_rate = 3.5e8, start_time = 0.03;
    double inside_bandwidth = 2e9, inside_latency = 5e-6;
    double between_bandwidth = 1.2e9, between_latency = 3e-5;
    double read_rate = 1e9, write_rate = 2e9, file_system_rate = 2e9, file_latency = 5e-3;

    template <class Visitor>
    void describe(Visitor& key) {
        key("name", name, unit::none, "of the machine, for people");
        key("worker", worker, unit::none, "what a rank computes on: core, GPU (which has no reduction by weights)");
        key("node.ranks", ranks_per_node, unit::none, "ranks of a node: its GPUs, or its cores", at_least(1));
        key("rank.memory", memory, "byte", "that a rank may use", above(0));
        key("rank.product_rate", product_rate, "1/s", "multiply-adds of the products of row weights and templates",
            above(0));
        key("rank.copy_rate", copy_rate, "byte/s", "of a pass over a cube: transposing, scaling", above(0));
        key("rank.star_rate", star_rate, "1/s", "stars centred, turned, ordered by spaxel and looked up", above(0));
        key("rank.voxel_rate", voxel_rate, "1/s", "voxels through PSF, LSF and noise", above(0));
        key("rank.start", start_time, unit::second, "opening the inputs and laying out templates, not divided by ranks",
            at_least(0));
        key("inside.bandwidth", inside_bandwidth, "byte/s", "between ranks of a node, one direction, a rank", above(0));
        key("inside.latency", inside_latency, unit::second, "of a message inside a node", at_least(0));
        key("between.bandwidth", between_bandwidth, "byte/s", "out of a node, one direction, all its ranks", above(0));
        key("between.latency", between_latency, unit::second, "of a message between nodes", at_least(0));
        key("files.read_rate", read_rate, "byte/s", "a rank reads at most", above(0));
        key("files.write_rate", write_rate, "byte/s", "a rank writes at most", above(0));
        key("files.file_system_rate", file_system_rate, "byte/s", "of the file system, all ranks together", above(0));
        key("files.latency", file_latency, unit::second, "of opening or closing a file together", at_least(0));
    }
};

/// Reads a machine; an empty path gives the defaults. @throws Error(Kind::config)  as other configurations
Machine read_machine(const std::string& path);

/// What only the stars tell of an exchange.
struct ExchangeCounts {
    std::int64_t n_own_spaxel = 0;    ///< spaxels that this rank makes
    std::int64_t n_others_spaxel = 0; ///< spaxels that other ranks make, one shared by several counted for each of them
    std::int64_t n_star_sent = 0;     ///< stars that it read and others make
    std::int64_t n_weight_sent = 0;   ///< row weights of its stars in spaxels that others sum (`weights`)
    std::int64_t n_weight_summed = 0; ///< row weights that it summed, for all others (`weights`)
};

/// Bytes that rank `rank` of `n_rank` sends, by stage and collective, as Communicator counts them: those that move stars and the cube.
/// Messages of a few bytes (agreements, sums of a spaxel) are not among them. Exact, for `exchange` and `weights` with the counts of the run.
using StageBytes = std::map<std::string, std::map<std::string, std::int64_t>>;
StageBytes predicted_bytes(const CubeSizes& sizes, Reduction reduction, int n_rank, int rank,
                           const ExchangeCounts& counts = {});

struct PredictedStage {
    std::string stage;
    double seconds = 0;
};

/// One number of ranks with one reduction.
struct Prediction {
    Reduction reduction = Reduction::automatic;
    int n_rank = 1;
    std::int64_t n_star = 0;
    std::vector<PredictedStage> stages = {};
    double compute = 0;    ///< s, from the stars in memory to the finished slabs
    double total = 0;      ///< s, from file to file
    double sent = 0;       ///< bytes that a rank sends to bring the cube together
    double memory = 0;     ///< bytes that a rank needs
    double efficiency = 1; ///< of `compute`, against one rank
    double efficiency_total = 1;
    std::string largest = {}; ///< the longest stage of `compute`
};

/// @par Cost  see docs/scaling.md, where every term is written out
Prediction predict(const Machine& machine, const CubeSizes& sizes, Reduction reduction, int n_rank);

/// Row weights that `n_star` stars touch which lie in equal numbers in all spaxels (SpaxelWork::pairs).
double row_weights(double n_star, const CubeSizes& sizes);

/// Predictions of all numbers of ranks and reductions that the workers have, efficiencies filled in; weak: `sizes.n_star_rows` stars a rank.
std::vector<Prediction> predict_scaling(const Machine& machine, const CubeSizes& sizes, ScalingKind kind,
                                        const std::vector<int>& ranks, const std::vector<Reduction>& reductions);

/// Sizes of the cube that the configuration asks for; its stars are those of scaling.stars, or of the galaxy that it names.
/// @param scratch  folder that is made for the while. Collective.
CubeSizes sizes_of(const ScalingConfig& config, const std::string& scratch, Communicator& comm);

/// Strong and weak predictions as a table, JSON, and NAME.json, NAME.png, NAME.svg (one rank calls it).
struct ModelReport {
    Machine machine;
    CubeSizes sizes;
    std::vector<Prediction> strong, weak;

    std::string text() const; ///< Markdown
    std::string json() const;
    std::vector<std::string> write(const std::string& name) const;
    static std::vector<std::string> files(const std::string& name);
};

} // namespace tessera
