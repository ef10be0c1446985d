#pragma once

#include <array>
#include <optional>

#include "particles/age_table.hpp"
#include "particles/particle_reader.hpp"
#include "tessera/particles/stars.hpp"

namespace tessera::particles {

/// Where positions are counted from, and the periodic box.
struct Frame {
    std::array<double, 3> origin{}; ///< kpc
    std::optional<double> box;      ///< kpc
};

/// Turns blocks of stored values into stars, checking every value.
class StarConverter {
public:
    StarConverter(const Plan& plan, const Frame& frame, bool keep_rows);
    /// Appends the block's stars. @throws Error(Kind::data)  at the first row that does not hold, naming it
    void append(const Block& block, Stars& stars);
    std::int64_t n_wind() const { return n_wind_; }

private:
    double age_of(const Block& block, std::int64_t row) const;

    const Plan& plan_;
    Frame frame_;
    bool keep_rows_;
    std::optional<AgeTable> ages_;
    double age_now_ = 0;
    std::int64_t n_wind_ = 0;
};

/// Appends the block's gas cells; the temperature from the internal energy where the file has no temperature itself.
void append_gas(const Block& block, const Frame& frame, Gas& gas);

} // namespace tessera::particles
