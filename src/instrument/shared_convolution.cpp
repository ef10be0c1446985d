#include "instrument/shared_convolution.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <type_traits>

#include "instrument/fft_convolution.hpp"

namespace tessera {
namespace {

/// Columns that are gathered at a time: a line of the cache of each row.
constexpr std::int64_t columns_at_once = 4;

/// Numbers of a column in scratch memory, so many that each begins as FFTW wants it aligned.
std::int64_t column_pitch(const SharedPlanes& shared) { return (shared.length_y + 3) / 4 * 4; }

std::int64_t scratch_doubles(const SharedPlanes& shared) {
    return 2 * std::max(shared.n_column(), columns_at_once * column_pitch(shared));
}

} // namespace

/// task(i, scratch) for i in [0, n), equal runs to the threads, each with scratch memory of its own.
template <class Task>
void SharedConvolution::each(std::int64_t n, const Task& task) {
    device::run_blocks(where_, where_.threads, [&](std::int64_t thread) {
        double* work = scratch_[static_cast<std::size_t>(thread)].get();
        const std::int64_t end = n * (thread + 1) / where_.threads;
        for (std::int64_t i = n * thread / where_.threads; i < end; ++i) { task(i, work); }
    });
}

/// An exchange of n_each·send_count(r) real numbers to rank r for n_each·receive_count(r) from it.
template <class Number, class SendCount, class ReceiveCount>
void SharedConvolution::exchange(Communicator& comm, std::vector<Number>& send, std::vector<Number>& receive,
                                 std::int64_t n_each, const SendCount& send_count, const ReceiveCount& receive_count) {
    using Real = std::conditional_t<std::is_same_v<Number, Complex>, double, Number>;
    const auto n_rank = static_cast<std::size_t>(shared_.n_rank);
    const std::span<std::int64_t> to(counts_.data(), n_rank), from(counts_.data() + n_rank, n_rank);
    for (int r = 0; r < shared_.n_rank; ++r) {
        to[static_cast<std::size_t>(r)] = n_each * send_count(r);
        from[static_cast<std::size_t>(r)] = n_each * receive_count(r);
    }
    const auto all = [](std::vector<Number>& numbers, std::span<const std::int64_t> counts) {
        return Buffer{numbers.data(), std::reduce(counts.begin(), counts.end()), ElementTypeOf<Real>::value};
    };
    comm.all_to_all(all(send, to), to, all(receive, from), from);
}

SharedConvolution::SharedConvolution(const Kernel2D& kernel, const SharedPlanes& shared, int rank, int n_thread)
    : shared_(shared), rank_(rank), where_{n_thread}, rows_(shared.rows(rank).count),
      columns_(shared.columns(rank).count), results_(shared.result_rows(rank).count),
      planes_(static_cast<std::size_t>(shared.n_rank)) {
    for (int thread = 0; thread < n_thread; ++thread) { scratch_.push_back(fftw_scratch(scratch_doubles(shared))); }
    double* work = scratch_.front().get();
    const int x = static_cast<int>(shared.length_x), y = static_cast<int>(shared.length_y);
    row_forward_ = std::make_unique<FftwPlan>(fftw_plan_dft_r2c_1d, x, work, as_complex(work));
    row_backward_ = std::make_unique<FftwPlan>(fftw_plan_dft_c2r_1d, x, as_complex(work), work);
    column_forward_ = std::make_unique<FftwPlan>(fftw_plan_dft_1d, y, as_complex(work), as_complex(work), FFTW_FORWARD);
    column_backward_ =
        std::make_unique<FftwPlan>(fftw_plan_dft_1d, y, as_complex(work), as_complex(work), FFTW_BACKWARD);
    const SharedPlanes::Sizes sizes = shared.sizes(shared.at_once);
    real_sent_.resize(static_cast<std::size_t>(sizes.real_sent));
    real_received_.resize(static_cast<std::size_t>(sizes.real_received));
    sent_.resize(static_cast<std::size_t>(sizes.sent));
    received_.resize(static_cast<std::size_t>(sizes.received));
    norms_.resize(static_cast<std::size_t>(shared.at_once));
    own_norms_.resize(static_cast<std::size_t>(shared.most_planes_of_a_rank()));
    counts_.resize(static_cast<std::size_t>(4 * shared.n_rank));
    transform_kernel(kernel);
}

void SharedConvolution::round(std::int64_t number, CubeSlab& slab, Communicator& comm) {
    n_plane_ = shared_.n_plane(number);
    for (int r = 0; r < shared_.n_rank; ++r) { planes_[static_cast<std::size_t>(r)] = shared_.planes(number, r); }
    share_norms(slab, comm);
    for (std::int64_t piece = 0; piece < shared_.n_piece; ++piece) {
        send_rows(piece, slab, comm);
        transform_rows(piece);
    }
    exchange(
        comm, sent_, received_, 2 * n_plane_, [&](int r) { return rows_ * shared_.columns(r).count; },
        [&](int r) { return shared_.rows(r).count * columns_; });
    convolve_columns();
    exchange(
        comm, sent_, received_, 2 * n_plane_, [&](int r) { return shared_.result_rows(r).count * columns_; },
        [&](int r) { return results_ * shared_.columns(r).count; });
    for (std::int64_t piece = 0; piece < shared_.n_piece; ++piece) {
        finish_rows(piece);
        send_results(piece, slab, comm);
    }
}

/// The columns of the kernel's transform that this rank has, over the number of elements; [column, y].
void SharedConvolution::transform_kernel(const Kernel2D& kernel) {
    double* work = scratch_.front().get();
    auto* numbers = reinterpret_cast<Complex*>(work);
    std::vector<Complex> rows(static_cast<std::size_t>(kernel.n_y * columns_));
    for (std::int64_t y = 0; y < kernel.n_y; ++y) {
        std::fill_n(work, 2 * shared_.n_column(), 0.0);
        for (std::int64_t x = 0; x < kernel.n_x; ++x) {
            work[x] = kernel.at(y, x);
            kernel_norm_ += kernel.at(y, x) * kernel.at(y, x);
        }
        fftw_execute_dft_r2c(row_forward_->get(), work, as_complex(work));
        std::copy_n(numbers + shared_.columns(rank_).first, columns_, rows.begin() + y * columns_);
    }
    kernel_norm_ = std::sqrt(kernel_norm_);
    const double scale = 1.0 / static_cast<double>(shared_.length_y * shared_.length_x);
    kernel_.reserve(static_cast<std::size_t>(columns_ * shared_.length_y));
    for (std::int64_t column = 0; column < columns_; ++column) {
        std::fill_n(numbers, shared_.length_y, Complex());
        for (std::int64_t y = 0; y < kernel.n_y; ++y) {
            numbers[y] = rows[static_cast<std::size_t>(y * columns_ + column)];
        }
        fftw_execute_dft(column_forward_->get(), as_complex(work), as_complex(work));
        for (std::int64_t y = 0; y < shared_.length_y; ++y) { kernel_.push_back(numbers[y] * scale); }
    }
}

const float* SharedConvolution::plane_of(const CubeSlab& slab, std::int64_t i) const {
    return slab.data().data() + (own_planes().first + i) * shared_.window.plane_y * shared_.window.plane_x;
}

/// What is rounding and what is flux depends on the whole plane, which its owner alone has.
void SharedConvolution::share_norms(const CubeSlab& slab, Communicator& comm) {
    const ConvolutionWindow& window = shared_.window;
    each(own_planes().count, [&](std::int64_t i, double* work) {
        auto* row = reinterpret_cast<float*>(work);
        double norm = 0;
        for (std::int64_t y = 0; y < window.n_y; ++y) {
            window.copy_rows(plane_of(slab, i), y, 1, row);
            for (std::int64_t x = 0; x < window.n_x; ++x) {
                norm += static_cast<double>(row[x]) * static_cast<double>(row[x]);
            }
        }
        own_norms_[static_cast<std::size_t>(i)] = std::sqrt(norm);
    });
    for (std::size_t r = 0; r < planes_.size(); ++r) { counts_[r] = planes_[r].count; }
    comm.all_gather({own_norms_.data(), own_planes().count, ElementType::float64},
                    {norms_.data(), n_plane_, ElementType::float64},
                    std::span<const std::int64_t>(counts_.data(), planes_.size()));
}

/// Rows of the owners' planes go to those that transform them: [plane, row, x].
void SharedConvolution::send_rows(std::int64_t piece, const CubeSlab& slab, Communicator& comm) {
    const ConvolutionWindow& window = shared_.window;
    const std::int64_t n_own = own_planes().count;
    each(n_own, [&](std::int64_t i, double*) {
        float* to = real_sent_.data();
        for (int r = 0; r < shared_.n_rank; ++r) {
            const WaveRange rows = shared_.piece(shared_.rows(r), piece);
            window.copy_rows(plane_of(slab, i), rows.first, rows.count, to + i * rows.count * window.n_x);
            to += n_own * rows.count * window.n_x;
        }
    });
    const std::int64_t n_row = shared_.piece(shared_.rows(rank_), piece).count;
    exchange(
        comm, real_sent_, real_received_, window.n_x,
        [&](int r) { return n_own * shared_.piece(shared_.rows(r), piece).count; },
        [&](int r) { return planes_[static_cast<std::size_t>(r)].count * n_row; });
}

/// Messages to those that have the columns: [plane, row, column].
void SharedConvolution::transform_rows(std::int64_t piece) {
    const WaveRange own = shared_.rows(rank_), rows = shared_.piece(own, piece);
    const std::int64_t n_x = shared_.window.n_x;
    each(n_plane_ * rows.count, [&](std::int64_t i, double* work) {
        std::copy_n(real_received_.begin() + i * n_x, n_x, work);
        std::fill(work + n_x, work + 2 * shared_.n_column(), 0.0);
        fftw_execute_dft_r2c(row_forward_->get(), work, as_complex(work));
        const auto* numbers = reinterpret_cast<const Complex*>(work);
        const std::int64_t at = i / rows.count * own.count + rows.first - own.first + i % rows.count;
        for (int r = 0; r < shared_.n_rank; ++r) {
            const WaveRange columns = shared_.columns(r);
            std::copy_n(numbers + columns.first, columns.count,
                        sent_.begin() + n_plane_ * own.count * columns.first + at * columns.count);
        }
    });
}

/// Messages to those that have the rows of the result: [plane, row, column].
void SharedConvolution::convolve_columns() {
    const std::int64_t n_group = (columns_ + columns_at_once - 1) / columns_at_once, pitch = column_pitch(shared_);
    each(n_plane_ * n_group, [&](std::int64_t i, double* work) {
        const std::int64_t plane = i / n_group, first = i % n_group * columns_at_once;
        const std::int64_t n = std::min(columns_at_once, columns_ - first);
        auto* numbers = reinterpret_cast<Complex*>(work); // [column, y]
        /// Where the row of the message to or from its rank begins, those of `rows`.
        const auto row_at = [&](const WaveRange& rows, std::int64_t row) {
            return (n_plane_ * rows.first + plane * rows.count + row) * columns_ + first;
        };
        for (int r = 0; r < shared_.n_rank; ++r) {
            const WaveRange rows = shared_.rows(r);
            for (std::int64_t row = 0; row < rows.count; ++row) {
                const Complex* from = received_.data() + row_at(rows, row);
                for (std::int64_t c = 0; c < n; ++c) { numbers[c * pitch + rows.first + row] = from[c]; }
            }
        }
        for (std::int64_t c = 0; c < n; ++c) {
            Complex* column = numbers + c * pitch;
            const Complex* factor = kernel_.data() + (first + c) * shared_.length_y;
            auto* in_place = reinterpret_cast<fftw_complex*>(column);
            std::fill(column + shared_.window.n_y, column + shared_.length_y, Complex());
            fftw_execute_dft(column_forward_->get(), in_place, in_place);
            for (std::int64_t y = 0; y < shared_.length_y; ++y) { column[y] *= factor[y]; }
            fftw_execute_dft(column_backward_->get(), in_place, in_place);
        }
        for (int r = 0; r < shared_.n_rank; ++r) {
            const WaveRange rows = shared_.result_rows(r);
            for (std::int64_t row = 0; row < rows.count; ++row) {
                Complex* to = sent_.data() + row_at(rows, row);
                for (std::int64_t c = 0; c < n; ++c) {
                    to[c] = numbers[c * pitch + shared_.skip_y() + rows.first + row];
                }
            }
        }
    });
}

/// Messages to the owners: [plane, row, x].
void SharedConvolution::finish_rows(std::int64_t piece) {
    const WaveRange own = shared_.result_rows(rank_), rows = shared_.piece(own, piece);
    each(n_plane_ * rows.count, [&](std::int64_t i, double* work) {
        auto* numbers = reinterpret_cast<Complex*>(work);
        const std::int64_t plane = i / rows.count, at = plane * own.count + rows.first - own.first + i % rows.count;
        for (int r = 0; r < shared_.n_rank; ++r) {
            const WaveRange columns = shared_.columns(r);
            std::copy_n(received_.begin() + n_plane_ * own.count * columns.first + at * columns.count, columns.count,
                        numbers + columns.first);
        }
        fftw_execute_dft_c2r(row_backward_->get(), as_complex(work), work);
        const double rounding = FftConvolution::rounding(shared_.length_y * shared_.length_x,
                                                         norms_[static_cast<std::size_t>(plane)], kernel_norm_);
        float* row = real_sent_.data() + i * shared_.n_x;
        for (std::int64_t x = 0; x < shared_.n_x; ++x) {
            const double value = work[shared_.skip_x() + x];
            row[x] = std::abs(value) <= rounding ? 0.0F : static_cast<float>(value);
        }
    });
}

/// Into the place of planes that have been sent.
void SharedConvolution::send_results(std::int64_t piece, CubeSlab& slab, Communicator& comm) {
    const WaveRange own = own_planes();
    const std::int64_t n_row = shared_.piece(shared_.result_rows(rank_), piece).count;
    exchange(
        comm, real_sent_, real_received_, shared_.n_x,
        [&](int r) { return planes_[static_cast<std::size_t>(r)].count * n_row; },
        [&](int r) { return own.count * shared_.piece(shared_.result_rows(r), piece).count; });
    auto from = real_received_.begin();
    for (int r = 0; r < shared_.n_rank; ++r) {
        const WaveRange rows = shared_.piece(shared_.result_rows(r), piece);
        for (std::int64_t i = 0; i < own.count; ++i, from += rows.count * shared_.n_x) {
            std::copy_n(from, rows.count * shared_.n_x,
                        slab.data().begin() + ((own.first + i) * shared_.n_y + rows.first) * shared_.n_x);
        }
    }
}

std::int64_t SharedConvolution::bytes(const SharedPlanes& shared, std::int64_t n_tap, int n_thread) {
    constexpr std::int64_t number = sizeof(Complex);
    return shared.sizes(shared.at_once).bytes() + shared.columns(0).count * (shared.length_y + n_tap) * number +
           n_thread * scratch_doubles(shared) * static_cast<std::int64_t>(sizeof(double));
}

} // namespace tessera
