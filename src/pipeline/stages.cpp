#include "pipeline/stages.hpp"

#include "pipeline/device_stages.hpp"
#include "pipeline/host_stages.hpp"

namespace tessera {

std::unique_ptr<Stages> make_stages(const Plan& plan, Communicator& comm) {
    if (plan.accelerator) { return std::make_unique<DeviceStages>(plan, comm); }
    return std::make_unique<HostStages>(plan, comm);
}

} // namespace tessera
