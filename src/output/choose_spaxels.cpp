#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "tessera/output/quicklook.hpp"

namespace tessera {

namespace {

/// The image's light around its brightest spaxel.
class LightProfile {
public:
    LightProfile(const std::vector<float>& image, std::int64_t n_y, std::int64_t n_x)
        : image_(image), n_y_(n_y), n_x_(n_x) {
        for (std::int64_t i = 1; i < size(); ++i) {
            if (light(i) > light(centre_)) { centre_ = i; }
        }
        if (!(light(centre_) > 0)) { centre_ = n_y / 2 * n_x + n_x / 2; }
    }
    std::int64_t size() const { return n_y_ * n_x_; }
    std::int64_t centre() const { return centre_; }
    double light(std::int64_t i) const {
        const double value = image_[static_cast<std::size_t>(i)];
        return std::isfinite(value) && value > 0 ? value : 0.0;
    }
    std::int64_t dy(std::int64_t i) const { return i / n_x_ - centre_ / n_x_; }
    std::int64_t dx(std::int64_t i) const { return i % n_x_ - centre_ % n_x_; }
    double radius(std::int64_t i) const { return std::hypot(static_cast<double>(dy(i)), static_cast<double>(dx(i))); }

    /// Radius of the circle around the centre that holds this fraction of the light, in spaxels.
    double radius_of(double fraction) const {
        std::vector<std::int64_t> order(static_cast<std::size_t>(size()));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [this](auto a, auto b) { return radius(a) < radius(b); });
        double total = 0;
        for (const std::int64_t i : order) { total += light(i); }
        double inside = 0;
        for (const std::int64_t i : order) {
            inside += light(i);
            if (inside >= fraction * total) { return radius(i); }
        }
        return 0;
    }

    /// The brightest lit spaxel within 0.71 of the radius (a ring without gaps) other than the centre; where `away_from` is
    /// given, on the other side of the centre if there is one.
    std::optional<std::int64_t> on_ring(double at, std::optional<std::int64_t> away_from) const {
        std::optional<std::int64_t> best;
        bool best_far = false;
        for (std::int64_t i = 0; i < size(); ++i) {
            if (i == centre_ || i == away_from || !(light(i) > 0) || std::abs(radius(i) - at) > 0.71) { continue; }
            const bool far = !away_from || dy(i) * dy(*away_from) + dx(i) * dx(*away_from) < 0;
            if (!best || (far && !best_far) || (far == best_far && light(i) > light(*best))) {
                best = i;
                best_far = far;
            }
        }
        return best;
    }

private:
    const std::vector<float>& image_;
    std::int64_t n_y_, n_x_, centre_ = 0;
};

} // namespace

std::vector<MarkedSpaxel> choose_spaxels(const std::vector<float>& white_light, std::int64_t n_y, std::int64_t n_x) {
    std::vector<MarkedSpaxel> chosen;
    if (n_y <= 0 || n_x <= 0 || static_cast<std::int64_t>(white_light.size()) != n_y * n_x) { return chosen; }
    const LightProfile profile(white_light, n_y, n_x);
    const auto add = [&](std::int64_t i, const char* label) {
        chosen.push_back({.y = i / n_x, .x = i % n_x, .label = label, .flux = {}});
    };
    add(profile.centre(), "centre");
    const double half_radius = std::max(profile.radius_of(0.5), 1.0); // at least a neighbour of the centre
    const auto half = profile.on_ring(half_radius, std::nullopt);
    if (half) { add(*half, "half-light radius"); }
    const auto outer = profile.on_ring(std::max(profile.radius_of(0.9), half_radius + 1), half);
    if (outer) { add(*outer, "outskirts"); }
    return chosen;
}

} // namespace tessera
