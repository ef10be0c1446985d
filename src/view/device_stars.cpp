#include "tessera/view/device_stars.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
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
    /// For n stars, `block` at a time.
    BlockUpload(device::Accelerator& accelerator, std::int64_t block, std::int64_t n)
        : transfer_(accelerator.transfer()), compute_(accelerator.compute()) {
        for (std::int64_t t = 0; t < 2; ++t) { // the second only if there is a second block
            const std::int64_t room = n_array * std::clamp<std::int64_t>(n - t * block, 0, block);
            Turn& turn = turns_[static_cast<std::size_t>(t)];
            turn.host = device::Pinned<float>(accelerator, room);
            turn.memory = device::Buffer<float>(transfer_, room, "a block of stars");
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

/// One rank's stars, by spaxel.
class DeviceOrder {
public:
    DeviceOrder(device::Accelerator& accelerator, const SpatialGrid& grid, std::int64_t n_star)
        : queue_(accelerator.compute()), grid_(grid), n_(n_star), n_spaxel_(grid.n_padded()),
          x_edges_(device::keep_constants(accelerator, grid.x_edges, "edges of spaxels")),
          y_edges_(device::keep_constants(accelerator, grid.y_edges, "edges of spaxels")),
          key_(queue_, n_, "spaxels of stars"), index_(queue_, n_, "numbers of stars"),
          range_(queue_, 4 * n_part, "ranges of stars") {
        for (auto& property : kept_) { property = device::Buffer<float>(queue_, n_, "properties of stars"); }
    }

    void take(device::Accelerator& accelerator, Stars&& stars, const Matrix3& rotation, std::int64_t block,
              const device::Host& where) {
        BlockUpload upload(accelerator, block, n_);
        for (std::int64_t first = 0; first < n_; first += block) {
            const std::int64_t n = std::min(block, n_ - first);
            upload.bring(stars, first, n, where, [&](float* rows) { work_on(rows, first, n, rotation); });
        }
        for (auto* array : arrays_of(stars)) { std::vector<float>().swap(*array); }
        upload.finish();
    }

    /// Takes what was collected apart, to the end.
    DeviceSpaxelStars sorted() {
        DeviceSpaxelStars out;
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

    /// As the host's projection has them: -1 outside.
    std::vector<std::int32_t> spaxels(const device::Host& where) {
        std::vector<std::int32_t> out(static_cast<std::size_t>(n_));
        if (n_ > 0) { queue_.copy_out(out.data(), key_.data(), key_.bytes()); }
        queue_.finish();
        const auto outside = static_cast<std::int32_t>(n_spaxel_);
        device::for_each(where, n_, std::int64_t{1} << 16, [&](std::int64_t i) {
            std::int32_t& spaxel = out[static_cast<std::size_t>(i)];
            if (spaxel == outside) { spaxel = -1; }
        });
        return out;
    }

    /// Of x and y.
    std::array<Extent, 2> extents() {
        std::array<Extent, 2> out;
        if (n_ == 0) { return out; }
        std::vector<float> parts(4 * n_part);
        queue_.download(range_, std::span<float>(parts));
        queue_.finish();
        for (std::size_t axis = 0; axis < 2; ++axis) {
            const auto low = parts.begin() + static_cast<std::ptrdiff_t>(2 * axis * n_part), high = low + n_part;
            out[axis] = {*std::min_element(low, high), *std::max_element(high, high + n_part)};
        }
        return out;
    }

private:
    static constexpr std::int64_t n_part = 4096;

    void work_on(float* rows, std::int64_t first, std::int64_t n, const Matrix3& rotation) {
        const auto row = [&](std::int64_t a) { return rows + a * n; };
        const PlaceStar place{View<const float, 1>(row(0), n), View<const float, 1>(row(1), n),
                              intervals(grid_.x_edges, x_edges_->data(), grid_.closed_end),
                              intervals(grid_.y_edges, y_edges_->data(), grid_.closed_end), View<std::int32_t, 1>()};
        TakeStar take{.position = {row(0), row(1), row(2), rotation},
                      .velocity = {row(3), row(4), row(5), rotation},
                      .place = place,
                      .property = {row(6), row(7), row(8), row(9)},
                      .first = first,
                      .outside = static_cast<std::uint32_t>(n_spaxel_),
                      .key = key_.data(),
                      .index = index_.data(),
                      .kept = {}};
        for (std::size_t k = 0; k < kept_.size(); ++k) { take.kept[k] = kept_[k].data(); }
        queue_.for_each(n, take);
        queue_.for_each(n_part, WidenRange{row(0), row(1), n, n_part, range_.data(),
                                           std::numeric_limits<float>::infinity(), first == 0});
    }

    device::Queue& queue_;
    const SpatialGrid& grid_;
    std::int64_t n_, n_spaxel_;
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
    DeviceSpaxelStars sky;
    std::vector<std::int64_t> count(3); // in the field, in the margin, outside
    std::array<Extent, 2> extents;
    out = Projection();
    agree(comm, [&] {
        require_countable(grid);
        require_numbers(stars.size());
        const std::int64_t n = stars.size();
        DeviceOrder order(accelerator, grid, n);
        order.take(accelerator, std::move(stars), rotation, block, where);
        if (keep_spaxels) { out.spaxel = order.spaxels(where); }
        sky = order.sorted();
        extents = order.extents();
        for (std::int64_t s = 0; s < sky.n_spaxel(); ++s) {
            const auto at = static_cast<std::size_t>(s);
            count[field_spaxel(grid, s) < 0 ? 1 : 0] += sky.start[at + 1] - sky.start[at];
        }
        count[2] = n - sky.size();
    });
    comm.all_reduce(count, Op::sum);
    out.n_in_field = count[0];
    out.n_in_margin = count[1];
    out.n_outside = count[2];
    out.x_range = range_over_ranks(extents[0], comm);
    out.y_range = range_over_ranks(extents[1], comm);
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
