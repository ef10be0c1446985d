#include "pipeline/stages.hpp"

#include <utility>

#include "pipeline/device_stages.hpp"
#include "pipeline/host_stages.hpp"

namespace tessera {

std::unique_ptr<Stages> make_stages(std::vector<const Plan*> plans, Communicator& comm) {
    if (plans.front()->accelerator) { return std::make_unique<DeviceStages>(std::move(plans), comm); }
    return std::make_unique<HostStages>(*plans.front(), comm);
}

} // namespace tessera
