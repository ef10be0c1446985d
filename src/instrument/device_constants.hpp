#pragma once

#include <cstdint>
#include <vector>

#include "tessera/device/accelerator.hpp"

namespace tessera {

/// Numbers of the host for loops on the compute queue. They go up by the transfer queue, so that the host does not wait for what the
/// compute queue still has to do, and go back when that has read them.
template <class T>
class DeviceConstants {
public:
    DeviceConstants(device::Accelerator& accelerator, const std::vector<T>& host, const char* what)
        : accelerator_(accelerator) {
        if (host.empty()) { return; }
        const auto bytes = static_cast<std::int64_t>(host.size() * sizeof(T));
        device::Queue& up = accelerator.transfer();
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
    DeviceConstants(const DeviceConstants&) = delete;
    DeviceConstants& operator=(const DeviceConstants&) = delete;
    ~DeviceConstants() {
        if (values_ != nullptr) { accelerator_.release(values_, accelerator_.compute()); }
    }
    const T* data() const { return values_; }

private:
    device::Accelerator& accelerator_;
    T* values_ = nullptr;
};

} // namespace tessera
