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

/// A rank's stars and the cube that their light is added to, on the host or on an accelerator: all that synthesis needs of them. What
/// it decides (steps, bases, methods) it decides on the host, from sums.
class StarLight {
public:
    virtual ~StarLight() = default;
    virtual const std::vector<std::int64_t>& start() const = 0; ///< [spaxel + 1] this rank's stars
    virtual WorkCosts costs() const = 0;

    /// As the functions of these names (survey.hpp, method_choice.hpp). Collective.
    virtual std::vector<NodeClass> node_classes(Communicator& comm) = 0;
    virtual Survey survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) = 0;

    /// Templates of an earlier attempt are gone: their addresses may mean others now.
    virtual void forget_templates() = 0;
    /// Adds the light of some spaxels (ascending) to the cube. @param exact  how the few stars that share nothing are made
    /// @param last  nothing is added after them: planes may be handed on as they are complete
    virtual void add(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                     const std::vector<std::int64_t>& spaxels, bool last,
                     const std::function<void(std::int64_t)>& done) = 0;
    /// Spectra of some spaxels (ascending), apart from the cube.
    virtual PartialCube spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                                const std::vector<std::int64_t>& spaxels) = 0;
    /// All is added: planes that were not handed on yet are now. Collective where planes are handed on.
    virtual void complete() = 0;

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
    /// @param row_of_spaxel  [spaxel] its row in the cube; -1: none, it has no stars here
    HostStarLight(const SpaxelStars& stars, const RowInput& input, ssp::Outside outside, double cost_of_single,
                  std::vector<std::int64_t> row_of_spaxel, PartialCube& cube)
        : stars_(stars), input_(input), outside_(outside), cost_of_single_(cost_of_single),
          row_of_spaxel_(std::move(row_of_spaxel)), cube_(cube) {}

    const std::vector<std::int64_t>& start() const override { return stars_.start; }
    WorkCosts costs() const override;
    std::vector<NodeClass> node_classes(Communicator& comm) override;
    Survey survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) override;
    void forget_templates() override {}
    void add(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
             const std::vector<std::int64_t>& spaxels, bool last,
             const std::function<void(std::int64_t)>& done) override;
    PartialCube spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                        const std::vector<std::int64_t>& spaxels) override;
    void complete() override {}

private:
    const SpaxelStars& stars_;
    const RowInput& input_;
    ssp::Outside outside_;
    double cost_of_single_; ///< of TileKernels, that of rank 0
    std::vector<std::int64_t> row_of_spaxel_;
    PartialCube& cube_;
};

} // namespace tessera
