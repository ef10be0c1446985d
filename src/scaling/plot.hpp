#pragma once

#include <memory>
#include <string>

#include "tessera/scaling/study.hpp"

namespace tessera {

class Canvas;

/// The figure of a study: above, time against ranks with its ideal line; below, efficiency. One colour a reduction; bars from the
/// fastest to the slowest run.
class StudyPlot {
public:
    explicit StudyPlot(const ScalingStudy& study);
    ~StudyPlot();
    void save(const std::string& path) const; ///< .png or .svg

private:
    std::unique_ptr<Canvas> canvas_;
};

} // namespace tessera
