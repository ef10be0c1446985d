// What of NCCL can be looked at with few GPUs or none: that it is found, that every call is checked, and one rank alone.
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>

#include "comm/nccl_entry.hpp"
#include "device/cuda_library.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tests/support/accelerators.hpp"

namespace tessera {
namespace {

/// Null where this build has no NCCL.
const NcclEntry* nccl() {
    using Entry = const NcclEntry* (*)();
    const NcclEntry* out = nullptr;
    static_cast<void>(test::error_of([&] { out = reinterpret_cast<Entry>(device::cuda_symbol(nccl_entry_name))(); }));
    return out;
}

TEST(Nccl, IsFoundOrSaysWhatItLookedFor) {
    if (nccl() == nullptr) { GTEST_SKIP() << "built without NCCL"; }
    std::string version;
    const auto error = test::error_of([&] { version = nccl()->load(); });
    if (error) {
        EXPECT_EQ(error->kind(), Kind::resource);
        EXPECT_THAT(error->what(), testing::HasSubstr("libnccl.so.2"));
    } else {
        EXPECT_THAT(version, testing::MatchesRegex("2\\.[0-9]+\\.[0-9]+"));
    }
}

TEST(Nccl, EveryCallIsChecked) {
    const std::regex call(R"((\S+\s*\(|\S+ = )?nccl_(?:library\(\))?\.[a-z_]+\()");
    int n_call = 0;
    for (const char* name : {"nccl_communicator.cu", "nccl_library.cu"}) {
        std::ifstream file(test::source_dir() / "src/comm" / name);
        std::stringstream stream;
        stream << file.rdbuf();
        // A call may begin on the line after its check.
        const std::string text = std::regex_replace(stream.str(), std::regex(R"(\(\s+)"), "(");
        for (std::sregex_iterator it(text.begin(), text.end(), call), end; it != end; ++it) {
            if (it->str().find("get_error_string") != std::string::npos) { continue; } // these return texts
            if (it->str().find("get_last_error") != std::string::npos) { continue; }
            ++n_call;
            EXPECT_THAT((*it)[1].str(), testing::AnyOf("check_nccl(", "forget_nccl(", "code = ")) << it->str();
        }
    }
    EXPECT_GE(n_call, 15);
}

TEST(Nccl, IsUsedWhereEachRankHasAGpu) {
    auto& world = test::world();
    const auto n_gpu = static_cast<int>(device::gpus().size());
    if (n_gpu == 0 || nccl() == nullptr) { GTEST_SKIP() << "no GPU, or built without NCCL"; }
    if (test::error_of([] { nccl()->load(); })) { GTEST_SKIP() << "NCCL is not installed"; }
    const auto accelerator = device::open_accelerator("cuda", world.rank_on_node(), 1);
    const auto comm = device_communicator(world, *accelerator);
    EXPECT_EQ(comm != nullptr, world.size() > 1 && n_gpu >= world.ranks_on_node());
}

TEST(Nccl, OneRankKeepsWhatItGives) {
    auto& world = test::world();
    if (device::gpus().empty() || nccl() == nullptr) { GTEST_SKIP() << "no GPU, or built without NCCL"; }
    if (test::error_of([] { nccl()->load(); })) { GTEST_SKIP() << "NCCL is not installed"; }
    const auto accelerator = device::open_accelerator("cuda", world.rank_on_node(), 1);
    const auto alone = world.split(world.rank(), 0);
    const auto comm = nccl()->join(*alone, *accelerator, nccl()->unique_id());
    device::Queue& queue = accelerator->exchange();
    std::vector<float> numbers(100'000);
    std::iota(numbers.begin(), numbers.end(), 0.0F);
    const std::vector<std::int64_t> counts{static_cast<std::int64_t>(numbers.size())};
    device::Buffer<float> from(queue, numbers, "a test"), to(queue, counts[0], "a test");
    queue.finish();
    const auto expect_numbers = [&](auto&& collective) {
        queue.zero(to);
        collective();
        comm->wait(queue);
        EXPECT_EQ(test::values_of(queue, to), numbers);
    };
    const Buffer a = buffer(queue, from), b = buffer(queue, to);
    expect_numbers([&] { comm->reduce_scatter(a, b, counts); });
    expect_numbers([&] { comm->all_gather(a, b, counts); });
    expect_numbers([&] { comm->all_to_all(a, counts, b, counts); });
    expect_numbers([&] {
        queue.copy(to.data(), from.data(), to.bytes());
        comm->all_reduce(b, Op::sum);
        comm->broadcast(b, 0);
    });
    const auto part = comm->split(0, 0);
    expect_numbers([&] { part->reduce_scatter(a, b, counts); });
}

} // namespace
} // namespace tessera
