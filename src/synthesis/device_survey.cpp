// What synthesis wants to know of the stars before it makes any spectrum, asked on the accelerator.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "synthesis/device_star_light.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

constexpr std::int64_t no_star = std::numeric_limits<std::int64_t>::max();

/// A counter that holds the first star with a fault.
class FirstStar {
public:
    explicit FirstStar(device::Queue& queue) : queue_(queue), buffer_(queue, first_, "first star with a fault") {}
    std::int64_t* data() { return buffer_.data(); }
    /// Waits for the queue.
    std::int64_t star() {
        queue_.download(buffer_, std::span(first_));
        queue_.finish();
        return first_[0];
    }

private:
    device::Queue& queue_;
    std::vector<std::int64_t> first_ = std::vector<std::int64_t>(1, no_star);
    device::Buffer<std::int64_t> buffer_;
};

template <class T>
std::vector<T> on_host(device::Queue& queue, const device::Buffer<T>& buffer) {
    std::vector<T> out(static_cast<std::size_t>(buffer.size()));
    queue.download(buffer, std::span<T>(out));
    queue.finish();
    return out;
}

float value_of(device::Queue& queue, const device::Buffer<float>& buffer, std::int64_t i) {
    float value = 0;
    queue.copy_out(&value, buffer.data() + i, sizeof value);
    queue.finish();
    return value;
}

} // namespace

VelocityRanges DeviceStarLight::velocity_ranges(Communicator& comm) {
    const std::int64_t n_spaxel = stars_.n_spaxel();
    const auto n = static_cast<std::size_t>(n_spaxel);
    VelocityRanges out;
    agree(comm, [&] {
        device::Buffer<double> least(queue_, 2 * n_chunk_, "velocities of chunks");
        device::Buffer<double> formed(queue_, n_chunk_, "masses of chunks");
        FirstStar wrong(queue_);
        queue_.for_each(n_chunk_,
                        LookAtVelocities{table(), n_chunk_, stars_.los_velocity.data(), stars_.initial_mass.data(),
                                         speed_limit, spaxel_.data(), least.data(), formed.data(), wrong.data()});
        device::Buffer<double> ranges(queue_, 3 * n_spaxel, "velocities of spaxels");
        queue_.for_each(2 * n_spaxel, LeastOfChunks{table(), n_chunk_, least.data(), ranges.data()});
        queue_.for_each(n_spaxel, SumChunks{table(), n_chunk_, formed.data(), ranges.data() + 2 * n_spaxel});
        const std::vector<double> values = on_host(queue_, ranges);
        if (const std::int64_t star = wrong.star(); star != no_star) {
            throw_too_fast(value_of(queue_, stars_.los_velocity, star));
        }
        out.slowest.assign(values.begin(), values.begin() + n_spaxel);
        out.fastest.resize(n);
        for (std::size_t s = 0; s < n; ++s) { out.fastest[s] = -values[n + s]; }
        // Weights of a star are at most twice its mass in size: integers of 2^-61 of twice the spaxel's mass cannot overflow.
        scale_.assign(n, 1.0);
        for (std::size_t s = 0; s < n; ++s) {
            const double mass = values[2 * n + s];
            if (mass > 0) { scale_[s] = std::ldexp(1.0, 60 - std::ilogb(2 * mass)); }
        }
        scales_ = device::Buffer<double>(queue_, scale_, "scales of row weights");
        queue_.finish();
    });
    comm.all_reduce(out.slowest, Op::min);
    comm.all_reduce(out.fastest, Op::max);
    return out;
}

std::vector<NodeClass> DeviceStarLight::node_classes(Communicator& comm) {
    const bool all = comm.all_reduce_value(stars_.size(), Op::sum) <= few_stars;
    const std::int64_t n_node = library_.n_node();
    std::vector<std::int64_t> counts;
    agree(comm, [&] {
        device::Buffer<std::int64_t> count(queue_, n_node + 1, "counts of nodes");
        queue_.zero(count);
        queue_.for_each(stars_.size(), CountNodes{lookup_.lookup,
                                                  {all},
                                                  stars_.los_velocity.data(),
                                                  stars_.metallicity.data(),
                                                  stars_.age.data(),
                                                  n_node,
                                                  count.data()});
        counts = on_host(queue_, count);
    });
    comm.all_reduce(counts, Op::sum);
    return classes_of(counts);
}

Survey DeviceStarLight::survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) {
    const std::int64_t n_spaxel = stars_.n_spaxel();
    const auto n = static_cast<std::size_t>(n_spaxel);
    const std::int64_t n_field = SurveyChunk::n_field + (with_sketches ? SurveyChunk::n_sketch : 0);
    std::vector<double> numbers;
    std::vector<float> sketches;
    for (const NodeLight& node : nodes) {
        numbers.insert(numbers.end(), {node.in_band, node.mean, node.step_error, node.compression_error});
        if (with_sketches) { sketches.insert(sketches.end(), node.sketch.begin(), node.sketch.end()); }
    }
    std::vector<double> values;
    std::vector<std::int64_t> counts;
    Survey out;
    agree(comm, [&] {
        const device::Buffer<double> of_node(queue_, numbers, "light of nodes");
        const device::Buffer<float> sketch(queue_, sketches, "sketches of nodes");
        device::Buffer<double> parts(queue_, n_field * n_chunk_, "sums of chunks");
        device::Buffer<std::int64_t> count(queue_, SurveyChunk::n_count, "counts of stars");
        device::Buffer<std::int32_t> node_used(queue_, library_.n_node(), "nodes used");
        queue_.zero(count);
        queue_.zero(node_used);
        FirstStar outside(queue_);
        queue_.for_each(n_chunk_,
                        SurveyChunk{table(), n_chunk_, lookup_.lookup, stars_.los_velocity.data(),
                                    stars_.initial_mass.data(), stars_.mass.data(), stars_.metallicity.data(),
                                    stars_.age.data(), of_node.data(), with_sketches ? sketch.data() : nullptr,
                                    parts.data(), count.data(), node_used.data(), outside.data()});
        device::Buffer<double> sums(queue_, n_field * n_spaxel, "sums of spaxels");
        queue_.for_each(n_field * n_spaxel, SumChunks{table(), n_chunk_, parts.data(), sums.data()});
        values.resize(n * static_cast<std::size_t>(n_field));
        counts.resize(SurveyChunk::n_count);
        out.node_used.resize(static_cast<std::size_t>(library_.n_node()));
        queue_.download(sums, std::span<double>(values));
        queue_.download(count, std::span<std::int64_t>(counts));
        queue_.download(node_used, std::span<std::int32_t>(out.node_used));
        const std::int64_t star = outside.star(); // waits for all of these
        if (star != no_star && outside_ == ssp::Outside::error) {
            throw_outside(value_of(queue_, stars_.age, star), value_of(queue_, stars_.metallicity, star), library_);
        }
    });
    const auto field = [&](std::size_t f) {
        return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(f * n),
                                   values.begin() + static_cast<std::ptrdiff_t>((f + 1) * n));
    };
    out.n_star.resize(n);
    for (std::size_t s = 0; s < n; ++s) { out.n_star[s] = std::llround(values[s]); }
    out.light = field(1);
    out.step_error = field(2);
    out.compression_error = field(3);
    out.sums.mass = field(4);
    out.sums.light = field(5);
    out.sums.light_velocity = field(6);
    out.sums.light_velocity2 = field(7);
    out.sums.light_age = field(8);
    out.sums.light_metallicity = field(9);
    out.sums.count.resize(n);
    for (std::size_t s = 0; s < n; ++s) {
        out.sums.count[s] = static_cast<double>(n_star_of(static_cast<std::int64_t>(s)));
    }
    out.n_age_outside = counts[0];
    out.n_metallicity_outside = counts[1];
    out.n_outside = counts[2];
    out.n_synthesised = counts[3];
    std::vector<double> of_spaxels; // [spaxel, sketch_size]
    if (with_sketches) {
        of_spaxels.resize(n * sketch_size);
        for (std::size_t s = 0; s < n; ++s) {
            for (std::size_t j = 0; j < sketch_size; ++j) {
                of_spaxels[s * sketch_size + j] = values[(SurveyChunk::n_field + j) * n + s];
            }
        }
    }
    join_ranks(out, of_spaxels, comm);
    return out;
}

} // namespace tessera
