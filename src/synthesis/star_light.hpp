#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "synthesis/method_choice.hpp"
#include "synthesis/row_synthesis.hpp"
#include "synthesis/survey.hpp"

namespace tessera {

/// What work costs where the stars are, in multiply-adds a pixel of the fastest product there.
struct WorkCosts {
    double single = 2; ///< a weight that no other spaxel shares
    double fill = 10;  ///< an element of a panel of templates
    double host = 1;   ///< a multiply-add on the host, where steps and bases are found
    /// The product takes every row and node for every spaxel, needed or not (a GPU); else those that the stars touch.
    bool dense = false;
};

/// Spaxels (ascending) that are made in one way.
struct LightShare {
    RowKind kind;
    std::vector<std::int64_t> spaxels;
};

/// All light of a galaxy's field, as it is to be summed.
struct FieldLight {
    std::vector<LightShare> shares;
    RowKind exact;       ///< how the few stars that share nothing are made
    NodeColumns columns; ///< nodes that its stars have: of the templates that are no basis
};

/// A rank's stars, on the host or on an accelerator: all that synthesis needs of them before it sums. What it decides (steps, bases,
/// methods) it decides on the host, from sums.
class StarLight {
public:
    virtual ~StarLight() = default;
    virtual const std::vector<std::int64_t>& start() const = 0; ///< [spaxel + 1] this rank's stars
    virtual WorkCosts costs() const = 0;

    /// As the functions of these names (survey.hpp, method_choice.hpp). Collective.
    virtual std::vector<NodeClass> node_classes(Communicator& comm) = 0;
    virtual Survey survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) = 0;

    /// Whether it takes templates from a library of its own: of nodes an outline is enough then.
    virtual bool has_library() const = 0;
    /// Templates of an earlier attempt are gone: their addresses may mean others now.
    virtual void forget_templates() = 0;
    /// Spectra of some spaxels (ascending), apart from the cube: a part of them, whose sum over the ranks they are. Collective.
    virtual PartialCube spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                                const std::vector<std::int64_t>& spaxels) = 0;

    std::int64_t n_spaxel() const { return static_cast<std::int64_t>(start().size()) - 1; }
    std::int64_t n_star() const { return start().back(); }
    std::int64_t n_star_of(std::int64_t spaxel) const {
        const auto s = static_cast<std::size_t>(spaxel);
        return start()[s + 1] - start()[s];
    }
};

/// The stars in the host's memory.
class HostStarLight final : public StarLight {
public:
    HostStarLight(const SpaxelStars& stars, const RowInput& input, ssp::Outside outside, double cost_of_single,
                  BlockedCube& cube, const WeightLimits& limits, Communicator& comm)
        : stars_(stars), input_(input), outside_(outside), cost_of_single_(cost_of_single), cube_(cube),
          limits_(limits), comm_(comm) {}

    const std::vector<std::int64_t>& start() const override { return stars_.start; }
    WorkCosts costs() const override;
    std::vector<NodeClass> node_classes(Communicator& comm) override;
    Survey survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) override;
    bool has_library() const override { return false; }
    void forget_templates() override {}
    /// Adds the light of all spaxels to the cube, and hands its blocks on as they are complete. Collective where blocks are handed on.
    /// @param done   called now and then with a number of stars that were added; together they are all
    void sum(const FieldLight& light, const std::function<void(std::int64_t)>& done);
    PartialCube spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                        const std::vector<std::int64_t>& spaxels) override;

private:
    /// @param together  of the stars of all ranks
    SpaxelLight::Source source(const RowKind& kind, const NodeColumns& columns, bool together) const;
    /// Before anything is made of the stars of all ranks.
    void count_all();

    const SpaxelStars& stars_;
    const RowInput& input_;
    ssp::Outside outside_;
    std::vector<std::int64_t> of_all_; ///< [spaxel] stars of all ranks; empty where nobody asked
    double cost_of_single_;            ///< of TileKernels, that of rank 0
    BlockedCube& cube_;
    WeightLimits limits_;
    Communicator& comm_;
};

} // namespace tessera
