#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "instrument/fftw.hpp"
#include "instrument/shared_planes.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// Convolution of planes by transforms that all ranks share: rows, transpose, columns and their product with the kernel's, transpose,
/// rows. What one rank does, a round of planes at a time. Nothing throws once it is made, so that ranks need not agree in between.
class SharedConvolution {
public:
    /// @param shared  must outlive this
    SharedConvolution(const Kernel2D& kernel, const SharedPlanes& shared, int rank, int n_thread);
    /// The planes of round `number` into the place of planes of the slab that have been sent. Collective.
    void round(std::int64_t number, CubeSlab& slab, Communicator& comm);
    /// Bytes that it takes. @param n_tap  rows of the kernel
    static std::int64_t bytes(const SharedPlanes& shared, std::int64_t n_tap, int n_thread);

private:
    using Complex = std::complex<double>;
    const WaveRange& own_planes() const { return planes_[static_cast<std::size_t>(rank_)]; }
    void transform_kernel(const Kernel2D& kernel);
    template <class Task>
    void each(std::int64_t n, const Task& task);
    template <class Number, class SendCount, class ReceiveCount>
    void exchange(Communicator& comm, std::vector<Number>& send, std::vector<Number>& receive, std::int64_t n_each,
                  const SendCount& send_count, const ReceiveCount& receive_count);
    void share_norms(const CubeSlab& slab, Communicator& comm);
    void send_rows(std::int64_t piece, const CubeSlab& slab, Communicator& comm);
    void transform_rows(std::int64_t piece);
    void convolve_columns();
    void finish_rows(std::int64_t piece);
    void send_results(std::int64_t piece, CubeSlab& slab, Communicator& comm);
    const float* plane_of(const CubeSlab& slab, std::int64_t i) const;

    const SharedPlanes& shared_;
    int rank_;
    device::Host where_;
    std::int64_t rows_, columns_, results_; ///< of this rank
    std::vector<WaveRange> planes_;         ///< [rank] of this round, counted from the rank's first
    std::int64_t n_plane_ = 0;              ///< of this round
    std::unique_ptr<FftwPlan> row_forward_, row_backward_, column_forward_, column_backward_;
    std::vector<FftwScratch> scratch_; ///< [thread] one row, or some columns
    std::vector<float> real_sent_, real_received_;
    std::vector<Complex> sent_, received_, kernel_;
    std::vector<double> norms_, own_norms_; ///< [plane] root of the sum of squares
    std::vector<std::int64_t> counts_;
    double kernel_norm_ = 0;
};

} // namespace tessera
