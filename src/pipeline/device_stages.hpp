#pragma once

#include "pipeline/reduction_choice.hpp"
#include "pipeline/stage_marks.hpp"
#include "pipeline/stages.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/cube/device_cube.hpp"
#include "tessera/view/device_stars.hpp"

namespace tessera {

/// All in an accelerator's memory: the stars go up once, the finished slab comes down.
class DeviceStages final : public Stages {
public:
    DeviceStages(const Plan& plan, Communicator& comm);
    void project(Galaxy& galaxy) override;
    void synthesise(SynthesisReport& report, const Progress& progress, const std::function<void()>& check) override;
    void reduce() override;
    ObservedCube observe() override;
    Traffic traffic() const override;

private:
    bool exchanges() const { return reduction_.method == Reduction::exchange && mpi_.size() > 1; }
    void watch();
    void log_work() const;
    Communicator& comm() { return *(by_nccl_ ? by_nccl_.get() : &mpi_); }
    const Plan& plan_;
    Communicator& mpi_;
    device::Accelerator& accelerator_;
    device::AcceleratorInfo before_ = accelerator_.info(); ///< counts when the cube was begun
    std::unique_ptr<Communicator> by_nccl_;                ///< null: MPI carries device memory
    DeviceSpaxelStars sky_;
    DevicePartial partial_;
    ReductionChoice reduction_;
    std::vector<std::int64_t> rows_;               ///< with exchange: spaxels that this rank makes
    std::unique_ptr<BlockedReduction> while_made_; ///< reduce-scatter on several ranks: begins during synthesis
    DeviceSlab summed_;
    StageMarks marks_{accelerator_.compute()};
};

} // namespace tessera
