#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/plan.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/particles/stars.hpp"
#include "tests/performance/measured_accelerator.hpp"

namespace tessera::bench {

/// The galaxy of tools/benchmark.py in memory: seed 3, inclination 50°, scale length 1 kpc, 5e10 Msun.
Stars disc_galaxy(std::int64_t n_star, int threads);
/// Its first stars.
Stars first_of(const Stars& stars, std::int64_t n);

/// What a cube took.
struct Run {
    double wall = 0;                     ///< s, from stars in the host's memory to the slab there
    std::map<std::string, double> stage; ///< s by marks: "spaxels", "synthesis", …
    std::map<std::string, double> part;  ///< s of the host's clock: "settings" (steps and bases), "survey", …
    std::int64_t up = 0, down = 0;       ///< bytes over the link
    std::string method;                  ///< what was chosen, in words
    double error = 0;                    ///< rms, measured by the run

    /// Stars resident: synthesis to noise.
    double resident() const;
};

/// A configuration, its plan and an accelerator, for galaxies that are in memory already.
class Telescope {
public:
    /// @param settings  key=value, beside input and library;  ssp  "demo" or a file;  folder  for an input of a few stars that the plan is
    ///                  made from
    Telescope(const std::vector<std::string>& settings, const std::string& ssp, const std::filesystem::path& folder,
              std::shared_ptr<device::Accelerator> accelerator, Communicator& comm);
    Telescope(const Telescope&) = delete; // the plan refers to the configuration
    Telescope& operator=(const Telescope&) = delete;
    /// From stars in memory to a finished cube in memory.
    Run observe(const Stars& stars);
    MeasuredAccelerator& accelerator() { return *accelerator_; }
    const Plan& plan() const { return plan_; }
    /// Gives the accelerator away, for another telescope.
    std::shared_ptr<device::Accelerator> release() { return std::move(plan_.accelerator); }

private:
    Communicator& comm_;
    Config config_;
    Plan plan_;
    MeasuredAccelerator* accelerator_;
};

} // namespace tessera::bench
