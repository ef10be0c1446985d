#include "synthesis/recent_settings.hpp"

#include <algorithm>
#include <list>
#include <utility>

namespace tessera {

std::shared_ptr<Settings> recent_settings(const SettingsKey& key) {
    static std::list<std::pair<SettingsKey, std::shared_ptr<Settings>>> kept; // the latest first
    constexpr std::size_t most = 8;
    const auto found = std::find_if(kept.begin(), kept.end(), [&](const auto& entry) { return entry.first == key; });
    if (found != kept.end()) {
        kept.splice(kept.begin(), kept, found);
    } else {
        kept.emplace_front(key, std::make_shared<Settings>());
        if (kept.size() > most) { kept.pop_back(); }
    }
    return kept.front().second;
}

} // namespace tessera
