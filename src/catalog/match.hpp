#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::catalog {

/// A cell of a target distribution: galaxies of stellar mass [mass_min, mass_max) Msun, seen at redshifts from redshift_min to
/// redshift_max, make up a part of the sample in proportion to its weight.
struct MatchCell {
    double mass_min = 0, mass_max = 0, redshift_min = 0, redshift_max = 0, weight = 0;
};

/// A text file of five numbers a line, as above; `#` begins a comment. @throws Error(Kind::config)  missing, broken lines, empty cells,
/// ranges of mass that overlap without being the same, no weight
std::vector<MatchCell> read_match(const std::string& path);

/// Of `ids` a sample of `limit` with the cells' distribution of masses: each range of mass has its share, by largest remainders, of the
/// galaxies whose random numbers are the smallest. Where there are too few, all of them, and a warning. Ascending.
/// @param mass  [id] Msun
std::vector<std::int64_t> matched_sample(const std::vector<MatchCell>& cells, const std::vector<std::int64_t>& ids,
                                         const std::vector<double>& mass, std::int64_t limit, std::int64_t seed);

/// A redshift for a galaxy of that mass: of a cell drawn by weight, uniform within. @param u, v  uniform random numbers
double matched_redshift(const std::vector<MatchCell>& cells, double mass, double u, double v);

} // namespace tessera::catalog
