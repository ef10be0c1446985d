#pragma once

#include <functional>
#include <memory>

#include "pipeline/galaxy.hpp"
#include "pipeline/instrument_stage.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera {

/// The stages between the particles and the finished slab, on the host or on an accelerator; what one leaves to the next stays there.
/// Called in this order, once each. Collective.
class Stages {
public:
    virtual ~Stages() = default;
    /// Rotates the galaxy, finds the spaxel of each star, and orders the stars by it. An empty field is an error unless the user
    /// asked for zeros.
    virtual void project(Galaxy& galaxy) = 0;
    /// @param check  called on all ranks alike between blocks of the cube, where the host makes it in blocks; may throw on all of them
    virtual void synthesise(SynthesisReport& report, const Progress& progress, const std::function<void()>& check) = 0;
    virtual void reduce() = 0;
    /// PSF, then LSF, then noise.
    virtual ObservedCube observe() = 0;
    /// What this rank sent, all communicators together.
    virtual Traffic traffic() const = 0;
};

/// Those of plan.accelerator, of the host where there is none. `plan` and `comm` must outlive them. Collective.
std::unique_ptr<Stages> make_stages(const Plan& plan, Communicator& comm);

} // namespace tessera
