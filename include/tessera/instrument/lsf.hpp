#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

class Communicator;

enum class LsfProfile { none, gaussian };
template <>
struct EnumWords<LsfProfile> {
    static constexpr std::array words{std::pair{LsfProfile::none, std::string_view("none")},
                                      std::pair{LsfProfile::gaussian, std::string_view("gaussian")}};
};

struct LsfOptions {
    LsfProfile profile = LsfProfile::gaussian;
    std::optional<double> fwhm;
    std::optional<double> sigma;
    std::optional<double> template_fwhm;
    std::optional<std::int64_t> taps;

    template <class Visitor>
    void describe(Visitor& key) {
        key("lsf.profile", profile, unit::none, "shape of the line-spread function");
        key("lsf.fwhm", fwhm, unit::angstrom,
            "full width at half maximum (no broadening: lsf.profile: none); null: the telescope's, unless lsf.sigma is "
            "given",
            above(0));
        key("lsf.sigma", sigma, unit::angstrom,
            "standard deviation, instead of lsf.fwhm (no broadening: lsf.profile: none)", above(0));
        key("lsf.template_fwhm", template_fwhm, unit::angstrom,
            "rest-frame resolution of the SSP library, subtracted in quadrature; null: the library's own where known; "
            "0: none",
            at_least(0));
        key("lsf.taps", taps, unit::none,
            "odd number: a Gaussian sampled at so many pixels, zeros beyond the band, nothing subtracted (RUBIX: 25); "
            "null: exact for lines",
            at_least(1));
    }
};

/// The line-spread function on a wavelength grid: the weights of the planes around each pixel.
struct Lsf {
    enum class Edge { nearest, zero }; ///< planes beyond the last one available: a copy of it, or no light
    Edge edge = Edge::nearest;
    std::vector<double> sigma; ///< [pixel] of the convolution, in pixels; what the templates already have is taken off
    std::vector<double> instrument_fwhm;      ///< [pixel] Angstrom, of the instrument itself, for headers
    std::vector<std::int64_t> kernel_of;      ///< [pixel] row of `kernels`
    std::vector<std::vector<double>> kernels; ///< odd, centred, symmetric, sum 1

    bool is_identity() const { return kernels.empty(); }
    /// Ghost planes needed on either side; 0 for the identity.
    std::int64_t half_width() const;
};

/// @param telescope_fwhm  Angstrom, used when the options give no width; 0: none
/// @param template_fwhm   Angstrom, rest frame, the library's own, used when lsf.template_fwhm is null; nullopt: unknown
/// @param redshift        the templates' resolution is (1 + redshift) times wider in the observed frame
/// The kernel at a pixel is the symmetric one with sum 1 and variance sigma² whose transfer function is nearest to the Gaussian's
/// exp(-2 pi² sigma² f²) for spectra that are themselves sampled with sigma >= 0.8 pixel: a Gaussian line of sigma_0 anywhere
/// on the grid becomes one of sqrt(sigma_0² + sigma²). Where the templates are broader than the instrument nothing is done, and
/// a warning gives the wavelengths.
/// @throws Error(Kind::config)  fwhm and sigma both given, a width of 0, an even number of taps, a kernel wider than the band
Lsf make_lsf(const LsfOptions& options, const WavelengthGrid& grid, double telescope_fwhm,
             std::optional<double> template_fwhm, double redshift);

/// The symmetric kernel described above. Below a pixel or so it has lobes of either sign, up to 2 %: every filter has that
/// keeps the shape of lines sampled so sparsely. They show next to steps sharper than a line of 0.8 pixel.
/// @param sigma  pixels, > 0. @return  2 h + 1 taps
std::vector<double> lsf_kernel(double sigma);
/// RUBIX's: exp(-j² / (2 sigma²)), normalised over the taps.
std::vector<double> sampled_lsf_kernel(double sigma, std::int64_t taps);

/// The cube convolved along wavelength, in place. Planes of other ranks come in strips of spaxels, so that they take little memory,
/// and each voxel is kept for as long as its neighbours need it. Beyond the ends of the cube it is as `lsf.edge` says. Collective.
/// @param slab      this rank's slab of a cube with a plane for each pixel of `lsf`. The result is the same for any number of ranks,
///                  bit for bit
/// @param n_thread  0: OpenMP's own number
/// @throws Error(Kind::internal)  the slab of another rank or another cube
/// @par Cost  (2 half_width + 1) multiply-adds a voxel, threads over spaxels; sends its outermost half_width() planes
/// @par Memory  besides the slab: lsf_scratch
void apply_lsf(CubeSlab& slab, const Lsf& lsf, Communicator& comm, int n_thread = 0);

/// Bytes that it takes besides the slab. @param n_spaxel  of a plane
std::int64_t lsf_scratch(const Lsf& lsf, std::int64_t n_spaxel, int n_rank, int n_thread);

} // namespace tessera
