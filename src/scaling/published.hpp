#pragma once

#include <array>

namespace tessera {

/// A time that RUBIX's publication gives for 6·10⁶ stars and a MUSE cube.
struct PublishedTime {
    const char* what;
    double seconds;
    int n_worker; ///< cores or GPUs
};

inline constexpr std::array published_times{PublishedTime{"RUBIX as published, 24 cores", 123.6, 24},
                                            PublishedTime{"RUBIX as published, one A100", 8.58, 1}};
inline constexpr const char* published_caveat =
    "other hardware and another method: a place on the page, not a measurement of this study";

} // namespace tessera
