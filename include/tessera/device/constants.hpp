#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tessera/device/accelerator.hpp"

namespace tessera::device {

/// Numbers of the host for loops on the compute queue. They go up by the transfer queue, so that the host does not wait for what the
/// compute queue still has to do, and go back when that has read them.
template <class T>
class Constants {
public:
    Constants(Accelerator& accelerator, const std::vector<T>& host, const char* what) : accelerator_(accelerator) {
        if (host.empty()) { return; }
        const auto bytes = static_cast<std::int64_t>(host.size() * sizeof(T));
        Queue& up = accelerator.transfer();
        values_ = static_cast<T*>(accelerator.reserve(bytes, up, what));
        try {
            up.copy_in(values_, host.data(), bytes);
            up.finish();
            accelerator.compute().wait_for(up);
        } catch (...) {
            accelerator.release(values_, up);
            throw;
        }
    }
    Constants(const Constants&) = delete;
    Constants& operator=(const Constants&) = delete;
    ~Constants() {
        if (values_ != nullptr) { accelerator_.release(values_, accelerator_.compute()); }
    }
    const T* data() const { return values_; }

private:
    Accelerator& accelerator_;
    T* values_ = nullptr;
};

/// The same for numbers that one galaxy after the other asks for: equal ones are there already (Accelerator::keep).
template <class T>
std::shared_ptr<const Constants<T>> keep_constants(Accelerator& accelerator, const std::vector<T>& host,
                                                   const char* what) {
    const std::size_t n_byte = host.size() * sizeof(T);
    std::string key = what;
    key.append(1, '\0').append(reinterpret_cast<const char*>(host.data()), n_byte);
    return accelerator.keep<const Constants<T>>(key, static_cast<std::int64_t>(n_byte), [&] {
        return std::make_shared<const Constants<T>>(accelerator, host, what);
    });
}

} // namespace tessera::device
