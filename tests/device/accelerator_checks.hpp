#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "device/self_check.hpp"
#include "tessera/device/accelerator.hpp"
#include "tests/device/fourier_checks.hpp"
#include "tests/device/product_checks.hpp"
#include "tests/support/test_support.hpp"

/// What every accelerator must do, the emulation as well as a GPU: both tests run these very functions.
namespace tessera::test {

using device::Accelerator;
using device::Buffer;
using device::Queue;

inline void copies(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    const std::int64_t in_before = gpu.info().copy_bytes;
    const std::int64_t out_before = gpu.info().back_bytes;
    std::vector<float> host(1001), back(1001), part(10);
    std::iota(host.begin(), host.end(), 0.5F);
    Buffer<float> a(queue, host, "a");
    Buffer<float> b(queue, 1001, "b");
    queue.copy(b.data(), a.data(), a.bytes());
    queue.upload(b, std::span<const float>(host).first(3), 7);
    queue.download(b, std::span(back));
    queue.download(b, std::span(part), 991);
    queue.finish();
    for (std::size_t i = 0; i < 1001; ++i) { EXPECT_EQ(back[i], i >= 7 && i < 10 ? host[i - 7] : host[i]); }
    EXPECT_EQ(part[9], host[1000]);
    EXPECT_EQ(gpu.info().copy_bytes - in_before, 4 * 1004);
    EXPECT_EQ(gpu.info().back_bytes - out_before, 4 * 1011);
}

inline void zeroes(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    std::vector<float> host(1003, 3.0F), back(1003); // `host` outlives its upload
    Buffer<float> a(queue, host, "a");
    queue.zero(a.data() + 1, 4 * 1001);
    queue.download(a, std::span(back));
    queue.finish();
    for (std::size_t i = 0; i < back.size(); ++i) { EXPECT_EQ(back[i], i == 0 || i == 1002 ? 3.0F : 0.0F) << i; }
}

inline void loops(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    for (const std::int64_t n : {1, 31, 257, 100003}) { // none fills its last block
        std::vector<float> x(static_cast<std::size_t>(n)), y(x.size(), 1.0F);
        std::iota(x.begin(), x.end(), 0.0F);
        const Buffer<float> from(queue, x, "x");
        Buffer<float> to(queue, y, "y");
        queue.for_each(n, device::SelfCheckScale{from.data(), to.data(), 2.0F});
        queue.for_each(0, device::SelfCheckScale{nullptr, nullptr, 2.0F});
        queue.download(to, std::span(y));
        queue.finish();
        for (std::size_t i = 0; i < y.size(); ++i) { ASSERT_EQ(y[i], 2.0F * x[i] + 1.0F) << n << " " << i; }
    }
}

inline void shared_sums(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    const std::int64_t n = 20011;
    const std::int64_t n_bin = 7;
    Buffer<std::int64_t> count(queue, n_bin, "count");
    queue.zero(count);
    queue.for_each(n, device::SelfCheckSum{count.data(), n_bin});
    std::vector<std::int64_t> sums(n_bin), expected(n_bin);
    queue.download(count, std::span(sums));
    queue.finish();
    for (std::int64_t i = 0; i < n; ++i) { expected[static_cast<std::size_t>(i % n_bin)] += i; }
    EXPECT_EQ(sums, expected);
}

inline void functors_give_the_hosts_numbers(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    const std::int64_t n = 5000;
    Buffer<std::uint32_t> words(queue, 4 * n, "words");
    Buffer<double> values(queue, 4 * n, "values");
    queue.for_each(n, device::SelfCheckRandom{words.data(), 42});
    queue.for_each(n, device::SelfCheckMath{values.data()});
    std::vector<std::uint32_t> word(static_cast<std::size_t>(4 * n)), host_word(word.size());
    std::vector<double> value(word.size()), host_value(word.size());
    queue.download(words, std::span(word));
    queue.download(values, std::span(value));
    queue.finish();
    for (std::int64_t i = 0; i < n; ++i) {
        device::SelfCheckRandom{host_word.data(), 42}(i);
        device::SelfCheckMath{host_value.data()}(i);
    }
    EXPECT_EQ(word, host_word);
    for (std::size_t i = 0; i < value.size(); ++i) {
        const double step = 0x1.0p-52; // CUDA's tables: at most 2 units of the last place off; the host's at most 1
        ASSERT_NEAR(value[i], host_value[i], i % 4 == 0 ? 0 : 4 * step * (1 + std::abs(host_value[i]))) << i;
    }
}

inline void marks_order_queues(Accelerator& gpu) {
    const std::int64_t n = 4096;
    Buffer<float> slow(gpu.compute(), n, "slow");
    Buffer<float> copy(gpu.transfer(), n, "copy");
    std::vector<float> back(static_cast<std::size_t>(n));
    gpu.compute().zero(slow);
    gpu.transfer().wait_for(gpu.compute());
    const auto from = gpu.compute().mark();
    gpu.compute().for_each(n, device::SelfCheckSlow{slow.data(), 2000});
    const auto done = gpu.compute().mark();
    gpu.transfer().wait_for(done);
    gpu.transfer().copy(copy.data(), slow.data(), slow.bytes());
    gpu.transfer().download(copy, std::span(back));
    const auto copied = gpu.transfer().mark();
    gpu.compute().wait_for(copied);
    gpu.compute().zero(slow); // after the copy, not before
    gpu.compute().host_wait(copied);
    EXPECT_EQ(back, std::vector<float>(static_cast<std::size_t>(n), 1.0F));
    EXPECT_GT(gpu.compute().seconds_between(from, done), 0);
    EXPECT_LT(gpu.compute().seconds_between(from, done), 100);
    gpu.compute().finish();
}

inline void released_memory_is_used_until_the_queue_is_through(Accelerator& gpu) {
    const std::int64_t n = 10000;
    Buffer<float> sum(gpu.compute(), n, "sum");
    gpu.compute().zero(sum);
    for (int round = 0; round < 20; ++round) {
        Buffer<float> ones(gpu.compute(), n, "ones");
        gpu.compute().for_each(n, device::SelfCheckSlow{ones.data(), 200});
        gpu.compute().for_each(n, device::SelfCheckScale{ones.data(), sum.data(), 1.0F});
        Buffer<float> gone = std::move(ones); // goes while the loops still wait
        Buffer<float> other(gpu.transfer(), n, "other");
        gpu.transfer().zero(other);
    }
    std::vector<float> back(static_cast<std::size_t>(n));
    gpu.compute().download(sum, std::span(back));
    gpu.compute().finish();
    gpu.transfer().finish();
    EXPECT_EQ(back, std::vector<float>(static_cast<std::size_t>(n), 20.0F));
}

inline void pinned_memory(Accelerator& gpu) {
    const device::Pinned<std::int32_t> nothing(gpu, 0);
    device::Pinned<std::int32_t> in(gpu, 5000), out(gpu, 5000);
    std::iota(in.span().begin(), in.span().end(), -7);
    Buffer<std::int32_t> there(gpu.transfer(), 5000, "there");
    gpu.transfer().copy_in(there.data(), in.data(), there.bytes());
    gpu.transfer().copy_out(out.data(), there.data(), there.bytes());
    gpu.transfer().finish();
    EXPECT_TRUE(std::ranges::equal(in.span(), out.span()));
    for (const std::int64_t n : {100, 4000, 5000, 9999, 1000000}) { // pieces may come back, never two at once
        device::Pinned<char> a(gpu, n), b(gpu, n);
        EXPECT_TRUE(a.data() + n <= b.data() || b.data() + n <= a.data());
        std::ranges::fill(a.span(), 'a');
        std::ranges::fill(b.span(), 'b');
        EXPECT_EQ(a.span().back(), 'a');
    }
}

inline void sort_is_stable(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    for (const std::int64_t n : {0, 1, 1000, 70001}) {
        for (const int n_bit : {1, 8, 13, 32}) {
            std::vector<std::uint32_t> keys(static_cast<std::size_t>(n)), values(keys.size()), order(keys.size());
            for (std::size_t i = 0; i < keys.size(); ++i) {
                keys[i] = Philox::at(3, 1, i).word[0] & (n_bit == 32 ? ~0U : 0xFFFFU); // more bits than are sorted by
                values[i] = static_cast<std::uint32_t>(i);
            }
            const Buffer<std::uint32_t> keys_in(queue, keys, "keys"), values_in(queue, values, "values");
            Buffer<std::uint32_t> keys_out(queue, n, "sorted keys"), values_out(queue, n, "sorted values");
            queue.sort_by_key(keys_in.data(), values_in.data(), keys_out.data(), values_out.data(), n, n_bit);
            std::vector<std::uint32_t> sorted_keys(keys.size()), sorted_values(keys.size()), same(keys.size());
            queue.download(keys_out, std::span(sorted_keys));
            queue.download(values_out, std::span(sorted_values));
            queue.download(keys_in, std::span(same));
            queue.finish();
            order = values;
            const std::uint32_t mask = n_bit == 32 ? ~0U : (1U << static_cast<unsigned>(n_bit)) - 1;
            std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return keys[i] & mask; });
            EXPECT_EQ(sorted_values, order) << n << " keys, " << n_bit << " bits";
            EXPECT_EQ(same, keys) << "the inputs are left alone";
            for (std::size_t i = 0; i < keys.size(); ++i) { ASSERT_EQ(sorted_keys[i], keys[order[i]]); }
        }
    }
}

inline void exclusive_sums(Accelerator& gpu) {
    Queue& queue = gpu.compute();
    for (const std::int64_t n : {0, 1, 1000, 70001}) {
        std::vector<std::int64_t> in(static_cast<std::size_t>(n)), expected(in.size()), out(in.size()),
            in_place(in.size());
        for (std::size_t i = 0; i < in.size(); ++i) { in[i] = static_cast<std::int64_t>(i) * 1000000007 - 5; }
        std::exclusive_scan(in.begin(), in.end(), expected.begin(), std::int64_t{0});
        Buffer<std::int64_t> a(queue, in, "a");
        Buffer<std::int64_t> b(queue, n, "b");
        queue.exclusive_sum(a.data(), b.data(), n);
        queue.exclusive_sum(a.data(), a.data(), n);
        queue.download(b, std::span(out));
        queue.download(a, std::span(in_place));
        queue.finish();
        EXPECT_EQ(out, expected) << n;
        EXPECT_EQ(in_place, expected) << n;
    }
}

inline void too_little_memory_is_an_error_and_passes(Accelerator& gpu) {
    const std::int64_t n_free = gpu.free_memory();
    EXPECT_GT(n_free, 0);
    EXPECT_LE(n_free, gpu.info().memory);
    const auto error = error_of([&] { const Buffer<char> b(gpu.compute(), 2 * gpu.info().memory, "row weights"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    const std::string text = error->what();
    EXPECT_THAT(text, testing::HasSubstr("row weights"));
    EXPECT_THAT(text, testing::HasSubstr("free of"));
    EXPECT_THAT(text, testing::HasSubstr(gpu.info().name));
    copies(gpu); // goes on as if nothing had been
}

inline void memory_is_given_back(Accelerator& gpu) {
    const std::int64_t bytes = gpu.free_memory() / 4;
    for (int round = 0; round < 12; ++round) { // three times what there is
        Buffer<char> part(gpu.compute(), bytes, "a part");
        gpu.compute().zero(part.data(), 1);
    }
    gpu.compute().finish();
    SUCCEED();
}

struct AcceleratorCheck {
    const char* name;
    void (*run)(Accelerator&);
};
inline void PrintTo(const AcceleratorCheck& check, std::ostream* out) { *out << check.name; }

inline const AcceleratorCheck accelerator_checks[] = {
    {"Copies", copies},
    {"Zeroes", zeroes},
    {"Loops", loops},
    {"SharedSums", shared_sums},
    {"FunctorsGiveTheHostsNumbers", functors_give_the_hosts_numbers},
    {"MarksOrderQueues", marks_order_queues},
    {"ReleasedMemoryIsUsedUntilTheQueueIsThrough", released_memory_is_used_until_the_queue_is_through},
    {"PinnedMemory", pinned_memory},
    {"SortIsStable", sort_is_stable},
    {"ExclusiveSums", exclusive_sums},
    {"Products", products},
    {"FourierTransforms", fourier_transforms},
    {"TooLittleMemoryIsAnErrorAndPasses", too_little_memory_is_an_error_and_passes},
    {"MemoryIsGivenBack", memory_is_given_back},
};
inline std::string name_of_check(const testing::TestParamInfo<AcceleratorCheck>& info) { return info.param.name; }

} // namespace tessera::test
