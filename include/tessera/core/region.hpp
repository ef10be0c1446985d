#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera {

/// Wall time of the named stages of a run, in the order of their first start. One list a process: the stages of a rank
/// follow each other. Regions nest; a nested one is listed under "outer/inner".
class Regions {
public:
    struct Entry {
        std::string name;
        std::int64_t calls = 0;
        double seconds = 0;
        double work = 0;       ///< done by this process
        std::string unit = {}; ///< of the work: "stars", "multiply-adds"; empty where nobody counted
    };
    static Regions& instance();
    const std::vector<Entry>& entries() const { return entries_; }
    /// "outer/inner" of the regions that are open now; empty where none is.
    const std::string& open() const { return path_; }
    /// What was timed elsewhere, such as a GPU's own time: a call more of `name`.
    void add(const std::string& name, double seconds);
    /// Work done in a region, in the one unit that it is counted in there: what its time goes by. Work of open(), where no region is
    /// open, is not counted.
    void count(const std::string& name, double work, const char* unit);
    void clear();
    /// Takes the list of another piece of work in the place of this one, which it returns. No region is open.
    std::vector<Entry> exchange(std::vector<Entry> entries);
    /// Adds a share of what several pieces of work took together: its part of the time and of the work counted.
    void add_share(const std::vector<Entry>& together, double share);

private:
    friend class Region;
    std::size_t entry_of(const std::string& name); ///< index, made where there is none
    std::vector<Entry> entries_;
    std::string path_;
};

/// Times the scope it lives in: `Region region("synthesis");`. Not for use inside parallel loops.
class Region {
public:
    explicit Region(const std::string& name);
    ~Region();
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;

private:
    std::size_t entry_;
    std::size_t outer_length_;
    std::chrono::steady_clock::time_point start_;
};

} // namespace tessera
