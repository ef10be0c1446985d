#include "tessera/ssp/compression.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <list>
#include <mutex>
#include <numeric>

#include "core/cpu_clones.hpp"
#include "tessera/core/hash.hpp"
#include "tessera/core/random.hpp"

namespace tessera::ssp {

namespace {

constexpr std::int64_t block = 8; ///< vectors found at a time
constexpr std::int64_t lane = 16; ///< floats that are worked on together

/// `lane` floats anywhere in memory (GCC and Clang vector extension): left to itself the compiler puts the wrong loop into registers.
typedef float Lane __attribute__((vector_size(lane * sizeof(float)), aligned(sizeof(float)), may_alias));

/// out[j, l] = sum over k of left[k, j] · rows[k, l] for `lane` values of l.
TESSERA_CPU_CLONES
void project_lane(const float* left, const float* rows, std::int64_t n_row, std::int64_t stride, float* out) {
    Lane sum[block] = {};
    for (std::int64_t k = 0; k < n_row; ++k) {
        const Lane row = *reinterpret_cast<const Lane*>(rows + k * stride);
        for (std::int64_t j = 0; j < block; ++j) { sum[j] += left[k * block + j] * row; }
    }
    for (std::int64_t j = 0; j < block; ++j) { *reinterpret_cast<Lane*>(out + j * stride) = sum[j]; }
}

/// out[j] = sum over l of row[l] · right[j, l]
TESSERA_CPU_CLONES
void dot_block(const float* row, const float* right, std::int64_t n, float* out) {
    Lane sum[block] = {};
    for (std::int64_t l = 0; l < n; l += lane) {
        const Lane value = *reinterpret_cast<const Lane*>(row + l);
        for (std::int64_t j = 0; j < block; ++j) {
            sum[j] += value * *reinterpret_cast<const Lane*>(right + j * n + l);
        }
    }
    for (std::int64_t j = 0; j < block; ++j) {
        out[j] = 0;
        for (std::int64_t i = 0; i < lane; ++i) { out[j] += sum[j][i]; }
    }
}

/// row[l] -= sum over j of left[j] · right[j, l]; returns the sum of the squares that remain.
TESSERA_CPU_CLONES
double deflate_row(const float* left, const float* right, std::int64_t n, float* row) {
    Lane squares = {};
    for (std::int64_t l = 0; l < n; l += lane) {
        Lane value = *reinterpret_cast<const Lane*>(row + l);
        for (std::int64_t j = 0; j < block; ++j) {
            value -= left[j] * *reinterpret_cast<const Lane*>(right + j * n + l);
        }
        *reinterpret_cast<Lane*>(row + l) = value;
        squares += value * value;
    }
    double total = 0;
    for (std::int64_t i = 0; i < lane; ++i) { total += static_cast<double>(squares[i]); }
    return total;
}

/// The library's range, scaled; what the vectors found so far do not explain.
class Residual {
public:
    Residual(const Library& library, WavelengthRange range, std::span<const double> importance,
             const device::Host& where)
        : where_(where), n_node_(library.n_node()), n_point_(range.end - range.first),
          stride_((n_point_ + lane - 1) / lane * lane), rows_(static_cast<std::size_t>(n_node_ * stride_), 0.0F),
          scale_(static_cast<std::size_t>(n_node_), 0.0), weight_(scale_), error_(scale_) {
        device::for_each(where_, n_node_, 8, [&](std::int64_t k) {
            const float* light = library.nodes().row(k) + range.first;
            const double mean = std::accumulate(light, light + n_point_, 0.0) / static_cast<double>(n_point_);
            const double weight = std::sqrt(importance[static_cast<std::size_t>(k)]);
            if (!(mean > 0)) { return; }
            error_[static_cast<std::size_t>(k)] = 1;
            if (!(weight > 0)) { return; }
            scale_[static_cast<std::size_t>(k)] = weight / mean;
            weight_[static_cast<std::size_t>(k)] = weight;
            for (std::int64_t l = 0; l < n_point_; ++l) {
                rows_[static_cast<std::size_t>(k * stride_ + l)] =
                    static_cast<float>(light[l] * scale_[static_cast<std::size_t>(k)]);
            }
        });
    }

    std::int64_t stride() const { return stride_; }
    double scale(std::int64_t k) const { return scale_[static_cast<std::size_t>(k)]; }
    const std::vector<double>& error() const { return error_; }

    /// [block, stride] <- left [node, block] transposed times the rows
    void project(const std::vector<float>& left, std::vector<float>& out) const {
        out.resize(static_cast<std::size_t>(block * stride_));
        device::for_each(where_, stride_ / lane, 16, [&](std::int64_t i) {
            project_lane(left.data(), rows_.data() + i * lane, n_node_, stride_, out.data() + i * lane);
        });
    }
    /// [node, block] <- the rows times right [block, stride] transposed
    void sketch(const std::vector<float>& right, std::vector<float>& out) const {
        out.resize(static_cast<std::size_t>(n_node_ * block));
        device::for_each(where_, n_node_, 8, [&](std::int64_t k) {
            dot_block(rows_.data() + k * stride_, right.data(), stride_, out.data() + k * block);
        });
    }
    /// The rows less left times right; every node's error anew.
    void deflate(const std::vector<float>& left, const std::vector<float>& right) {
        device::for_each(where_, n_node_, 8, [&](std::int64_t k) {
            const double square =
                deflate_row(left.data() + k * block, right.data(), stride_, rows_.data() + k * stride_);
            const double weight = weight_[static_cast<std::size_t>(k)];
            if (weight > 0) {
                error_[static_cast<std::size_t>(k)] = std::sqrt(square / static_cast<double>(n_point_)) / weight;
            }
        });
    }

private:
    device::Host where_;
    std::int64_t n_node_, n_point_, stride_;
    std::vector<float> rows_;    ///< [node, stride]
    std::vector<double> scale_;  ///< [node] 1/(Lsun/Angstrom); 0 for a node without light or importance
    std::vector<double> weight_; ///< [node] square root of the importance; 0 for those without scale
    std::vector<double> error_;  ///< [node]
};

/// Signs +1 and -1, [block, stride].
std::vector<float> random_signs(std::int64_t stride, std::uint64_t which) {
    constexpr std::uint64_t stream = 0x73696773; // "sigs"
    std::vector<float> signs(static_cast<std::size_t>(block * stride));
    for (std::size_t at = 0; at < signs.size();) {
        const Philox random = Philox::at(which, stream, at);
        for (const std::uint32_t word : random.word) {
            for (unsigned bit = 0; bit < 32 && at < signs.size(); ++bit) {
                signs[at++] = (word >> bit & 1U) != 0 ? 1.0F : -1.0F;
            }
        }
    }
    return signs;
}

/// Vectors [node, rank] that are orthonormal to rounding; a new one that depends on the others becomes zero.
class OrthonormalVectors {
public:
    explicit OrthonormalVectors(std::int64_t n) : n_(static_cast<std::size_t>(n)) {}
    const std::vector<std::vector<double>>& all() const { return vectors_; }

    /// Adds the columns of y [n, block]; on return y holds the vectors that were added.
    void add(std::vector<float>& y) {
        for (std::size_t j = 0; j < block; ++j) {
            std::vector<double> v(n_);
            for (std::size_t k = 0; k < n_; ++k) { v[k] = y[k * block + j]; }
            const double length = norm(v);
            for (int pass = 0; pass < 2; ++pass) { // twice is enough (Giraud et al. 2005)
                for (const auto& other : vectors_) {
                    const double along = std::inner_product(v.begin(), v.end(), other.begin(), 0.0);
                    for (std::size_t k = 0; k < n_; ++k) { v[k] -= along * other[k]; }
                }
            }
            const double left = norm(v);
            const double scale = left > 1e-10 * length && left > 0 ? 1 / left : 0.0;
            for (std::size_t k = 0; k < n_; ++k) {
                v[k] *= scale;
                y[k * block + j] = static_cast<float>(v[k]);
            }
            vectors_.push_back(std::move(v));
        }
    }

private:
    static double norm(const std::vector<double>& v) {
        return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
    }
    std::size_t n_;
    std::vector<std::vector<double>> vectors_;
};

/// Columns of y scaled to length 1: products of products would leave the range of float.
void scale_columns(std::vector<float>& y) {
    std::array<double, block> square{};
    for (std::size_t i = 0; i < y.size(); ++i) { square[i % block] += static_cast<double>(y[i]) * y[i]; }
    for (std::size_t i = 0; i < y.size(); ++i) {
        if (square[i % block] > 0) { y[i] = static_cast<float>(y[i] / std::sqrt(square[i % block])); }
    }
}

double weighted_mean(std::span<const double> weight, const std::vector<double>& values) {
    return std::inner_product(values.begin(), values.end(), weight.begin(), 0.0) /
           std::accumulate(weight.begin(), weight.end(), 0.0);
}

} // namespace

Compression compress(const Library& library, WavelengthRange range, std::span<const double> importance,
                     double tolerance, const device::Host& where) {
    Residual residual(library, range, importance, where);
    OrthonormalVectors vectors(library.n_node());
    const std::int64_t stride = residual.stride();
    std::vector<float> basis; // [rank, stride]
    std::vector<float> left;
    std::vector<float> right;
    std::int64_t rank = 0;
    while (rank < library.n_node()) {
        residual.sketch(random_signs(stride, static_cast<std::uint64_t>(rank)), left);
        scale_columns(left);
        residual.project(left, right);
        residual.sketch(right, left);
        vectors.add(left);
        residual.project(left, right);
        residual.deflate(left, right);
        basis.insert(basis.end(), right.begin(), right.end());
        rank += block;
        if (weighted_mean(importance, residual.error()) <= tolerance) { break; }
    }
    Compression out;
    out.rank = rank;
    out.error = residual.error();
    out.coefficients.assign(static_cast<std::size_t>(library.n_node() * rank), 0.0F);
    for (std::int64_t k = 0; k < library.n_node(); ++k) {
        if (residual.scale(k) == 0) { continue; }
        for (std::int64_t j = 0; j < rank; ++j) {
            const auto& vector = vectors.all()[static_cast<std::size_t>(j)];
            out.coefficients[static_cast<std::size_t>(k * rank + j)] =
                static_cast<float>(vector[static_cast<std::size_t>(k)] / residual.scale(k));
        }
    }
    out.basis.assign(static_cast<std::size_t>(rank * library.n_wave()), 0.0F);
    for (std::int64_t j = 0; j < rank; ++j) {
        std::copy_n(basis.begin() + j * stride, range.end - range.first,
                    out.basis.begin() + j * library.n_wave() + range.first);
    }
    return out;
}

std::shared_ptr<const Compression> compressed(const Library& library, WavelengthRange range,
                                              std::span<const double> importance, double tolerance,
                                              const device::Host& where) {
    struct Entry {
        std::uint64_t library, importance;
        WavelengthRange range;
        double tolerance;
        std::shared_ptr<const Compression> compression;
    };
    static std::mutex guard;
    static std::list<Entry> kept; // the latest first
    constexpr std::size_t most = 8;
    Fnv1a hash;
    hash.add_bytes(importance.data(), importance.size_bytes());
    const std::uint64_t checksum = library.checksum != 0 ? library.checksum : checksum_of(library);
    const std::lock_guard lock(guard);
    for (auto entry = kept.begin(); entry != kept.end(); ++entry) {
        if (entry->library == checksum && entry->importance == hash.hash() && entry->range == range &&
            entry->tolerance == tolerance) {
            kept.splice(kept.begin(), kept, entry);
            return entry->compression;
        }
    }
    auto made = std::make_shared<const Compression>(compress(library, range, importance, tolerance, where));
    kept.push_front({checksum, hash.hash(), range, tolerance, made});
    if (kept.size() > most) { kept.pop_back(); }
    return made;
}

std::vector<double> population_prior(const Library& library, WavelengthRange range) {
    constexpr double oldest = 13.8; // Gyr: the age of the Universe
    constexpr double quenched = 5;  // Gyr
    const auto n_age = static_cast<std::size_t>(library.n_age());
    std::vector<double> constant(static_cast<std::size_t>(library.n_node()));
    std::vector<double> old(constant.size());
    for (std::size_t k = 0; k < constant.size(); ++k) {
        const std::size_t i = k % n_age;
        const double low = i == 0 ? library.age[i] : 0.5 * (library.age[i - 1] + library.age[i]);
        const double high = i + 1 == n_age ? library.age[i] : 0.5 * (library.age[i] + library.age[i + 1]);
        const float* light = library.nodes().row(static_cast<std::int64_t>(k));
        const double mean = std::accumulate(light + range.first, light + range.end, 0.0);
        constant[k] = std::max(0.0, std::min(high, oldest) - low) * std::max(mean, 0.0);
        old[k] = std::max(0.0, std::min(high, oldest) - std::max(low, quenched)) * std::max(mean, 0.0);
    }
    const double all_constant = std::accumulate(constant.begin(), constant.end(), 0.0);
    const double all_old = std::accumulate(old.begin(), old.end(), 0.0);
    std::vector<double> prior(constant.size(), 0.1 / static_cast<double>(constant.size()));
    for (std::size_t k = 0; k < prior.size(); ++k) {
        // A grid of one age, or of young ages only, has no width or no old part.
        prior[k] += all_constant > 0 ? 0.45 * constant[k] / all_constant : 0.45 / static_cast<double>(prior.size());
        prior[k] += all_old > 0 ? 0.45 * old[k] / all_old : 0.45 / static_cast<double>(prior.size());
    }
    return prior;
}

} // namespace tessera::ssp
