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

std::vector<NodeClass> DeviceStarLight::node_classes(std::int64_t field, Communicator& comm) {
    const std::int64_t n_count = library_.n_node() + 1;
    if (node_counts_.empty()) {
        std::uint64_t all = 0;
        for (std::int64_t f = 0; f < n_field(); ++f) {
            const auto first = static_cast<std::size_t>(f * n_spaxel_of_field());
            const std::int64_t own = start()[first + static_cast<std::size_t>(n_spaxel_of_field())] - start()[first];
            if (comm.all_reduce_value(own, Op::sum) <= few_stars) {
                all |= std::uint64_t{1} << static_cast<unsigned>(f);
            }
        }
        agree(comm, [&] {
            device::Buffer<std::int64_t> count(queue_, n_field() * n_count, "counts of nodes");
            queue_.zero(count);
            queue_.for_each(n_star(), CountNodes{lookup_.lookup, all, n_spaxel_of_field(), spaxel_.data(),
                                                 stars_.los_velocity.data(), stars_.metallicity.data(),
                                                 stars_.age.data(), library_.n_node(), count.data()});
            node_counts_ = on_host(queue_, count);
        });
        comm.all_reduce(node_counts_, Op::sum);
    }
    const auto first = node_counts_.begin() + field * n_count;
    return classes_of({first, first + n_count});
}

/// What is asked of one field is asked of the next, mostly in the same words: all are answered at once.
const DeviceStarLight::SurveyAnswer& DeviceStarLight::answer_of(std::vector<double> numbers,
                                                                std::vector<float> sketches, Communicator& comm) {
    for (const auto& answer : answers_) {
        if (answer->numbers == numbers && answer->sketches == sketches) { return *answer; }
    }
    const std::int64_t n_sum = SurveyChunk::n_field + (sketches.empty() ? 0 : SurveyChunk::n_sketch);
    auto made = std::make_unique<SurveyAnswer>();
    made->numbers = std::move(numbers);
    made->sketches = std::move(sketches);
    agree(comm, [&] {
        const device::Buffer<double> of_node(queue_, made->numbers, "light of nodes");
        const device::Buffer<float> sketch(queue_, made->sketches, "sketches of nodes");
        device::Buffer<double> parts(queue_, n_sum * n_chunk_, "sums of chunks");
        device::Buffer<std::int64_t> count(queue_, n_field() * SurveyChunk::n_count, "counts of stars");
        device::Buffer<std::int32_t> node_used(queue_, n_field() * library_.n_node(), "nodes used");
        queue_.zero(count);
        queue_.zero(node_used);
        FirstStar outside(queue_);
        queue_.for_each(n_chunk_,
                        SurveyChunk{table(), n_chunk_, lookup_.lookup, stars_.los_velocity.data(),
                                    stars_.initial_mass.data(), stars_.mass.data(), stars_.metallicity.data(),
                                    stars_.age.data(), of_node.data(), made->sketches.empty() ? nullptr : sketch.data(),
                                    parts.data(), n_spaxel_of_field(), library_.n_node(), count.data(),
                                    node_used.data(), outside.data()});
        device::Buffer<double> sums(queue_, n_sum * n_spaxel(), "sums of spaxels");
        queue_.for_each(n_sum * n_spaxel(), SumChunks{table(), n_chunk_, parts.data(), sums.data()});
        made->values.resize(static_cast<std::size_t>(sums.size()));
        made->counts.resize(static_cast<std::size_t>(count.size()));
        made->node_used.resize(static_cast<std::size_t>(node_used.size()));
        queue_.download(sums, std::span<double>(made->values));
        queue_.download(count, std::span<std::int64_t>(made->counts));
        queue_.download(node_used, std::span<std::int32_t>(made->node_used));
        const std::int64_t star = outside.star(); // waits for all of these
        if (star != no_star && outside_ == ssp::Outside::error) {
            throw_outside(value_of(queue_, stars_.age, star), value_of(queue_, stars_.metallicity, star), library_);
        }
    });
    answers_.push_back(std::move(made));
    return *answers_.back();
}

Survey DeviceStarLight::survey(std::int64_t field, const std::vector<NodeLight>& nodes, bool with_sketches,
                               Communicator& comm) {
    const auto n = static_cast<std::size_t>(n_spaxel_of_field());
    const std::size_t first = static_cast<std::size_t>(field) * n; // spaxel
    std::vector<double> numbers;
    std::vector<float> sketches;
    for (const NodeLight& node : nodes) {
        numbers.insert(numbers.end(), {node.in_band, node.mean, node.step_error, node.compression_error});
        if (with_sketches) { sketches.insert(sketches.end(), node.sketch.begin(), node.sketch.end()); }
    }
    const SurveyAnswer& all = answer_of(std::move(numbers), std::move(sketches), comm);
    const auto sums_of = [&](std::size_t sum) {
        const auto begin =
            all.values.begin() + static_cast<std::ptrdiff_t>(sum * static_cast<std::size_t>(n_spaxel()) + first);
        return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(n));
    };
    Survey out;
    const std::vector<double> lit = sums_of(0);
    out.n_star.resize(n);
    for (std::size_t s = 0; s < n; ++s) { out.n_star[s] = std::llround(lit[s]); }
    out.light = sums_of(1);
    out.step_error = sums_of(2);
    out.compression_error = sums_of(3);
    out.sums.mass = sums_of(4);
    out.sums.light = sums_of(5);
    out.sums.light_velocity = sums_of(6);
    out.sums.light_velocity2 = sums_of(7);
    out.sums.light_age = sums_of(8);
    out.sums.light_metallicity = sums_of(9);
    out.sums.count.resize(n);
    for (std::size_t s = 0; s < n; ++s) {
        out.sums.count[s] = static_cast<double>(n_star_of(static_cast<std::int64_t>(first + s)));
    }
    const std::int64_t* counts = all.counts.data() + field * SurveyChunk::n_count;
    out.n_age_outside = counts[0];
    out.n_metallicity_outside = counts[1];
    out.n_outside = counts[2];
    out.n_synthesised = counts[3];
    const auto used = all.node_used.begin() + field * library_.n_node();
    out.node_used.assign(used, used + library_.n_node());
    std::vector<double> of_spaxels; // [spaxel, sketch_size]
    if (with_sketches) {
        of_spaxels.resize(n * sketch_size);
        for (std::size_t j = 0; j < sketch_size; ++j) {
            const std::vector<double> values = sums_of(SurveyChunk::n_field + j);
            for (std::size_t s = 0; s < n; ++s) { of_spaxels[s * sketch_size + j] = values[s]; }
        }
    }
    join_ranks(out, of_spaxels, comm);
    return out;
}

} // namespace tessera
