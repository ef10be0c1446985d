#include "instrument/shared_planes.hpp"

#include <algorithm>

#include "instrument/fft_convolution.hpp"

namespace tessera {
namespace {

std::int64_t share(std::int64_t n, std::int64_t n_rank) { return (n + n_rank - 1) / n_rank; }

/// As many as fit, but one; as many of each rank where all have some; and no small round at the end.
std::int64_t planes_at_once(const SharedPlanes& shared, std::int64_t round_bytes) {
    const SharedPlanes::Sizes many = shared.sizes(shared.n_rank); // one of each
    const std::int64_t most = std::clamp<std::int64_t>(round_bytes * shared.n_rank / many.bytes(), 1,
                                                       std::max<std::int64_t>(1, shared.n_wave));
    const std::int64_t n_round = std::max<std::int64_t>(1, share(shared.n_wave, most));
    const std::int64_t n = std::max<std::int64_t>(1, share(shared.n_wave, n_round));
    return n < shared.n_rank ? n : share(n, shared.n_rank) * shared.n_rank;
}

} // namespace

SharedPlanes::SharedPlanes(const Kernel2D& kernel, std::int64_t result_y, std::int64_t result_x, std::int64_t margin,
                           std::int64_t waves, int ranks, const MessageSizes& most)
    : window(kernel, result_y, result_x, margin), n_y(result_y), n_x(result_x),
      length_y(FftConvolution::fast_length(window.n_y)), length_x(FftConvolution::fast_length(window.n_x)),
      n_wave(waves), at_once(1), n_piece(1), n_rank(ranks) {
    at_once = planes_at_once(*this, most.round);
    n_piece = std::clamp<std::int64_t>(sizes(at_once).real_sent * 4 / most.piece, 1,
                                       std::max<std::int64_t>(1, rows(0).count));
}

std::int64_t SharedPlanes::n_plane(std::int64_t round) const {
    return std::min(n_wave, (round + 1) * at_once) - round * at_once;
}

SharedPlanes::Sizes SharedPlanes::sizes(std::int64_t n_plane_at_once) const {
    const std::int64_t n = n_plane_at_once, own = share(n, n_rank);
    std::int64_t rows_of_all = 0, results_of_all = 0; // in the first piece, the largest
    for (int r = 0; r < n_rank; ++r) {
        rows_of_all += piece(rows(r), 0).count;
        results_of_all += piece(result_rows(r), 0).count;
    }
    const std::int64_t own_rows = rows(0).count, own_results = result_rows(0).count, own_columns = columns(0).count;
    return {.real_sent = std::max(own * rows_of_all * window.n_x, n * piece(result_rows(0), 0).count * n_x),
            .real_received = std::max(n * piece(rows(0), 0).count * window.n_x, own * results_of_all * n_x),
            .sent = std::max(n * own_rows * n_column(), n * n_y * own_columns),
            .received = std::max(n * window.n_y * own_columns, n * own_results * n_column())};
}

} // namespace tessera
