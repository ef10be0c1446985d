#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/cosmology/cosmology.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/instrument/lsf.hpp"
#include "tessera/instrument/noise.hpp"
#include "tessera/instrument/psf.hpp"
#include "tessera/instrument/telescope.hpp"
#include "tessera/particles/snapshot.hpp"
#include "tessera/ssp/library.hpp"
#include "tessera/synthesis/synthesis.hpp"
#include "tessera/view/options.hpp"

namespace tessera {

enum class Preset { none, rubix };
enum class FluxUnit { luminosity, flux };
enum class ConvolutionLayout { automatic, slab, distributed };
enum class EmptyField { error, zeros };

template <>
struct EnumWords<Preset> {
    static constexpr std::array words{std::pair{Preset::none, std::string_view("none")},
                                      std::pair{Preset::rubix, std::string_view("rubix")}};
};
template <>
struct EnumWords<FluxUnit> {
    static constexpr std::array words{std::pair{FluxUnit::luminosity, std::string_view("Lsun/Angstrom")},
                                      std::pair{FluxUnit::flux, std::string_view("1e-20 erg/s/cm2/Angstrom")}};
};
template <>
struct EnumWords<ConvolutionLayout> {
    static constexpr std::array words{std::pair{ConvolutionLayout::automatic, std::string_view("auto")},
                                      std::pair{ConvolutionLayout::slab, std::string_view("slab")},
                                      std::pair{ConvolutionLayout::distributed, std::string_view("distributed")}};
};
template <>
struct EnumWords<EmptyField> {
    static constexpr std::array words{std::pair{EmptyField::error, std::string_view("error")},
                                      std::pair{EmptyField::zeros, std::string_view("zeros")}};
};

struct ParallelOptions {
    Reduction reduction = Reduction::automatic;
    ConvolutionLayout convolution = ConvolutionLayout::automatic;
    std::string device = "auto";
    std::int64_t threads = 0;
    std::optional<double> message_latency;
    std::optional<double> link_rate;
    std::optional<double> copy_rate;
    std::optional<double> product_rate;
    double block = 0;

    template <class Visitor>
    void describe(Visitor& key) {
        key("parallel.reduction", reduction, unit::none,
            "how the ranks bring the cube together; allreduce: every rank's partial cube, summed whole; "
            "reduce-scatter: the "
            "same, each rank gets its wavelengths; exchange: each star goes to the rank that makes its spaxel, nothing "
            "is summed; weights: the stars' row weights go to all ranks, each makes its wavelengths of all spaxels "
            "(not on a GPU); auto: reduce-scatter, exchange or weights, by a cost model (GPU: reduce-scatter where it "
            "fits)");
        key("parallel.block", block, "MB",
            "of the cube that a rank makes at a time while the block before travels (reduce-scatter, exchange "
            "and weights, not on a GPU); 0: an eighth of its slab, at least 8 (weights 16, one rank 16)",
            at_least(0));
        key("parallel.convolution", convolution, unit::none,
            "slab: each rank convolves the whole planes of its wavelength slab; distributed: all ranks share the "
            "Fourier "
            "transform of each plane, for planes too large for one and fewer planes than ranks (not on a GPU); auto: "
            "slab, "
            "unless its memory does not fit or distributed should be faster");
        key("parallel.device", device, unit::none,
            "auto: a GPU where there is one, else the CPU; cpu; cuda, cuda:N: a GPU, or an error; emulated: the GPU's "
            "program on the CPU, each step checked, for tests");
        key("parallel.threads", threads, unit::none, "threads a rank; 0: the cores of the node shared among its ranks",
            at_least(0), at_most(1024));
        key("parallel.message_latency", message_latency, unit::second,
            "what a message between two ranks costs, however short, for the choices `auto`; null: measured when there "
            "is "
            "something to choose, in milliseconds",
            at_least(0));
        key("parallel.link_rate", link_rate, "byte/s", "that a rank sends while it receives as many; null: measured",
            above(0));
        key("parallel.copy_rate", copy_rate, "byte/s",
            "that a thread turns from spectra into planes, in new memory; null: measured", above(0));
        key("parallel.product_rate", product_rate, "1/s",
            "multiply-adds of a thread in the product of row weights and templates, in cache; null: measured",
            above(0));
    }
};

struct OutputOptions {
    std::string path = "cube.h5";
    std::optional<std::string> fits;
    std::optional<std::string> quicklook;
    FluxUnit flux_unit = FluxUnit::flux;
    EmptyField empty = EmptyField::error;
    bool stages = false;

    template <class Visitor>
    void describe(Visitor& key) {
        key("output.path", path, unit::none, "cube file; .h5 or .hdf5: HDF5, .fits: FITS; relative to the config file");
        key("output.fits", fits, unit::none, "FITS cube beside it; null: none");
        key("output.quicklook", quicklook, unit::none, "picture (.png, .svg, .pdf); null: none");
        key("output.flux_unit", flux_unit, unit::none, "flux at Earth, or luminosity");
        key("output.empty", empty, unit::none,
            "when no star is in the field: an error, or a cube of zeros with a warning");
        key("output.stages", stages, unit::none, "also write the cubes between the stages, and each star's spaxel");
    }
};

/// Everything that a configuration file can say. One member a section; every key is declared in its section's struct.
struct Config {
    Preset preset = Preset::none;
    SnapshotOptions simulation;
    GalaxyOptions galaxy;
    CosmologyOptions cosmology;
    ssp::LibraryOptions ssp;
    TelescopeOptions telescope;
    ViewOptions view;
    SynthesisOptions synthesis;
    PsfOptions psf;
    LsfOptions lsf;
    NoiseOptions noise;
    ParallelOptions parallel;
    OutputOptions output;
    std::string folder = "."; ///< of the config file: what relative paths start from

    template <class Visitor>
    void describe(Visitor& key) {
        key("preset", preset, unit::none,
            "rubix: the conventions of RUBIX as defaults (docs/rubix.md); other keys win over it");
        simulation.describe(key);
        galaxy.describe(key);
        cosmology.describe(key);
        ssp.describe(key);
        telescope.describe(key);
        view.describe(key);
        synthesis.describe(key);
        psf.describe(key);
        lsf.describe(key);
        noise.describe(key);
        parallel.describe(key);
        output.describe(key);
    }

    /// An absolute path as it is, a relative one under `folder`.
    std::string resolve(const std::string& path) const;
};

/// Reads the file (empty: defaults only), then the `key=value` settings, over the preset's defaults. A file may also hold the sections
/// of other commands (`scaling`, `catalog`): they are left alone.
/// @throws Error(Kind::config)  unreadable or broken YAML, unknown key, wrong type, out of range, keys that contradict each other
Config read_config(const std::string& path, const std::vector<std::string>& settings);

/// The same into `config`, for a command with sections of its own: `table` holds the options of `config` and theirs.
void read_config(const std::string& path, const std::vector<std::string>& settings, Config& config, OptionTable& table);

/// @throws Error(Kind::config)  simulation.depth without simulation.subhalo. read_config and run_cube call it
void check_depth(const Config& config);

/// Checks that need no input data: telescope, cosmology, PSF, rotation, output formats. read_config calls it.
void check_config(const Config& config);

} // namespace tessera
