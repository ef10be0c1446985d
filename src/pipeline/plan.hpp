#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tessera/cosmology/cosmology.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/device/device.hpp"
#include "tessera/pipeline/config.hpp"
#include "tessera/pipeline/pipeline.hpp"
#include "tessera/ssp/interpolation.hpp"

namespace tessera {

class Communicator;

/// Everything that is settled before the first particle is read; the same on every rank.
struct Plan {
    const Config& config;
    std::shared_ptr<SnapshotIndex> galaxies; ///< what the snapshot looks things up in, where it does; outlives it
    std::unique_ptr<Snapshot> snapshot;
    std::shared_ptr<const ssp::Library> owned_library; ///< perhaps with other plans
    const ssp::Library& library = *owned_library;
    Cosmology cosmology;
    Telescope telescope = {};
    Kernel2D psf = {};
    SpatialGrid field = {};     ///< with the margin that the PSF reaches over
    WavelengthGrid band = {};   ///< the telescope's pixels
    WavelengthGrid pixels = {}; ///< the band and `n_before` … ghost pixels on either side that the LSF reaches over
    std::int64_t n_before = 0;  ///< pixels before the band
    Lsf lsf = {};               ///< on `pixels`
    device::Host where = {};
    std::shared_ptr<device::Accelerator> accelerator = nullptr; ///< null: all on the host
    bool rubix = false;                                         ///< preset: rubix
    FieldIndex index = {};         ///< with simulation.depth; null in a forecast that finds none
    ByType<FieldRows> others = {}; ///< what simulation.depth adds, as far as is known before the stars are read
    Reduction reduction = Reduction::automatic; ///< as configured, or what alone is possible; `auto`: the stars decide
    std::string reduction_reason = {};          ///< in words; empty: the stars decide
    ConvolutionLayout convolution = ConvolutionLayout::slab; ///< as configured or chosen, never `auto`
    std::string convolution_reason = {};                     ///< in words

    /// Whether row weights can go between ranks: they are the host's, and RUBIX's resampling has none.
    bool has_weights() const { return !accelerator && config.synthesis.resampling != Resampling::rubix; }
    /// Stars that are expected, wind cells included, over all ranks.
    std::int64_t n_star_rows() const;
    /// Gas cells that are expected, over all ranks.
    std::int64_t n_gas_rows() const;
    /// The box of simulation.depth, about a centre in the box frame, for a rotation.
    FieldBox field_of(const Vector3& centre, const Matrix3& rotation) const;
    WaveRange band_range() const { return {n_before, band.size()}; }
    /// Erg/s/cm2/Angstrom of one unit of the output; nullopt for luminosities.
    std::optional<double> flux_unit() const;
    /// What a Lsun/Angstrom becomes in the output's unit.
    double luminosity_to_output() const;
    std::string unit_text() const;
    /// The blocks that the host makes the cube in. @param n_thread  of a rank; ranks that work together must give the same
    CubeBlocks blocks(Reduction way, int n_rank, int n_thread) const;
    /// The configured noise; a subhalo by number has deviates of its own, or all galaxies of a catalogue would share theirs.
    NoiseOptions noise() const;
};

/// Opens the inputs and lays out grids and kernels. Collective.
/// @param otherwise  whether an index of the stars is made where it is needed and there is none
Plan make_plan(const Config& config, Communicator& comm, const SharedInputs& shared = {},
               WithoutFile otherwise = WithoutFile::make);

/// What a rank's memory depends on besides the plan.
struct MemoryCase {
    int n_rank = 1;
    bool mpi = false;                           ///< started
    Reduction reduction = Reduction::automatic; ///< `auto` counts as reduce-scatter, which needs a little more
    ConvolutionLayout convolution = ConvolutionLayout::slab;
};

/// Bytes a rank will need, by item; the ranks share the stars and the wavelengths. Within a tenth of what a run then takes.
std::vector<MemoryItem> memory_plan(const Plan& plan, const MemoryCase& of);
std::vector<MemoryItem> memory_plan(const Plan& plan, const Communicator& comm, Reduction reduction);
std::vector<MemoryItem> memory_plan(const Plan& plan, const Communicator& comm);

/// The least number of ranks on which a rank needs no more than `available` bytes, with those ways to share the work that the
/// configuration leaves open; 0 where no number would do, since what every rank has of its own is too much.
int least_ranks(const Plan& plan, std::int64_t available);

/// Bytes of the accelerator's memory that a rank cannot do without: its stars, its cubes, the templates. Row weights and panels take what
/// is left, up to 8 GB, and go in as many pieces as that asks for.
/// @param n_other  galaxies that one rank makes together with this one, of `n_star_other` stars
std::int64_t device_memory(const Plan& plan, const Communicator& comm, Reduction reduction, std::int64_t n_other = 0,
                           std::int64_t n_star_other = 0);

/// @throws Error(Kind::resource)  a rank would need more than it may use, of the node's memory or of its accelerator's: says how
///                                much, of what, and what would fit
void check_memory(const Plan& plan, Communicator& comm);

} // namespace tessera
