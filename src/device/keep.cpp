#include <algorithm>
#include <iterator>

#include "tessera/device/accelerator.hpp"

namespace tessera::device {

std::shared_ptr<const void> Accelerator::kept(const std::string& key) {
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) { return one.key == key; });
    if (found == kept_.end()) { return nullptr; }
    kept_.splice(kept_.begin(), kept_, found);
    return kept_.front().thing;
}

void Accelerator::add_kept(const std::string& key, std::int64_t bytes, const std::shared_ptr<const void>& thing) {
    constexpr std::size_t most = 64;
    const std::int64_t room = info().memory / 16;
    if (bytes > room) { return; }
    kept_.push_front({key, bytes, thing});
    std::int64_t taken = 0;
    std::size_t n = 0;
    const auto first_too_many = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) {
        taken += one.bytes;
        return ++n > most || taken > room;
    });
    kept_.erase(first_too_many, kept_.end());
}

} // namespace tessera::device
