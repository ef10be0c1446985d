#pragma once

#include "pipeline/reduction_choice.hpp"
#include "pipeline/stage_marks.hpp"
#include "pipeline/stages.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/cube/device_cube.hpp"
#include "tessera/view/device_stars.hpp"

namespace tessera {

/// All in an accelerator's memory: the stars go up once, the finished slabs come down.
class DeviceStages final : public Stages {
public:
    DeviceStages(std::vector<const Plan*> plans, Communicator& comm);
    void project(std::span<Galaxy* const> galaxies) override;
    void synthesise(std::span<SynthesisReport> reports, const Progress& progress,
                    const std::function<void()>& check) override;
    void reduce(std::size_t galaxy) override;
    ObservedCube observe(std::size_t galaxy, double share) override;
    Traffic traffic() const override;

private:
    bool exchanges() const { return reduction_.method == Reduction::exchange && mpi_.size() > 1; }
    void watch();
    void log_work();
    Communicator& comm() { return *(by_nccl_ ? by_nccl_.get() : &mpi_); }
    std::vector<const Plan*> plans_; ///< of galaxies that are made together
    const Plan& plan_;               ///< the first: what they agree in
    Communicator& mpi_;
    device::Accelerator& accelerator_;
    device::AcceleratorInfo before_ =
        accelerator_.info();                ///< counts when the cube was begun, or the one before it was done
    std::unique_ptr<Communicator> by_nccl_; ///< null: MPI carries device memory
    DeviceSpaxelStars sky_;
    DevicePartial partial_;
    ReductionChoice reduction_;
    std::vector<std::int64_t> rows_;               ///< with exchange: spaxels that this rank makes
    std::unique_ptr<BlockedReduction> while_made_; ///< reduce-scatter on several ranks: begins during synthesis
    DeviceSlab summed_;
    StageMarks joint_marks_{accelerator_.compute()}; ///< of what is done for all
    StageMarks marks_{accelerator_.compute()};       ///< of one galaxy
};

} // namespace tessera
