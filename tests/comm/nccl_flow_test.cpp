// The NCCL communicator without a GPU: its source compiled here, over the emulation, a CUDA runtime of a few lines and an NCCL made of
// MPI. What is tested is which rank gives which part to whom, and what becomes of failures.
#include "comm/nccl_communicator.cu" // NOLINT(bugprone-suspicious-include)
#include "comm/nccl_library.cu"      // NOLINT(bugprone-suspicious-include)

#include <numeric>

#include <gmock/gmock.h>

#include "tessera/comm/device_communicator.hpp"
#include "tests/support/accelerators.hpp"

namespace {
bool gpu_hangs = false;
}

extern "C" {
cudaError_t cudaSetDevice(int /*device*/) { return cudaSuccess; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) {
    *event = nullptr;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t /*event*/, cudaStream_t /*stream*/) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t /*event*/) { return gpu_hangs ? cudaErrorNotReady : cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t /*event*/) { return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* /*properties*/, int /*device*/) { return cudaSuccess; }
}

namespace tessera::device {
void check(cudaError_t code, const char* call, const char* /*of*/) {
    if (code != cudaSuccess) { throw Error({.kind = Kind::resource, .where = call}); }
}
} // namespace tessera::device

namespace tessera {
namespace {

enum Mode { works, fails_later, never_done, refuses, does_not_start };

class NcclFlow : public testing::Test {
protected:
    void SetUp() override {
        setenv("TESSERA_NCCL_LIBRARY", FAKE_NCCL, 1);
        setenv("TESSERA_NCCL_TIMEOUT", "0.1", 1);
        gpu_hangs = false;
        void* library = dlopen(FAKE_NCCL, RTLD_NOW | RTLD_LOCAL);
        ASSERT_NE(library, nullptr) << dlerror();
        mode_ = static_cast<int*>(dlsym(library, "fake_nccl_mode"));
        aborted_ = static_cast<int*>(dlsym(library, "fake_nccl_aborted"));
        *mode_ = works;
        *aborted_ = 0;
        accelerator_ = device::emulate();
    }

    std::unique_ptr<Communicator> group() {
        auto& world = test::world();
        std::vector<char> id = tessera_nccl_entry()->unique_id();
        world.broadcast(id, 0);
        return tessera_nccl_entry()->join(world, *accelerator_, id);
    }
    device::Queue& queue() { return accelerator_->exchange(); }
    void set(Mode mode) { *mode_ = mode; }
    int n_aborted() const { return *aborted_; }

    /// The host's result by MPI and the accelerator's by NCCL are the same.
    template <class Work>
    void expect_as_mpi(Communicator& comm, std::int64_t n_send, std::int64_t n_receive, const Work& work) {
        std::vector<float> from(static_cast<std::size_t>(n_send)), to(static_cast<std::size_t>(n_receive), 7.0F);
        for (std::size_t i = 0; i < from.size(); ++i) {
            from[i] = static_cast<float>((static_cast<int>(i) + 5) * (test::world().rank() + 1) % 101);
        }
        const device::Buffer<float> device_from(queue(), from, "a test"), device_to(queue(), to, "a test");
        queue().finish(); // the fake knows no streams
        work(test::world(), buffer(std::span<float>(from)), buffer(std::span<float>(to)));
        work(comm, buffer(queue(), device_from), buffer(queue(), device_to));
        comm.wait(queue());
        EXPECT_EQ(test::values_of(queue(), device_from), from);
        EXPECT_EQ(test::values_of(queue(), device_to), to);
    }

    /// An all_reduce of one number.
    void reduce_one(Communicator& comm) {
        device::Buffer<float> one(queue(), 1, "a test");
        queue().zero(one);
        queue().finish();
        comm.all_reduce(buffer(queue(), one), Op::sum);
        comm.wait(queue());
    }

    /// @param text  of the message
    template <class Call>
    void expect_failure(Call&& call, const char* text) {
        const auto error = test::error_of(call);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::resource);
        EXPECT_THAT(error->what(), testing::HasSubstr(text));
    }

private:
    int* mode_ = nullptr;
    int* aborted_ = nullptr;
    std::unique_ptr<device::Accelerator> accelerator_;
};

std::int64_t sum(const std::vector<std::int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

/// Equal parts, parts of planes that the ranks do not divide, nothing for some ranks, nothing at all.
std::vector<std::vector<std::int64_t>> kinds_of_counts(int p) {
    std::vector<std::int64_t> equal, planes, few, none;
    for (int r = 0; r < p; ++r) {
        equal.push_back(6);
        planes.push_back(5 * (11 / p + (r < 11 % p ? 1 : 0)));
        few.push_back(r % 2 == 0 ? 0 : 3);
        none.push_back(0);
    }
    return {equal, planes, few, none};
}

TEST_F(NcclFlow, ReductionsAndBroadcastsAreThoseOfMpi) {
    const auto comm = group();
    for (const std::int64_t n : {0, 1, 1000}) {
        for (const Op op : {Op::sum, Op::min, Op::max}) {
            expect_as_mpi(*comm, n, 0, [&](Communicator& c, Buffer from, Buffer) { c.all_reduce(from, op); });
        }
        for (int root = 0; root < comm->size(); ++root) {
            expect_as_mpi(*comm, n, 0, [&](Communicator& c, Buffer from, Buffer) { c.broadcast(from, root); });
        }
    }
}

TEST_F(NcclFlow, PartsGoWhereMpiSendsThem) {
    const auto comm = group();
    const int rank = comm->rank();
    for (const auto& counts : kinds_of_counts(comm->size())) {
        const std::int64_t own = counts[static_cast<std::size_t>(rank)];
        expect_as_mpi(*comm, sum(counts), own,
                      [&](Communicator& c, Buffer from, Buffer to) { c.reduce_scatter(from, to, counts); });
        expect_as_mpi(*comm, own, sum(counts),
                      [&](Communicator& c, Buffer from, Buffer to) { c.all_gather(from, to, counts); });
    }
    std::vector<std::int64_t> n_send, n_receive;
    for (int r = 0; r < comm->size(); ++r) {
        n_send.push_back((rank + 2 * r) % 3);
        n_receive.push_back((r + 2 * rank) % 3);
    }
    expect_as_mpi(*comm, sum(n_send), sum(n_receive),
                  [&](Communicator& c, Buffer from, Buffer to) { c.all_to_all(from, n_send, to, n_receive); });
}

TEST_F(NcclFlow, GroupsOfASplitWorkAlone) {
    const auto comm = group();
    const auto part = comm->split(comm->rank() % 2, comm->rank());
    device::Buffer<float> data(queue(), 2, "a test");
    queue().zero(data);
    queue().finish();
    part->all_reduce(buffer(queue(), data), Op::max);
    EXPECT_EQ(part->all_reduce_value(std::int64_t{1}, Op::sum), part->size());
    EXPECT_EQ(part->traffic().collective.at("all_reduce").calls, 2);
    part->wait(queue());
    EXPECT_EQ(n_aborted(), 0);
}

TEST_F(NcclFlow, ACallThatIsNeverDoneEndsInTimeAndSoDoAllLaterOnes) {
    const auto comm = group();
    set(never_done);
    expect_failure([&] { reduce_one(*comm); }, "all_reduce on rank");
    EXPECT_EQ(n_aborted(), 1);
    set(works);
    expect_failure([&] { reduce_one(*comm); }, "not done after");
    expect_failure([&] { comm->wait(queue()); }, "TESSERA_NCCL_TIMEOUT");
    EXPECT_EQ(comm->all_reduce_value(std::int64_t{1}, Op::sum), comm->size()) << "MPI goes on";
}

TEST_F(NcclFlow, ACollectiveThatTheGpuNeverEndsIsNoticedByTheWait) {
    const auto comm = group();
    gpu_hangs = true;
    expect_failure([&] { reduce_one(*comm); }, "all_reduce on rank");
    EXPECT_EQ(n_aborted(), 1);
}

TEST_F(NcclFlow, AnErrorOfAnotherRankIsReportedInNcclsWords) {
    const auto comm = group();
    set(fails_later);
    expect_failure([&] { reduce_one(*comm); }, "remote error (the fake's own words)");
    EXPECT_EQ(n_aborted(), 1);
}

TEST_F(NcclFlow, ARefusedCallIsReportedWithItsName) {
    const auto comm = group();
    set(refuses);
    expect_failure([&] { reduce_one(*comm); }, "ncclAllReduce");
    set(works);
    expect_failure([&] { reduce_one(*comm); }, "NCCL");
}

TEST_F(NcclFlow, AGroupThatDoesNotStartIsAnError) {
    set(does_not_start);
    expect_failure([&] { group(); }, "ncclCommInitRankConfig");
    set(never_done);
    expect_failure([&] { group(); }, "ncclCommInitRankConfig on rank");
    EXPECT_EQ(n_aborted(), 1);
}

TEST_F(NcclFlow, ATimeOutThatIsNoNumberIsAnErrorOfTheUser) {
    setenv("TESSERA_NCCL_TIMEOUT", "soon", 1);
    const auto error = test::error_of([&] { group(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_THAT(error->what(), testing::HasSubstr("'soon'"));
}

} // namespace
} // namespace tessera
