#include "synthesis/device_star_light.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "synthesis/conserving.hpp"
#include "synthesis/exact_rubix.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"
#include "tessera/synthesis/coverage.hpp"

namespace tessera {

DeviceLookup::DeviceLookup(device::Accelerator& accelerator, const ssp::Interpolator& interpolator)
    : lookup(interpolator.lookup()) {
    const std::vector<float> z(lookup.metallicity.knot, lookup.metallicity.knot + lookup.metallicity.n);
    const std::vector<float> t(lookup.age.knot, lookup.age.knot + lookup.age.n);
    metallicity = device::keep_constants(accelerator, z, "metallicities of the library");
    age = device::keep_constants(accelerator, t, "ages of the library");
    lookup.metallicity.knot = metallicity->data();
    lookup.age.knot = age->data();
}

std::shared_ptr<const device::Buffer<float>> library_on(device::Accelerator& accelerator, const ssp::Library& library) {
    const std::uint64_t checksum = library.checksum != 0 ? library.checksum : ssp::checksum_of(library);
    const auto bytes = static_cast<std::int64_t>(library.flux.size() * sizeof(float));
    return accelerator.keep<const device::Buffer<float>>(fmt::format("library {:016x}", checksum), bytes, [&] {
        device::Queue& queue = accelerator.compute();
        auto there = std::make_shared<const device::Buffer<float>>(queue, library.flux, "the library");
        queue.finish(); // the host's may go
        return there;
    });
}

DeviceSpectra::DeviceSpectra(device::Accelerator& accelerator, const RowKind& kind, const NodeColumns& columns,
                             const device::Buffer<float>& library, std::int64_t n_wave)
    : n_column(kind.spectra->n_used), n_point(static_cast<std::int64_t>(kind.spectra->wavelength.size())),
      points(kind.spectra->wavelength),
      wavelength(device::keep_constants(accelerator, points, "wavelengths of the library")),
      light(accelerator.compute(), n_column * n_point, "templates") {
    device::Queue& queue = accelerator.compute();
    const Spectra& host = *kind.spectra;
    device::Buffer<float> turned;
    device::Buffer<std::int32_t> nodes;
    if (host.light.empty()) {
        nodes = device::Buffer<std::int32_t>(queue, columns.node, "nodes of templates");
        queue.for_each(n_column * n_point,
                       GatherSpectra{n_point, host.first_point(), n_wave, nodes.data(), library.data(), light.data()});
    } else {
        turned = device::Buffer<float>(queue, static_cast<std::int64_t>(host.light.size()), "templates on their way");
        queue.upload(turned, std::span<const float>(host.light.data(), host.light.size()));
        queue.for_each(n_column * n_point, TurnSpectra{n_point, n_column, host.n_column, turned.data(), light.data()});
    }
    std::vector<float> rows; // of the nodes that stars have
    if (kind.compression != nullptr) {
        const auto rank = kind.compression->rank;
        for (const std::int32_t node : columns.node) {
            const float* row = kind.compression->coefficients.data() + node * rank;
            rows.insert(rows.end(), row, row + rank);
        }
        coefficient = device::Buffer<float>(queue, rows, "coefficients of the compression");
    }
    queue.finish(); // before the lists go
}

DeviceStarLight::DeviceStarLight(device::Accelerator& accelerator, const DeviceSpaxelStars& stars, ssp::Outside outside,
                                 const ssp::Library& library, const ssp::Interpolator& interpolator,
                                 DevicePartial& cube, const PlaneBlocks& blocks, const DeviceTuning& tuning,
                                 std::optional<std::span<const std::int64_t>> rows)
    : accelerator_(accelerator), queue_(accelerator.compute()), stars_(stars), outside_(outside), library_(library),
      cube_(cube), blocks_(blocks), tuning_(tuning), lookup_(accelerator, interpolator) {
    const auto n = static_cast<std::size_t>(stars.n_spaxel());
    std::vector<std::int64_t> first_chunk{0};
    for (std::size_t s = 0; s < n; ++s) {
        first_chunk.push_back(first_chunk.back() +
                              (stars.start[s + 1] - stars.start[s] + chunk_stars - 1) / chunk_stars);
    }
    if (n_field() > CountNodes::most_fields || cube.flux.size() > std::numeric_limits<std::int32_t>::max()) {
        throw Error({.where = "synthesis on an accelerator",
                     .found = fmt::format("{} fields, {} voxels", n_field(), cube.flux.size()),
                     .expected = fmt::format("at most {} fields, {} voxels", CountNodes::most_fields,
                                             std::numeric_limits<std::int32_t>::max())});
    }
    std::vector<std::int32_t> own(n);
    if (rows) {
        for (std::size_t i = 0; i < rows->size(); ++i) {
            own[static_cast<std::size_t>((*rows)[i])] = static_cast<std::int32_t>(i);
        }
    } else {
        for (std::size_t s = 0; s < n; ++s) {
            const auto spaxel = static_cast<std::int64_t>(s);
            const std::int64_t field = spaxel / n_spaxel_of_field();
            own[s] =
                static_cast<std::int32_t>(field * cube.n_wave * cube.n_spaxel + (spaxel - field * n_spaxel_of_field()));
        }
    }
    n_chunk_ = first_chunk.back();
    first_chunk_ = device::Buffer<std::int64_t>(queue_, first_chunk, "chunks of spaxels");
    own_column_ = device::Buffer<std::int32_t>(queue_, own, "columns of the cube");
    spaxel_ = device::Buffer<std::int32_t>(queue_, stars.size(), "spaxels of stars");
    queue_.finish(); // before the lists go
}

WorkCosts DeviceStarLight::costs() const {
    return {.single = tuning_.single, .fill = tuning_.fill, .host = tuning_.host, .dense = true};
}

void DeviceStarLight::set_input(const RowInput& input) {
    input_ = &input;
    edges_ = device::keep_constants(accelerator_, input.pixels.edges, "edges of pixels");
}

const DeviceSpectra& DeviceStarLight::spectra_of(const RowKind& kind, const NodeColumns& columns) {
    auto& entry = spectra_[kind.spectra];
    if (!entry) {
        if (!library_there_) { library_there_ = library_on(accelerator_, library_); }
        entry = std::make_unique<DeviceSpectra>(accelerator_, kind, columns, *library_there_, library_.n_wave());
    }
    return *entry;
}

std::int64_t DeviceStarLight::budget() {
    if (tuning_.memory > 0) { return tuning_.memory; }
    return std::min<std::int64_t>(accelerator_.free_share() / 5 * 2, std::int64_t{8} << 30);
}

namespace {

/// What several fields make in the same way.
struct JointShare {
    RowKind kind, exact;
    std::vector<std::int64_t> spaxels; ///< by their numbers among all, ascending
    std::size_t last_field;
};

} // namespace

void DeviceStarLight::sum(const std::vector<FieldLight>& fields, const std::function<void(std::int64_t)>& done) {
    std::vector<std::int32_t> used(static_cast<std::size_t>(library_.n_node()), 0);
    PointRange points{std::numeric_limits<std::int64_t>::max(), 0};
    for (const FieldLight& field : fields) {
        for (const std::int32_t node : field.columns.node) { used[static_cast<std::size_t>(node)] = 1; }
        points.first = std::min(points.first, field.exact.spectra->points.first);
        points.end = std::max(points.end, field.exact.spectra->points.end);
    }
    const NodeColumns columns = NodeColumns::of(used);
    const Spectra of_all = Spectra::outline_of_nodes(library_, columns.node, points, reach_of_rows);
    const bool alone = fields.size() == 1; // its templates may be there already
    const Spectra* nodes = alone ? fields.front().exact.spectra : &of_all;
    std::vector<JointShare> joint;
    for (std::size_t f = 0; f < fields.size(); ++f) {
        const RowKind exact{nodes, fields[f].exact.step, nullptr};
        for (const LightShare& share : fields[f].shares) {
            const RowKind& kind = share.kind;
            auto into = std::find_if(joint.begin(), joint.end(), [&](const JointShare& other) {
                return other.last_field != f && other.kind.step == kind.step &&
                       other.kind.compression == kind.compression && other.exact.step == exact.step;
            });
            if (into == joint.end()) {
                const Spectra* spectra = kind.compression != nullptr ? kind.spectra : nodes;
                joint.push_back({{spectra, kind.step, kind.compression}, exact, {}, f});
                into = joint.end() - 1;
            }
            into->last_field = f;
            for (const std::int64_t s : share.spaxels) {
                into->spaxels.push_back(static_cast<std::int64_t>(f) * n_spaxel_of_field() + s);
            }
        }
    }
    if (!alone) { forget_templates(); } // those of single galaxies: what comes now is of all nodes together
    for (const JointShare& share : joint) {
        // Nothing is added after the last share: planes may be handed on as they are complete.
        add_to({cube_.flux.data(), cube_.n_spaxel, own_column_.data(), 0}, share.kind, share.exact, columns,
               share.spaxels, &share == &joint.back());
        std::int64_t n_star = 0;
        for (const std::int64_t spaxel : share.spaxels) { n_star += n_star_of(spaxel); }
        done(n_star);
    }
    forget_templates(); // some were this function's
    complete();
}

DeviceFieldLight::DeviceFieldLight(DeviceStarLight& all, std::int64_t field) : all_(all), field_(field) {
    const std::int64_t n = all.n_spaxel_of_field();
    const auto first = all.start().begin() + field * n;
    start_.assign(first, first + n + 1);
    const std::int64_t before = start_.front();
    for (std::int64_t& star : start_) { star -= before; }
}

PartialCube DeviceFieldLight::spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                                      const std::vector<std::int64_t>& spaxels) {
    std::vector<std::int64_t> among_all = spaxels;
    for (std::int64_t& spaxel : among_all) { spaxel += field_ * all_.n_spaxel_of_field(); }
    return all_.spectra(kind, exact, columns, among_all);
}

void DeviceStarLight::hand_on(WaveRange planes) {
    if (!blocks_.done) { return; }
    ++n_handed_on_;
    blocks_.done(planes);
}

void DeviceStarLight::complete() {
    while (blocks_.done && n_handed_on_ < blocks_.blocks.size()) { hand_on(blocks_.blocks[n_handed_on_]); }
}

PartialCube DeviceStarLight::spectra(const RowKind& kind, const RowKind& exact, const NodeColumns& columns,
                                     const std::vector<std::int64_t>& spaxels) {
    const auto n = static_cast<std::int64_t>(spaxels.size());
    const std::int64_t first = spaxels.front();
    std::vector<std::int32_t> column(static_cast<std::size_t>(spaxels.back() + 1 - first), 0);
    for (std::size_t i = 0; i < spaxels.size(); ++i) {
        column[static_cast<std::size_t>(spaxels[i] - first)] = static_cast<std::int32_t>(i);
    }
    const device::Buffer<std::int32_t> columns_there(queue_, column, "columns of the sample");
    DevicePartial cube(accelerator_, cube_.n_wave, n);
    add_to({cube.flux.data(), n, columns_there.data(), first}, kind, exact, columns, spaxels, false);
    device::Buffer<float> turned(queue_, cube_.n_wave * n, "spectra of the sample");
    queue_.for_each(turned.size(), TurnSpectra{cube_.n_wave, n, n, cube.flux.data(), turned.data()});
    PartialCube out(n, cube_.n_wave);
    queue_.download(turned, std::span<float>(out.flux().data(), static_cast<std::size_t>(turned.size())));
    queue_.finish();
    return out;
}

DevicePartial synthesise(device::Accelerator& accelerator, const DeviceSpaxelStars& stars, const ssp::Library& library,
                         ssp::Outside outside, const WavelengthGrid& pixels, double redshift,
                         const SynthesisOptions& options, const device::Host& where, Communicator& comm,
                         SynthesisReport& report, const Progress& progress, std::optional<std::array<double, 2>> band,
                         const DeviceTuning& tuning) {
    DevicePartial cube;
    agree(comm, [&] { cube = DevicePartial(accelerator, pixels.size(), stars.n_spaxel_of_field(), stars.n_field); });
    synthesise_into(cube, {}, accelerator, stars, library, outside, pixels, redshift, options, where, comm,
                    {&report, 1}, progress, band, tuning);
    return cube;
}

void synthesise_into(DevicePartial& cube, const PlaneBlocks& blocks, device::Accelerator& accelerator,
                     const DeviceSpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                     const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                     const device::Host& where, Communicator& comm, std::span<SynthesisReport> reports,
                     const Progress& progress, std::optional<std::array<double, 2>> band, const DeviceTuning& tuning,
                     std::optional<std::span<const std::int64_t>> rows) {
    const ssp::Interpolator interpolator(library, options.interpolation, outside);
    std::unique_ptr<DeviceStarLight> light;
    agree(comm, [&] {
        light = std::make_unique<DeviceStarLight>(accelerator, stars, outside, library, interpolator, cube, blocks,
                                                  tuning, rows);
    });
    const VelocityRanges velocities = light->velocity_ranges(comm);
    if (options.uncovered == Uncovered::error) {
        check_coverage(library, pixels, redshift, velocities.largest_speed());
    }
    if (progress) { progress(0, stars.size()); }
    const RowInput input{library, interpolator, pixels, redshift, options.doppler, velocities, where};
    agree(comm, [&] { light->set_input(input); });
    std::vector<std::unique_ptr<DeviceFieldLight>> fields;
    for (std::int64_t f = 0; f < stars.n_field; ++f) {
        fields.push_back(std::make_unique<DeviceFieldLight>(*light, f));
    }
    const std::vector<double> of_nodes = node_light(library, pixels, redshift, band);
    if (options.resampling == Resampling::rubix) {
        for (std::size_t f = 0; f < fields.size(); ++f) { survey_for_rubix(*fields[f], of_nodes, comm, reports[f]); }
        agree(comm, [&] { light->set_to_rubix(progress); });
        light->complete();
        return;
    }
    // Each galaxy has the steps, bases and methods that it has alone; the sums are those of all.
    std::vector<std::unique_ptr<RowInput>> inputs;
    std::vector<std::unique_ptr<Conserving>> galaxies;
    std::vector<FieldLight> sums;
    for (std::size_t f = 0; f < fields.size(); ++f) {
        const std::int64_t n = stars.n_spaxel_of_field();
        inputs.push_back(
            std::make_unique<RowInput>(RowInput{library, interpolator, pixels, redshift, options.doppler,
                                                velocities.of_spaxels(static_cast<std::int64_t>(f) * n, n), where}));
        galaxies.push_back(std::make_unique<Conserving>(*fields[f], *inputs[f], options, of_nodes, comm));
        galaxies[f]->decide(reports[f]);
        sums.push_back(galaxies[f]->light());
    }
    const Region region("sum");
    light->sum(sums, told_to(progress, stars.size()));
}

} // namespace tessera
