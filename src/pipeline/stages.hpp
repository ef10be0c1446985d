#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/galaxy.hpp"
#include "pipeline/instrument_stage.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera {

/// The stages between the particles and the finished slab, on the host or on an accelerator; what one leaves to the next stays there. For
/// one galaxy, or on an accelerator for several that agree (together.hpp): up to synthesis for all of them at once, then for one after
/// the other. Called in this order, once each. Collective.
class Stages {
public:
    virtual ~Stages() = default;
    /// Rotates the galaxies, finds the spaxel of each star, and orders the stars by it. @param galaxies  in the order of the plans
    virtual void project(std::span<Galaxy* const> galaxies) = 0;
    /// @param check  called on all ranks alike between blocks of the cube, where the host makes it in blocks; may throw on all of them
    virtual void synthesise(std::span<SynthesisReport> reports, const Progress& progress,
                            const std::function<void()>& check) = 0;
    virtual void reduce(std::size_t galaxy) = 0;
    /// PSF, then LSF, then noise. @param share  that the galaxy has of what was done for all, for the accelerator's own times
    virtual ObservedCube observe(std::size_t galaxy, double share) = 0;
    /// What this rank sent, all communicators together.
    virtual Traffic traffic() const = 0;
};

/// Those of the plans' accelerator; of the host where there is none, for one plan. Plans and `comm` must outlive them. Collective.
std::unique_ptr<Stages> make_stages(std::vector<const Plan*> plans, Communicator& comm);

} // namespace tessera
