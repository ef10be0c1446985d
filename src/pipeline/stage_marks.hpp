#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/region.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

/// Time of an accelerator's compute queue from a stage's beginning to its end, by marks: without waiting for anything. Listed among the
/// regions as "gpu/<stage>". Where the host must think before the queue can go on, that is part of the time.
class StageMarks {
public:
    explicit StageMarks(device::Queue& queue) : queue_(queue) { spans_.reserve(16); }

    /// Work given while this lives is the stage's.
    class Stage {
    public:
        Stage(StageMarks& marks, const char* name) : marks_(marks), begin_(marks.mark()), name_(name) {}
        Stage(const Stage&) = delete;
        Stage& operator=(const Stage&) = delete;
        ~Stage() { marks_.spans_.push_back({name_, std::move(begin_), marks_.mark()}); }

    private:
        StageMarks& marks_;
        device::MarkPointer begin_;
        const char* name_;
    };

    /// When the queue is done with all of them. @param share  of the time that counts
    void report(double share = 1) const {
        for (const Span& span : spans_) {
            if (!span.begin || !span.end) { continue; }
            Regions::instance().add(std::string("gpu/") + span.name,
                                    share * queue_.seconds_between(span.begin, span.end));
        }
    }
    void clear() { spans_.clear(); }

private:
    struct Span {
        const char* name;
        device::MarkPointer begin, end;
    };
    /// Null after an error, which the queue's next call meets as well, where ranks agree about it.
    device::MarkPointer mark() noexcept {
        try {
            return queue_.mark();
        } catch (const std::exception&) { return nullptr; }
    }
    device::Queue& queue_;
    std::vector<Span> spans_;
};

} // namespace tessera
