#include "tessera/core/region.hpp"

#include <algorithm>
#include <utility>

#include "core/region_hooks.hpp"

namespace tessera {

namespace {
RegionHooks hooks;
int n_told = 0; ///< open regions that a hook was told of: always the innermost ones
} // namespace

void set_region_hooks(const RegionHooks& new_hooks) {
    hooks = new_hooks;
    n_told = 0;
}

Regions& Regions::instance() {
    static Regions regions;
    return regions;
}

void Regions::clear() {
    entries_.clear();
    path_.clear();
}

std::vector<Regions::Entry> Regions::exchange(std::vector<Entry> entries) {
    std::swap(entries, entries_);
    return entries;
}

void Regions::add_share(const std::vector<Entry>& together, double share) {
    for (const Entry& of : together) {
        Entry& entry = entries_[entry_of(of.name)];
        entry.calls += of.calls;
        entry.seconds += share * of.seconds;
        entry.work += share * of.work;
        if (!of.unit.empty()) { entry.unit = of.unit; }
    }
}

std::size_t Regions::entry_of(const std::string& name) {
    const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
    const auto at = static_cast<std::size_t>(it - entries_.begin());
    if (it == entries_.end()) { entries_.push_back({name}); }
    return at;
}

void Regions::add(const std::string& name, double seconds) {
    Entry& entry = entries_[entry_of(name)];
    entry.seconds += seconds;
    ++entry.calls;
}

void Regions::count(const std::string& name, double work, const char* unit) {
    if (name.empty()) { return; }
    Entry& entry = entries_[entry_of(name)];
    entry.work += work;
    entry.unit = unit;
}

Region::Region(const std::string& name) {
    Regions& regions = Regions::instance();
    outer_length_ = regions.path_.size();
    regions.path_ += (regions.path_.empty() ? "" : "/") + name;
    entry_ = regions.entry_of(regions.path_);
    if (hooks.begin != nullptr) {
        hooks.begin(name.c_str());
        ++n_told;
    }
    start_ = std::chrono::steady_clock::now();
}

Region::~Region() {
    Regions& regions = Regions::instance();
    Regions::Entry& entry = regions.entries_[entry_];
    entry.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    ++entry.calls;
    regions.path_.resize(outer_length_);
    if (n_told > 0) {
        hooks.end();
        --n_told;
    }
}

} // namespace tessera
