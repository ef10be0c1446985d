#include "instrument/warn_once.hpp"

#include <mutex>
#include <set>

#include "tessera/core/log.hpp"

namespace tessera {

void warn_once(const std::string& subject, const std::string& message) {
    static std::mutex mutex;
    static std::set<std::string> said;
    const std::lock_guard lock(mutex);
    if (said.insert(subject).second) { log::warning(message); }
}

} // namespace tessera
