#pragma once

#include <map>
#include <memory>

#include "synthesis/deposit_kernels.hpp"
#include "synthesis/panel_kernels.hpp"
#include "synthesis/star_kernels.hpp"
#include "synthesis/star_light.hpp"
#include "tessera/cube/device_cube.hpp"
#include "tessera/device/constants.hpp"
#include "tessera/synthesis/device_synthesis.hpp"
#include "tessera/view/device_stars.hpp"

namespace tessera {

/// Templates in the accelerator's memory, one column after the other.
struct DeviceSpectra {
    std::int64_t n_column = 0, n_point = 0;
    std::vector<double> points;                                  ///< [point] Angstrom, rest frame
    std::shared_ptr<const device::Constants<double>> wavelength; ///< the same
    device::Buffer<float> light;                                 ///< [column, point]
    device::Buffer<float> coefficient; ///< [column of the nodes, n_column] of a compression; else empty

    /// @param library  there
    DeviceSpectra(device::Accelerator& accelerator, const RowKind& kind, const NodeColumns& columns,
                  const device::Buffer<float>& library, std::int64_t n_wave);
};

/// A library's knots there, and the look-up that reads them.
struct DeviceLookup {
    std::shared_ptr<const device::Constants<float>> metallicity, age;
    ssp::NodeLookup lookup;

    DeviceLookup(device::Accelerator& accelerator, const ssp::Interpolator& interpolator);
};

/// The light of all nodes [node, wavelength], which one galaxy after the other finds there.
std::shared_ptr<const device::Buffer<float>> library_on(device::Accelerator& accelerator, const ssp::Library& library);

/// The stars of one or several galaxies' fields in an accelerator's memory, and the cubes that their light is added to. Spaxels with many
/// stars are made by one dense matrix product, of all velocity rows that matter and all nodes (W of the design is dense there); the
/// others, and stars far from the rest in velocity, star by star. What is asked of one field is answered for all of them at once.
class DeviceStarLight {
public:
    DeviceStarLight(device::Accelerator& accelerator, const DeviceSpaxelStars& stars, ssp::Outside outside,
                    const ssp::Library& library, const ssp::Interpolator& interpolator, DevicePartial& cube,
                    const PlaneBlocks& blocks, const DeviceTuning& tuning,
                    std::optional<std::span<const std::int64_t>> rows);

    /// [spaxel of all fields + 1]
    const std::vector<std::int64_t>& start() const { return stars_.start; }
    std::int64_t n_spaxel() const { return stars_.n_spaxel(); }
    std::int64_t n_spaxel_of_field() const { return stars_.n_spaxel_of_field(); }
    std::int64_t n_field() const { return stars_.n_field; }
    std::int64_t n_star() const { return stars_.size(); }
    std::int64_t n_star_of(std::int64_t spaxel) const {
        const auto s = static_cast<std::size_t>(spaxel);
        return start()[s + 1] - start()[s];
    }
    WorkCosts costs() const;
    /// As the function of that name. Collective; the first thing to be called.
    VelocityRanges velocity_ranges(Communicator& comm);
    /// Before sums: what the velocity ranges went into.
    void set_input(const RowInput& input);
    /// Of one field, as StarLight. Collective.
    std::vector<NodeClass> node_classes(std::int64_t field, Communicator& comm);
    Survey survey(std::int64_t field, const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm);
    void forget_templates() { spectra_.clear(); }
    /// Adds the light of all fields to their cubes. What they make in the same way is made together. Collective where planes are handed on.
    /// @param done  called now and then with a number of stars that were added; together they are all
    void sum(const std::vector<FieldLight>& fields, const std::function<void(std::int64_t)>& done);
    /// As StarLight, of spaxels of one field. @param spaxels  ascending, by their numbers among all
    PartialCube spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                        const std::vector<std::int64_t>& spaxels);
    /// All is added: planes that were not handed on yet are now. Collective where planes are handed on.
    void complete();
    /// All stars in RUBIX's way, as exact_rubix: the light of every spaxel goes to the cube, in place of what is there.
    void set_to_rubix(const Progress& progress);

private:
    struct Work;
    struct Bands;
    /// What was answered, of all fields.
    struct SurveyAnswer {
        std::vector<double> numbers; ///< of the nodes asked for
        std::vector<float> sketches;
        std::vector<double> values;          ///< [field of the sums, spaxel]
        std::vector<std::int64_t> counts;    ///< [field, SurveyChunk::n_count]
        std::vector<std::int32_t> node_used; ///< [field, node]
    };
    const SurveyAnswer& answer_of(std::vector<double> numbers, std::vector<float> sketches, Communicator& comm);
    const DeviceSpectra& spectra_of(const RowKind& kind, const NodeColumns& columns);
    StarPlacer placer(const Work& work, const VelocityGrid& grid) const;
    void add_to(const LightTarget& target, const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                const std::vector<std::int64_t>& spaxels, bool last);
    void choose_dense(Work& work, const std::vector<std::int64_t>& spaxels);
    void add_dense(Work& work, const LightTarget& target, bool last);
    void add_batch(Work& work, const LightTarget& target, std::int64_t first, std::int64_t n_slot, bool last);
    device::Buffer<float> row_weights(Work& work, std::int64_t first, std::int64_t n_slot);
    device::Buffer<float> project(const Work& work, const device::Buffer<float>& weights, std::int64_t n_slot);
    void multiply_panels(const Work& work, const Bands& bands, WaveRange waves, const float* weights,
                         std::int64_t n_slot, device::Buffer<float>& panel, device::Buffer<float>& made);
    void hand_on(WaveRange planes);
    void add_listed(Work& work, const LightTarget& target, const RowKind& exact, const NodeColumns& columns,
                    const std::vector<std::int64_t>& spaxels);
    Bands bands_of(const DeviceSpectra& spectra, const VelocityGrid& grid);
    std::int64_t budget();
    struct RubixRun;
    ChunkTable table() const { return {stars_.starts.data(), first_chunk_.data(), stars_.n_spaxel()}; }

    device::Accelerator& accelerator_;
    device::Queue& queue_;
    const DeviceSpaxelStars& stars_;
    ssp::Outside outside_;
    const ssp::Library& library_;
    DevicePartial& cube_;
    PlaneBlocks blocks_;
    std::size_t n_handed_on_ = 0; ///< blocks
    DeviceTuning tuning_;
    const RowInput* input_ = nullptr;
    DeviceLookup lookup_;
    std::int64_t n_chunk_ = 0;
    device::Buffer<std::int64_t> first_chunk_; ///< [spaxel + 1]
    device::Buffer<std::int32_t> spaxel_;      ///< [star]
    device::Buffer<std::int32_t> own_column_;  ///< [spaxel] in the cubes; 0 where it has no stars here
    std::vector<double> scale_;                ///< [spaxel] of integer sums, a power of two
    device::Buffer<double> scales_;
    std::shared_ptr<const device::Constants<double>> edges_;     ///< [pixel + 1]
    std::shared_ptr<const device::Buffer<float>> library_there_; ///< null before templates are asked for
    std::map<const Spectra*, std::unique_ptr<DeviceSpectra>> spectra_;
    std::vector<std::int64_t> node_counts_; ///< [field, node + 1] empty before anyone asks
    std::vector<std::unique_ptr<SurveyAnswer>> answers_;
};

/// One of its fields.
class DeviceFieldLight final : public StarLight {
public:
    DeviceFieldLight(DeviceStarLight& all, std::int64_t field);
    const std::vector<std::int64_t>& start() const override { return start_; }
    WorkCosts costs() const override { return all_.costs(); }
    std::vector<NodeClass> node_classes(Communicator& comm) override { return all_.node_classes(field_, comm); }
    Survey survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) override {
        return all_.survey(field_, nodes, with_sketches, comm);
    }
    bool has_library() const override { return true; }
    void forget_templates() override { all_.forget_templates(); }
    PartialCube spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                        const std::vector<std::int64_t>& spaxels) override;

private:
    DeviceStarLight& all_;
    std::int64_t field_;
    std::vector<std::int64_t> start_;
};

} // namespace tessera
