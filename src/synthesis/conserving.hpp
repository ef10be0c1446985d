#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "synthesis/error_sample.hpp"
#include "synthesis/recent_settings.hpp"
#include "synthesis/row_synthesis.hpp"
#include "synthesis/star_light.hpp"

namespace tessera {

/// Lsun per Msun formed of every node in an observed band, all pixels where none is given.
std::vector<double> node_light(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                               std::optional<std::array<double, 2>> band);

/// Calls `progress` with the stars done so far of n_star, as sums call it with those done since.
std::function<void(std::int64_t)> told_to(const Progress& progress, std::int64_t n_star);

/// Synthesis with conserving resampling, by any method, up to the sums: steps and templates, a survey of the stars, the choice of a method
/// for each spaxel, the comparison of a sample with `exact` (once more with finer settings if that fails).
class Conserving {
public:
    /// @param node_band_light  [node] Lsun per Msun formed in the band of the maps
    Conserving(StarLight& stars, const RowInput& input, const SynthesisOptions& options,
               std::vector<double> node_band_light, Communicator& comm, ToleranceShares shares = {});
    /// Collective. Fills the report.
    void decide(SynthesisReport& report);
    /// After that: what is to be summed. Its templates are this one's.
    FieldLight light() const;

private:
    void choose_settings();
    const Spectra& nodes();
    SettingsKey settings_key(double bin_tolerance) const;
    void survey();
    void choose();
    SampleError measure(std::int64_t& n_sample);
    Method worthwhile_method();
    MethodCosts costs_with(std::int64_t n_node, std::int64_t rank) const;
    double likely_shift() const;
    RowKind kind_of(SpaxelMethod method) const;
    std::vector<std::int64_t> spaxels_of(SpaxelMethod method, const std::vector<std::int64_t>& among) const;
    void fill(SynthesisReport& report) const;

    StarLight& stars_;
    const RowInput& input_;
    const SynthesisOptions& options_;
    Communicator& comm_;
    ToleranceShares shares_;
    std::vector<double> band_light_; ///< [node]
    WorkCosts work_;                 ///< those of rank 0

    std::vector<bool> covered_; ///< [pixel] by the library
    PointRange points_;         ///< of the library that any row reads
    Spectra nodes_;             ///< all nodes, while settings are found
    VelocitySteps steps_;
    std::vector<NodeClass> classes_;                      ///< for auto
    Method method_ = Method::exact;                       ///< what is worth the trouble of those asked for
    std::shared_ptr<const ssp::Compression> compression_; ///< null: none
    Spectra basis_;                                       ///< of the compression
    NodeErrors compression_errors_;
    Survey survey_;
    NodeColumns columns_; ///< nodes that any star has
    Spectra used_;        ///< those nodes
    SpaxelChoices choices_;
};

} // namespace tessera
