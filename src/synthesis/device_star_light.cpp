#include "synthesis/device_star_light.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "synthesis/conserving.hpp"
#include "synthesis/exact_rubix.hpp"
#include "tessera/comm/communicator.hpp"
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
                       GatherSpectra{n_point, host.first_point, n_wave, nodes.data(), library.data(), light.data()});
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
    std::vector<std::int32_t> own(n);
    if (rows) {
        for (std::size_t i = 0; i < rows->size(); ++i) {
            own[static_cast<std::size_t>((*rows)[i])] = static_cast<std::int32_t>(i);
        }
    } else {
        std::iota(own.begin(), own.end(), 0);
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

void DeviceStarLight::sum(const std::vector<LightShare>& shares, const RowKind& exact, const NodeColumns& columns,
                          const std::function<void(std::int64_t)>& done) {
    for (const LightShare& share : shares) {
        // Nothing is added after the last share: planes may be handed on as they are complete.
        add_to({cube_.flux.data(), cube_.n_spaxel, own_column_.data()}, share.kind, exact, columns, share.spaxels,
               &share == &shares.back());
        std::int64_t n_star = 0;
        for (const std::int64_t spaxel : share.spaxels) { n_star += n_star_of(spaxel); }
        done(n_star);
    }
    complete();
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
    std::vector<std::int32_t> column(static_cast<std::size_t>(n_spaxel()), 0);
    for (std::size_t i = 0; i < spaxels.size(); ++i) {
        column[static_cast<std::size_t>(spaxels[i])] = static_cast<std::int32_t>(i);
    }
    const device::Buffer<std::int32_t> columns_there(queue_, column, "columns of the sample");
    DevicePartial cube(accelerator_, cube_.n_wave, n);
    add_to({cube.flux.data(), n, columns_there.data()}, kind, exact, columns, spaxels, false);
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
    agree(comm, [&] { cube = DevicePartial(accelerator, pixels.size(), stars.n_spaxel()); });
    synthesise_into(cube, {}, accelerator, stars, library, outside, pixels, redshift, options, where, comm, report,
                    progress, band, tuning);
    return cube;
}

void synthesise_into(DevicePartial& cube, const PlaneBlocks& blocks, device::Accelerator& accelerator,
                     const DeviceSpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                     const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                     const device::Host& where, Communicator& comm, SynthesisReport& report, const Progress& progress,
                     std::optional<std::array<double, 2>> band, const DeviceTuning& tuning,
                     std::optional<std::span<const std::int64_t>> rows) {
    const ssp::Interpolator interpolator(library, options.interpolation, outside);
    std::unique_ptr<DeviceStarLight> light;
    agree(comm, [&] {
        light = std::make_unique<DeviceStarLight>(accelerator, stars, outside, library, interpolator, cube, blocks,
                                                  tuning, rows);
    });
    VelocityRanges velocities = light->velocity_ranges(comm);
    if (options.uncovered == Uncovered::error) {
        check_coverage(library, pixels, redshift, velocities.largest_speed());
    }
    if (progress) { progress(0, stars.size()); }
    const RowInput input{library, interpolator, pixels, redshift, options.doppler, std::move(velocities), where};
    agree(comm, [&] { light->set_input(input); });
    if (options.resampling == Resampling::rubix) {
        survey_for_rubix(*light, node_light(library, pixels, redshift, band), comm, report);
        agree(comm, [&] { light->set_to_rubix(progress); });
        light->complete();
        return;
    }
    Conserving synthesis(*light, input, options, node_light(library, pixels, redshift, band), comm, progress);
    synthesis.run(report);
}

} // namespace tessera
