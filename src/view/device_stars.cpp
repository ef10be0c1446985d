#include "tessera/view/device_stars.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/device/constants.hpp"
#include "view/field.hpp"
#include "view/order_kernels.hpp"

namespace tessera {

namespace {

constexpr std::int64_t n_array = 10; ///< that go up for each star

/// In the order of a block's rows.
std::array<std::vector<float>*, n_array> arrays_of(Stars& stars) {
    return {&stars.x,    &stars.y,           &stars.z,  &stars.vx, &stars.vy, &stars.vz, &stars.initial_mass,
            &stars.mass, &stars.metallicity, &stars.age};
}

/// Stars on their way up: two blocks of pinned memory and two of the accelerator take turns, so that the host fills one block while
/// the one before is copied and the one before that is worked on.
class BlockUpload {
public:
    /// For blocks of so many stars, in that order.
    BlockUpload(device::Accelerator& accelerator, const std::vector<std::int64_t>& blocks)
        : transfer_(accelerator.transfer()), compute_(accelerator.compute()) {
        for (std::size_t t = 0; t < 2; ++t) { // the second only if there is a second block
            std::int64_t room = 0;
            for (std::size_t i = t; i < blocks.size(); i += 2) { room = std::max(room, n_array * blocks[i]); }
            turns_[t].host = device::Pinned<float>(accelerator, room);
            turns_[t].memory = device::Buffer<float>(transfer_, room, "a block of stars");
        }
    }
    BlockUpload(const BlockUpload&) = delete;
    BlockUpload& operator=(const BlockUpload&) = delete;
    ~BlockUpload() {
        try { // on the way out after an error there may be another one
            finish();
        } catch (const std::exception&) { return; }
    }

    /// Memory may go when it is used no more.
    void finish() {
        for (Turn& turn : turns_) {
            if (turn.used) { transfer_.wait_for(std::exchange(turn.used, nullptr)); }
            if (turn.uploaded) { transfer_.host_wait(std::exchange(turn.uploaded, nullptr)); }
        }
    }

    /// Stars [first, first + n), n at most a block; use(block [array, n]) gives the compute queue its work.
    template <class Use>
    void bring(Stars& stars, std::int64_t first, std::int64_t n, const device::Host& where, const Use& use) {
        Turn& turn = turns_[next_];
        next_ = 1 - next_;
        if (turn.uploaded) { transfer_.host_wait(turn.uploaded); }
        const auto arrays = arrays_of(stars);
        device::for_each(where, n_array, 1, [&](std::int64_t a) {
            std::memcpy(turn.host.data() + a * n, arrays[static_cast<std::size_t>(a)]->data() + first,
                        static_cast<std::size_t>(n) * sizeof(float));
        });
        if (turn.used) { transfer_.wait_for(turn.used); }
        transfer_.copy_in(turn.memory.data(), turn.host.data(), n_array * n * static_cast<std::int64_t>(sizeof(float)));
        turn.uploaded = transfer_.mark();
        compute_.wait_for(turn.uploaded);
        use(turn.memory.data());
        turn.used = compute_.mark();
    }

private:
    struct Turn {
        device::Pinned<float> host;
        device::Buffer<float> memory;
        device::MarkPointer uploaded, used; ///< null before the first time
    };
    device::Queue& transfer_;
    device::Queue& compute_;
    std::array<Turn, 2> turns_;
    std::size_t next_ = 0;
};

/// One rank's stars of all fields, by spaxel.
class DeviceOrder {
public:
    DeviceOrder(device::Accelerator& accelerator, const SpatialGrid& grid, std::int64_t n_field, std::int64_t n_star)
        : queue_(accelerator.compute()), grid_(grid), n_field_(n_field), n_(n_star),
          n_spaxel_(n_field * grid.n_padded()),
          x_edges_(device::keep_constants(accelerator, grid.x_edges, "edges of spaxels")),
          y_edges_(device::keep_constants(accelerator, grid.y_edges, "edges of spaxels")),
          key_(queue_, n_, "spaxels of stars"), index_(queue_, n_, "numbers of stars"),
          range_(queue_, n_field * 4 * n_part, "ranges of stars") {
        for (auto& property : kept_) { property = device::Buffer<float>(queue_, n_, "properties of stars"); }
    }

    void take(device::Accelerator& accelerator, std::span<const FieldStars> fields, std::int64_t block,
              const device::Host& where) {
        std::vector<std::int64_t> blocks;
        for (const FieldStars& field : fields) {
            for (std::int64_t left = field.stars.size(); left > 0; left -= block) {
                blocks.push_back(std::min(block, left));
            }
        }
        BlockUpload upload(accelerator, blocks);
        std::int64_t before = 0;
        for (std::size_t f = 0; f < fields.size(); ++f) {
            const FieldStars& field = fields[f];
            const std::int64_t n_star = field.stars.size();
            for (std::int64_t first = 0; first < n_star; first += block) {
                const std::int64_t n = std::min(block, n_star - first);
                upload.bring(field.stars, first, n, where, [&](float* rows) {
                    work_on(rows, static_cast<std::int64_t>(f), first == 0, before + first, n, field.rotation);
                });
            }
            for (auto* array : arrays_of(field.stars)) { std::vector<float>().swap(*array); }
            before += n_star;
        }
        upload.finish();
    }

    /// Takes what was collected apart, to the end.
    DeviceSpaxelStars sorted() {
        DeviceSpaxelStars out;
        out.n_field = n_field_;
        out.starts = device::Buffer<std::int64_t>(queue_, n_spaxel_ + 1, "first stars of spaxels");
        device::Buffer<std::uint32_t> order(queue_, n_, "the order of stars");
        if (n_ > 0) {
            device::Buffer<std::uint32_t> keys(queue_, n_, "spaxels of stars, sorted");
            const int n_bit = std::bit_width(static_cast<std::uint64_t>(n_spaxel_)); // stars outside have n_spaxel
            queue_.sort_by_key(key_.data(), index_.data(), keys.data(), order.data(), n_, n_bit);
            queue_.for_each(n_spaxel_ + 1, FirstOfSpaxel{keys.data(), n_, out.starts.data()});
        } else {
            queue_.zero(out.starts);
        }
        index_ = device::Buffer<std::uint32_t>();
        key_ = device::Buffer<std::uint32_t>();
        out.start.resize(static_cast<std::size_t>(n_spaxel_) + 1);
        queue_.download(out.starts, std::span<std::int64_t>(out.start));
        queue_.finish();
        const std::array<device::Buffer<float>*, 5> properties{&out.los_velocity, &out.initial_mass, &out.mass,
                                                               &out.metallicity, &out.age};
        for (std::size_t k = 0; k < properties.size(); ++k) {
            *properties[k] = device::Buffer<float>(queue_, out.size(), "properties of stars by spaxel");
            queue_.for_each(out.size(), GatherValue{kept_[k].data(), order.data(), properties[k]->data()});
            kept_[k] = device::Buffer<float>();
        }
        return out;
    }

    /// Of stars [first, first + n), those of a field, as the host's projection has them: -1 outside.
    std::vector<std::int32_t> spaxels(std::int64_t field, std::int64_t first, std::int64_t n,
                                      const device::Host& where) {
        std::vector<std::int32_t> out(static_cast<std::size_t>(n));
        if (n > 0) { queue_.copy_out(out.data(), key_.data() + first, n * static_cast<std::int64_t>(sizeof(float))); }
        queue_.finish();
        const auto outside = static_cast<std::int32_t>(n_spaxel_);
        const auto first_spaxel = static_cast<std::int32_t>(field * grid_.n_padded());
        device::for_each(where, n, std::int64_t{1} << 16, [&](std::int64_t i) {
            std::int32_t& spaxel = out[static_cast<std::size_t>(i)];
            spaxel = spaxel == outside ? -1 : spaxel - first_spaxel;
        });
        return out;
    }

    /// Of x and y, [field].
    std::vector<std::array<Extent, 2>> extents(std::span<const std::int64_t> n_star) {
        std::vector<std::array<Extent, 2>> out(n_star.size());
        if (n_ == 0) { return out; }
        std::vector<float> parts(static_cast<std::size_t>(range_.size()));
        queue_.download(range_, std::span<float>(parts));
        queue_.finish();
        for (std::size_t f = 0; f < out.size(); ++f) {
            if (n_star[f] == 0) { continue; } // nobody has written there
            for (std::size_t axis = 0; axis < 2; ++axis) {
                const auto low = parts.begin() + static_cast<std::ptrdiff_t>((4 * f + 2 * axis) * n_part);
                const auto high = low + n_part;
                out[f][axis] = {*std::min_element(low, high), *std::max_element(high, high + n_part)};
            }
        }
        return out;
    }

private:
    static constexpr std::int64_t n_part = 4096;

    void work_on(float* rows, std::int64_t field, bool is_first, std::int64_t first, std::int64_t n,
                 const Matrix3& rotation) {
        const auto row = [&](std::int64_t a) { return rows + a * n; };
        const PlaceStar place{View<const float, 1>(row(0), n), View<const float, 1>(row(1), n),
                              intervals(grid_.x_edges, x_edges_->data(), grid_.closed_end),
                              intervals(grid_.y_edges, y_edges_->data(), grid_.closed_end), View<std::int32_t, 1>()};
        TakeStar take{.position = {row(0), row(1), row(2), rotation},
                      .velocity = {row(3), row(4), row(5), rotation},
                      .place = place,
                      .property = {row(6), row(7), row(8), row(9)},
                      .first = first,
                      .first_spaxel = static_cast<std::uint32_t>(field * grid_.n_padded()),
                      .outside = static_cast<std::uint32_t>(n_spaxel_),
                      .key = key_.data(),
                      .index = index_.data(),
                      .kept = {}};
        for (std::size_t k = 0; k < kept_.size(); ++k) { take.kept[k] = kept_[k].data(); }
        queue_.for_each(n, take);
        queue_.for_each(n_part, WidenRange{row(0), row(1), n, n_part, range_.data() + field * 4 * n_part,
                                           std::numeric_limits<float>::infinity(), is_first});
    }

    device::Queue& queue_;
    const SpatialGrid& grid_;
    std::int64_t n_field_, n_, n_spaxel_;
    std::shared_ptr<const device::Constants<double>> x_edges_, y_edges_;
    device::Buffer<std::uint32_t> key_, index_;
    std::array<device::Buffer<float>, 5> kept_;
    device::Buffer<float> range_;
};

void require_numbers(std::int64_t n_star) {
    if (n_star <= std::numeric_limits<std::uint32_t>::max()) { return; }
    throw Error({.kind = Kind::resource,
                 .where = "stars of one rank",
                 .found = fmt::format("{}", n_star),
                 .expected = fmt::format("at most {} on an accelerator", std::numeric_limits<std::uint32_t>::max()),
                 .cure = "Use more ranks"});
}

} // namespace

DeviceSpaxelStars order_on_device(device::Accelerator& accelerator, Stars&& stars, const Matrix3& rotation,
                                  const SpatialGrid& grid, bool keep_spaxels, Projection& out,
                                  const device::Host& where, Communicator& comm, std::int64_t block) {
    std::vector<std::int64_t> rows = std::move(stars.row);
    Stars own(std::move(stars));
    stars = Stars();
    stars.row = std::move(rows);
    const FieldStars field{own, rotation, out};
    return order_on_device(accelerator, {&field, 1}, grid, keep_spaxels, where, comm, block);
}

DeviceSpaxelStars order_on_device(device::Accelerator& accelerator, std::span<const FieldStars> fields,
                                  const SpatialGrid& grid, bool keep_spaxels, const device::Host& where,
                                  Communicator& comm, std::int64_t block) {
    DeviceSpaxelStars sky;
    std::vector<std::int64_t> count(3 * fields.size()); // in the field, in the margin, outside
    std::vector<std::array<Extent, 2>> extents;
    for (const FieldStars& field : fields) { field.projection = Projection(); }
    agree(comm, [&] {
        require_countable(grid);
        const auto n_field = std::ssize(fields);
        std::vector<std::int64_t> n_star;
        for (const FieldStars& field : fields) { n_star.push_back(field.stars.size()); }
        const std::int64_t n = std::accumulate(n_star.begin(), n_star.end(), std::int64_t{0});
        require_numbers(n);
        DeviceOrder order(accelerator, grid, n_field, n);
        order.take(accelerator, fields, block, where);
        std::int64_t first = 0;
        for (std::size_t f = 0; keep_spaxels && f < fields.size(); ++f) {
            fields[f].projection.spaxel = order.spaxels(static_cast<std::int64_t>(f), first, n_star[f], where);
            first += n_star[f];
        }
        sky = order.sorted();
        extents = order.extents(n_star);
        for (std::size_t f = 0; f < fields.size(); ++f) { count[3 * f + 2] = n_star[f]; }
        for (std::int64_t s = 0; s < sky.n_spaxel(); ++s) {
            const auto at = static_cast<std::size_t>(s);
            const std::int64_t here = sky.start[at + 1] - sky.start[at];
            const auto field = static_cast<std::size_t>(s / grid.n_padded());
            count[3 * field + (field_spaxel(grid, s % grid.n_padded()) < 0 ? 1 : 0)] += here;
            count[3 * field + 2] -= here;
        }
    });
    comm.all_reduce(count, Op::sum);
    for (std::size_t f = 0; f < fields.size(); ++f) {
        Projection& out = fields[f].projection;
        out.n_in_field = count[3 * f];
        out.n_in_margin = count[3 * f + 1];
        out.n_outside = count[3 * f + 2];
        out.x_range = range_over_ranks(extents[f][0], comm);
        out.y_range = range_over_ranks(extents[f][1], comm);
    }
    return sky;
}

DeviceSpaxelStars to_device(device::Accelerator& accelerator, const SpaxelStars& stars) {
    device::Queue& queue = accelerator.compute();
    DeviceSpaxelStars out;
    out.start = stars.start;
    out.starts = device::Buffer<std::int64_t>(queue, stars.start, "first stars of spaxels");
    out.los_velocity = device::Buffer<float>(queue, stars.los_velocity, "properties of stars by spaxel");
    out.initial_mass = device::Buffer<float>(queue, stars.initial_mass, "properties of stars by spaxel");
    out.mass = device::Buffer<float>(queue, stars.mass, "properties of stars by spaxel");
    out.metallicity = device::Buffer<float>(queue, stars.metallicity, "properties of stars by spaxel");
    out.age = device::Buffer<float>(queue, stars.age, "properties of stars by spaxel");
    queue.finish();
    return out;
}

} // namespace tessera
