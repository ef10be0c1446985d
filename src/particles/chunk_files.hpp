#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tessera/io/file_stamp.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {

/// The input files that this rank has open, with those datasets that were asked for: each is opened when it is first needed, and stays
/// open, at most as many as half of the descriptors that a process may have. No communication.
class ChunkFiles {
public:
    ChunkFiles();

    /// @throws Error(Kind::data)  missing, not HDF5, truncated
    io::Hdf5Group file(const std::string& path);
    /// @throws Error(Kind::data)  as file(); no such dataset
    io::Hdf5Dataset dataset(const std::string& path, const std::string& name);

    /// True once for each `what` of a file: whether it is still to be checked. A check that throws comes again.
    template <class Check>
    void check_once(const std::string& path, const std::string& what, Check&& check) {
        if (checked_.contains({path, what})) { return; }
        check();
        checked_.emplace(path, what);
    }

    std::int64_t n_opened() const { return n_opened_; }           ///< how often a file was opened
    std::int64_t most_openings() const { return most_openings_; } ///< of one file

private:
    struct Open {
        io::Hdf5Group file;
        std::map<std::string, io::Hdf5Dataset> datasets;
        std::int64_t used = 0; ///< when: the count of calls
    };
    Open& open(const std::string& path);

    std::map<std::string, Open> open_;
    std::map<std::string, std::int64_t> openings_; ///< of every file that ever was
    std::set<std::pair<std::string, std::string>> checked_;
    std::size_t most_open_;
    std::int64_t clock_ = 0, n_opened_ = 0, most_openings_ = 0;
};

} // namespace tessera::particles
