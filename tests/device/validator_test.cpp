// The emulation finds what a GPU would get wrong: each fault is planted once.
#include <cmath>
#include <vector>

#include <gmock/gmock.h>

#include "tessera/device/accelerator.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using device::Buffer;

struct AddOne {
    static constexpr const char* name = "test/add_one";
    const float* from;
    float* to;
    void operator()(std::int64_t i) const { to[i] = from[i] + 1; }
};

class Validator : public testing::Test {
protected:
    std::unique_ptr<device::Accelerator> gpu_ = device::emulate();
    device::Queue& compute_ = gpu_->compute();
    device::Queue& transfer_ = gpu_->transfer();
    std::vector<float> host_ = std::vector<float>(1000, 1.0F);

    /// The text of the error that `work` and a finish of both queues end with.
    template <class Work>
    std::string fault(const Work& work) {
        const auto error = test::error_of([&] {
            work();
            compute_.finish();
            transfer_.finish();
        });
        if (!error) { return "no error"; }
        EXPECT_EQ(error->kind(), Kind::internal);
        return error->what();
    }
};

TEST_F(Validator, OrderedWorkPasses) {
    Buffer<float> a(transfer_, host_, "a"), b(compute_, 1000, "b");
    EXPECT_EQ(fault([&] {
                  compute_.wait_for(transfer_);
                  compute_.for_each(1000, AddOne{a.data(), b.data()});
                  compute_.download(b, std::span(host_));
                  transfer_.wait_for(compute_);
              }),
              "no error");
    EXPECT_EQ(host_[999], 2.0F);
}

TEST_F(Validator, NothingIsDoneBeforeItMustBe) {
    Buffer<float> a(compute_, host_, "a"), b(compute_, 1000, "b");
    std::vector<float> result(1000, -7.0F);
    compute_.for_each(1000, AddOne{a.data(), b.data()});
    compute_.download(b, std::span(result));
    EXPECT_EQ(result[0], -7.0F) << "a copy to the host that nobody waited for";
    compute_.finish();
    EXPECT_EQ(result[0], 2.0F);
}

TEST_F(Validator, AMissingWaitAfterAWrite) {
    Buffer<float> a(transfer_, host_, "stars"), b(compute_, 1000, "b");
    const std::string text = fault([&] {
        compute_.wait_for(transfer_); // after the upload of the buffer, not of what is written next
        transfer_.zero(a);
        transfer_.finish();
        transfer_.zero(a);
        compute_.for_each(1000, AddOne{a.data(), b.data()});
        transfer_.host_wait(transfer_.mark()); // done, but the other queue was not told before its launch
    });
    EXPECT_THAT(text, testing::HasSubstr("test/add_one"));
    EXPECT_THAT(text, testing::HasSubstr("stars"));
    EXPECT_THAT(text, testing::HasSubstr("without a wait"));
}

TEST_F(Validator, AWriteWhileAnotherQueueReads) {
    Buffer<float> a(compute_, host_, "stars"), b(compute_, 1000, "b");
    const std::string text = fault([&] {
        transfer_.wait_for(compute_);
        compute_.for_each(1000, AddOne{a.data(), b.data()});
        compute_.finish();
        Buffer<float> c(compute_, 1000, "c");
        compute_.for_each(1000, AddOne{a.data(), c.data()});
        transfer_.copy_in(a.data(), host_.data(), 4000);
        compute_.mark();
    });
    EXPECT_THAT(text, testing::HasSubstr("reads on the compute queue"));
}

TEST_F(Validator, MemoryThatIsReleased) {
    Buffer<float> b(compute_, 1000, "b");
    const float* stale = nullptr;
    const std::string text = fault([&] {
        {
            const Buffer<float> a(compute_, host_, "stars");
            stale = a.data();
        }
        compute_.for_each(1000, AddOne{stale, b.data()});
    });
    EXPECT_THAT(text, testing::HasSubstr("'stars', which is released"));
}

TEST_F(Validator, ReleasedWhileAnotherQueueUsesIt) {
    Buffer<float> b(transfer_, 1000, "b");
    const std::string text = fault([&] {
        Buffer<float> a(compute_, host_, "stars");
        transfer_.wait_for(compute_);
        transfer_.for_each(1000, AddOne{a.data(), b.data()});
        transfer_.finish();
        transfer_.for_each(1000, AddOne{a.data(), b.data()});
        transfer_.host_wait(transfer_.mark());
        { Buffer<float> gone(compute_, 1, "other"); }
        Buffer<float> c(transfer_, 1000, "c");
        transfer_.for_each(1000, AddOne{a.data(), c.data()}); // not waited for by the queue that `a` belongs to
    });
    EXPECT_THAT(text, testing::HasSubstr("released"));
}

TEST_F(Validator, PointersToHostMemory) {
    Buffer<float> b(compute_, 1000, "b");
    EXPECT_THAT(fault([&] { compute_.for_each(1000, AddOne{host_.data(), b.data()}); }),
                testing::HasSubstr("host memory"));
}

TEST_F(Validator, HostMemoryInACopy) {
    EXPECT_THAT(fault([&] { compute_.zero(host_.data(), 4000); }), testing::HasSubstr("memory of the host"));
}

TEST_F(Validator, NothingIsDoneAfterAFault) {
    Buffer<float> b(compute_, 1000, "b");
    compute_.finish();
    const std::string text = fault([&] { compute_.zero(host_.data(), 4000); });
    host_[0] = 7;
    compute_.download(b, std::span(host_));
    EXPECT_EQ(fault([&] { compute_.finish(); }), text) << "the fault is reported again";
    EXPECT_EQ(host_[0], 7.0F);
}

TEST_F(Validator, CopiesBeyondTheEnd) {
    Buffer<float> b(compute_, 999, "b");
    EXPECT_THAT(fault([&] { compute_.copy_in(b.data(), host_.data(), 4000); }), testing::HasSubstr("at most its 3996"));
}

TEST_F(Validator, FreshMemoryIsNonsense) {
    const Buffer<float> b(compute_, 10, "b");
    std::vector<float> result(10);
    compute_.download(b, std::span(result));
    compute_.finish();
    EXPECT_TRUE(std::isnan(result[3]));
}

TEST_F(Validator, TooLittleMemoryNamesWhatItIsFor) {
    const auto small = device::emulate({.memory = 1000});
    const auto error = test::error_of([&] { const Buffer<float> b(small->compute(), 251, "row weights"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("1004 bytes for row weights"));
    { const Buffer<float> fits(small->compute(), 250, "row weights"); }
    const Buffer<float> again(small->compute(), 250, "row weights"); // what was released can be had again
}

} // namespace
} // namespace tessera
