#include <algorithm>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>

#include "device/cuda_backend.hpp"

namespace tessera::device {

namespace {

/// CUB is asked twice: how much scratch memory it needs, then to work. The scratch goes back in the order of the queue.
template <class Call>
void with_scratch(CudaQueue& queue, const char* what, const Call& call) {
    queue.owner().use();
    std::size_t bytes = 0;
    check(call(nullptr, bytes), what);
    bytes = std::max<std::size_t>(bytes, 1); // null asks again for the size
    Buffer<unsigned char> scratch(queue, static_cast<std::int64_t>(bytes), what);
    check(call(scratch.data(), bytes), what);
    ++queue.owner().counts().work.launches;
}

} // namespace

void CudaQueue::sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                            std::uint32_t* values_out, std::int64_t n, int n_bit) {
    if (n <= 0) { return; }
    const int end_bit = std::clamp(n_bit, 0, 32);
    if (end_bit == 0) { // all keys are equal
        copy(keys_out, keys, n * static_cast<std::int64_t>(sizeof(std::uint32_t)));
        copy(values_out, values, n * static_cast<std::int64_t>(sizeof(std::uint32_t)));
        return;
    }
    with_scratch(*this, "cub::DeviceRadixSort::SortPairs", [&](void* scratch, std::size_t& bytes) {
        return cub::DeviceRadixSort::SortPairs(scratch, bytes, keys, keys_out, values, values_out, n, 0, end_bit,
                                               stream_);
    });
}

void CudaQueue::exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) {
    if (n <= 0) { return; }
    with_scratch(*this, "cub::DeviceScan::ExclusiveSum", [&](void* scratch, std::size_t& bytes) {
        return cub::DeviceScan::ExclusiveSum(scratch, bytes, in, out, n, stream_);
    });
}

} // namespace tessera::device
