#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tessera/device/device.hpp"

namespace tessera {

/// A counting sort by spaxel (or another small number; stars with a negative one are dropped). Each thread deals out consecutive
/// stars of its own, so that the input order is kept within a spaxel, however many threads there are.
class SpaxelOrder {
public:
    /// @param spaxel  [star] below n_spaxel; must outlive this
    SpaxelOrder(const device::Host& where, std::span<const std::int32_t> spaxel, std::int64_t n_spaxel)
        : where_(where), spaxel_(spaxel) {
        const auto n_star = static_cast<std::int64_t>(spaxel.size());
        // The places of a part take 8 bytes a spaxel: no more parts than make 1 byte a star.
        const std::int64_t n_part = std::clamp<std::int64_t>(n_star / (8 * n_spaxel + 1), 1, where.threads);
        next_.resize(static_cast<std::size_t>(n_part));
        device::run_blocks(where, n_part, [&](std::int64_t part) {
            auto& count = next_[static_cast<std::size_t>(part)];
            count.assign(static_cast<std::size_t>(n_spaxel), 0);
            for (const std::int32_t s : stars_of(part)) {
                if (s >= 0) { ++count[static_cast<std::size_t>(s)]; }
            }
        });
        start_.assign(static_cast<std::size_t>(n_spaxel) + 1, 0);
        std::int64_t at = 0;
        for (std::size_t s = 0; s < static_cast<std::size_t>(n_spaxel); ++s) {
            start_[s] = at;
            for (auto& part : next_) { at += std::exchange(part[s], at); }
        }
        start_.back() = at;
    }

    /// [spaxel + 1] where the stars of each begin in the new order.
    const std::vector<std::int64_t>& start() const { return start_; }

    /// Copies the values of N properties into spaxel order.
    /// @param to  [start().back()] each
    template <class T, std::size_t N>
    void copy(const std::array<const T*, N>& from, const std::array<T*, N>& to) const {
        device::run_blocks(where_, static_cast<std::int64_t>(next_.size()), [&](std::int64_t part) {
            std::vector<std::int64_t> next = next_[static_cast<std::size_t>(part)];
            const std::span<const std::int32_t> spaxel = stars_of(part);
            const auto first = static_cast<std::size_t>(spaxel.data() - spaxel_.data());
            std::array<const T*, N> source = from;
            for (const T*& values : source) { values += first; }
            for (std::size_t i = 0; i < spaxel.size(); ++i) {
                if (spaxel[i] < 0) { continue; }
                const std::int64_t at = next[static_cast<std::size_t>(spaxel[i])]++;
                for (std::size_t k = 0; k < N; ++k) { to[k][at] = source[k][i]; }
            }
        });
    }

    /// The same; the old arrays are freed on the way out.
    template <std::size_t N>
    void move(const std::array<std::vector<float>*, N>& from, const std::array<std::vector<float>*, N>& to) const {
        std::array<std::vector<float>, N> old;
        std::array<const float*, N> source;
        std::array<float*, N> target;
        for (std::size_t k = 0; k < N; ++k) {
            old[k] = std::exchange(*from[k], {});
            to[k]->resize(static_cast<std::size_t>(start_.back()));
            source[k] = old[k].data();
            target[k] = to[k]->data();
        }
        copy(source, target);
    }

private:
    std::span<const std::int32_t> stars_of(std::int64_t part) const {
        const std::size_t n = spaxel_.size(), n_part = next_.size(), p = static_cast<std::size_t>(part);
        const std::size_t first = n * p / n_part;
        return spaxel_.subspan(first, n * (p + 1) / n_part - first);
    }

    device::Host where_;
    std::span<const std::int32_t> spaxel_;
    std::vector<std::vector<std::int64_t>> next_; ///< [part][spaxel] place of the part's next star there
    std::vector<std::int64_t> start_;
};

} // namespace tessera
