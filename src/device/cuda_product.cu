#include <cstdlib>
#include <string_view>

#include "device/cuda_backend.hpp"

namespace tessera::device {

namespace {

/// TF32 keeps 10 bits of the factors: errors of 1e-3, beyond most tolerances. Only if asked for.
cublasMath_t math_mode() {
    const char* asked = std::getenv("TESSERA_TF32");
    // The default mode keeps all 24 bits of factors and sums and is free to choose the fastest algorithm for that. The pedantic one
    // forbids, beyond that, algorithms which sum in another order, and buys nothing here: no two libraries sum in the same order.
    return asked != nullptr && std::string_view(asked) == "1" ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;
}

/// The distance of rows as cuBLAS wants it: at least a row, also where there is but one and it does not matter.
std::int64_t leading(std::int64_t row, std::int64_t n_row, std::int64_t n) { return n_row == 1 && row < n ? n : row; }

} // namespace

cublasHandle_t CudaQueue::blas() {
    if (!blas_ready_) {
        if (blas_ == nullptr) { check(cublasCreate(&blas_), "cublasCreate"); }
        check(cublasSetStream(blas_, stream_), "cublasSetStream");
        check(cublasSetPointerMode(blas_, CUBLAS_POINTER_MODE_HOST), "cublasSetPointerMode");
        check(cublasSetAtomicsMode(blas_, CUBLAS_ATOMICS_NOT_ALLOWED), "cublasSetAtomicsMode"); // same bits in each run
        check(cublasSetMathMode(blas_, math_mode()), "cublasSetMathMode");
        blas_ready_ = true;
    }
    return blas_;
}

void CudaQueue::multiply(const Product& p) {
    if (p.n_i <= 0 || p.n_j <= 0 || p.n_batch <= 0) { return; }
    owner_.use();
    ++owner_.counts().work.launches;
    if (p.n_k <= 0) { // a sum of nothing
        if (p.accumulate) { return; }
        for (std::int64_t batch = 0; batch < p.n_batch; ++batch) {
            check(cudaMemset2DAsync(p.out + batch * p.out_stride,
                                    static_cast<std::size_t>(leading(p.out_row, p.n_i, p.n_j)) * sizeof(float), 0,
                                    static_cast<std::size_t>(p.n_j) * sizeof(float), static_cast<std::size_t>(p.n_i),
                                    stream_),
                  "cudaMemset2DAsync");
        }
        return;
    }
    // cuBLAS counts columns first. A row-major [k, j] is to it a j × k matrix, so the product is written transposed:
    // out^T (j × i) = right (j × k) · left^T (k × i).
    const float one = 1;
    const float beta = p.accumulate ? 1 : 0;
    const std::int64_t right_row = leading(p.right_row, p.n_k, p.n_j);
    const std::int64_t left_row = leading(p.left_row, p.n_k, p.n_i);
    const std::int64_t out_row = leading(p.out_row, p.n_i, p.n_j);
    if (p.n_batch == 1) { // has more algorithms to choose from
        check(cublasSgemm_64(blas(), CUBLAS_OP_N, CUBLAS_OP_T, p.n_j, p.n_i, p.n_k, &one, p.right, right_row, p.left,
                             left_row, &beta, p.out, out_row),
              "cublasSgemm");
        return;
    }
    check(cublasSgemmStridedBatched_64(blas(), CUBLAS_OP_N, CUBLAS_OP_T, p.n_j, p.n_i, p.n_k, &one, p.right, right_row,
                                       p.right_stride, p.left, left_row, p.left_stride, &beta, p.out, out_row,
                                       p.out_stride, p.n_batch),
          "cublasSgemmStridedBatched");
}

} // namespace tessera::device
