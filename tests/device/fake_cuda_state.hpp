#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "device/emulated_fft.hpp"
#include "tests/device/fake_cuda.hpp"

/// What the fake functions share.
namespace tessera::test::fake {

struct Stream {
    std::deque<std::function<void()>> work;
    std::int64_t given = 0, done = 0;
    void run_until(std::int64_t count) {
        while (done < count) {
            const auto next = std::move(work.front());
            work.pop_front();
            ++done;
            next();
        }
    }
};
using StreamPointer = std::shared_ptr<Stream>;

struct Event {
    StreamPointer stream; ///< null before it is recorded
    std::int64_t count = 0;
    std::shared_ptr<double> seconds = std::make_shared<double>(-1);
};

struct Plan {
    std::shared_ptr<device::EmulatedFft> fft; ///< lives while transforms wait
    cufftType type = CUFFT_R2C;
    cudaStream_t stream = nullptr;
    bool automatic = true;
    void* scratch = nullptr;
};

struct State {
    std::map<std::string, int> calls;
    std::string failing;
    int code = 0;
    cudaError_t last = cudaSuccess;
    int left = 0;
    std::int64_t used = 0, reserved = 0;
    std::map<char*, std::int64_t> live; ///< device memory, bytes
    std::map<int, Plan> plans;
    cublasMath_t math = CUBLAS_PEDANTIC_MATH;
    cudaStream_t blas_stream = nullptr;
};
State& state();

/// Counts a call. @return  the code to fail with, 0 to go on
inline int called(const char* name) {
    State& s = state();
    ++s.calls[name];
    if (s.failing != name) { return 0; }
    s.failing.clear();
    return s.code;
}
inline cudaError_t remember(cudaError_t code) {
    if (code != cudaSuccess) { state().last = code; }
    return code;
}

inline StreamPointer& of(cudaStream_t stream) { return *reinterpret_cast<StreamPointer*>(stream); }
inline Event& of(cudaEvent_t event) { return *reinterpret_cast<Event*>(event); }

template <class Work>
void give(cudaStream_t stream, Work&& work) {
    of(stream)->work.emplace_back(std::forward<Work>(work));
    ++of(stream)->given;
}

inline bool on_device(const void* pointer, std::size_t bytes) {
    const auto* begin = static_cast<const char*>(pointer);
    return std::ranges::any_of(state().live, [&](const auto& piece) {
        return begin >= piece.first && begin + bytes <= piece.first + piece.second;
    });
}

} // namespace tessera::test::fake
