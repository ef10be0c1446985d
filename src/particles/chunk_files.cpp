#include "particles/chunk_files.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace tessera::particles {

ChunkFiles::ChunkFiles() {
    rlimit limit{};
    constexpr std::size_t most = 4096;
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    most_open_ = known ? std::clamp<std::size_t>(static_cast<std::size_t>(limit.rlim_cur) / 2, 1, most) : most;
}

ChunkFiles::Open& ChunkFiles::open(const std::string& path) {
    const auto found = open_.find(path);
    if (found != open_.end()) {
        found->second.used = ++clock_;
        return found->second;
    }
    if (open_.size() >= most_open_) {
        open_.erase(std::min_element(open_.begin(), open_.end(),
                                     [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
    }
    Open opened{io::Hdf5File::open(path), {}, ++clock_};
    ++n_opened_;
    most_openings_ = std::max(most_openings_, ++openings_[path]);
    return open_.emplace(path, std::move(opened)).first->second;
}

io::Hdf5Group ChunkFiles::file(const std::string& path) { return open(path).file; }

io::Hdf5Dataset ChunkFiles::dataset(const std::string& path, const std::string& name) {
    Open& from = open(path);
    const auto found = from.datasets.find(name);
    if (found != from.datasets.end()) { return found->second; }
    return from.datasets.emplace(name, from.file.dataset(name)).first->second;
}

} // namespace tessera::particles
