#pragma once

#include <string>
#include <vector>

#include "tessera/scaling/study.hpp"

namespace tessera {

/// A folder that is removed with the object, by the rank that owns it.
class ScratchFolder {
public:
    ScratchFolder(std::string path, bool owns) : path_(std::move(path)), owns_(owns) {}
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
    bool owns_;
};

/// What the study works on, in a folder of its own that goes with it: the galaxies, made once, and the cubes.
class ScalingWork {
public:
    /// Makes the folder and the galaxies that the study needs. Collective.
    /// @throws Error  as make_snapshot; Kind::config: a weak study of a galaxy that the configuration names
    ScalingWork(const ScalingConfig& config, const ScalingRequest& request, Communicator& world);

    /// The configuration of a run; threads are the caller's matter.
    Config config_of(int n_rank, Reduction reduction) const;
    /// That of one rank's share of the stars by itself: of the same galaxy where the configuration names one.
    Config share_of(int n_rank) const;
    std::string text() const; ///< the galaxy in words

private:
    Config config_of(std::int64_t n_star, Reduction reduction) const;
    std::string galaxy_file(std::int64_t n_star) const;
    std::int64_t stars_on(int n_rank) const;
    std::int64_t stars_a_rank(int n_rank) const;

    const ScalingConfig& config_;
    ScalingKind kind_;
    ScratchFolder folder_;
};

} // namespace tessera
