#pragma once

#include "pipeline/reduction_choice.hpp"
#include "pipeline/stages.hpp"

namespace tessera {

/// All in the host's memory, one galaxy.
class HostStages final : public Stages {
public:
    HostStages(const Plan& plan, Communicator& comm) : plan_(plan), comm_(comm) {}
    void project(std::span<Galaxy* const> galaxies) override;
    void synthesise(std::span<SynthesisReport> reports, const Progress& progress,
                    const std::function<void()>& check) override;
    void reduce(std::size_t galaxy) override;
    ObservedCube observe(std::size_t galaxy, double share) override;
    Traffic traffic() const override { return comm_.traffic(); }

private:
    bool exchanges() const { return reduction_.method == Reduction::exchange && comm_.size() > 1; }
    std::unique_ptr<SlabBlocks> blocks_of(const CubeBlocks& blocks) const;

    const Plan& plan_;
    Communicator& comm_;
    ReductionChoice reduction_;
    SpaxelStars sky_;                         ///< the stars on the field and its margin, ordered by spaxel
    PartialCube partial_ = PartialCube(0, 0); ///< with `allreduce`
    std::unique_ptr<SlabBlocks> slab_;        ///< else: what the blocks of the cube come together in
    CubeSlab summed_;
};

} // namespace tessera
