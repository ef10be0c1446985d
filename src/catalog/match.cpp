#include "catalog/match.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/random.hpp"

namespace tessera::catalog {

namespace {

constexpr std::uint64_t random_match = 0x6d617463; // stream of random numbers: "matc"

[[noreturn]] void refuse_row(const std::string& where, const std::string& found, const std::string& expected) {
    throw Error({.kind = Kind::config, .where = where, .found = found, .expected = expected});
}

bool holds(const MatchCell& cell, double mass) { return mass >= cell.mass_min && mass < cell.mass_max; }

/// Weights of the ranges of mass, by their lower ends.
std::map<double, double> mass_weights(const std::vector<MatchCell>& cells) {
    std::map<double, double> out;
    for (const MatchCell& cell : cells) { out[cell.mass_min] += cell.weight; }
    return out;
}

/// `n` things shared out by weight: whole parts first, the rest to the largest remainders (ties to the first).
std::vector<std::int64_t> shares(const std::vector<double>& weights, std::int64_t n) {
    double total = 0;
    for (const double weight : weights) { total += weight; }
    std::vector<std::int64_t> out;
    std::vector<std::pair<double, std::size_t>> remainders;
    std::int64_t left = n;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const double exact = static_cast<double>(n) * weights[i] / total;
        out.push_back(static_cast<std::int64_t>(std::floor(exact)));
        remainders.emplace_back(-(exact - std::floor(exact)), i);
        left -= out.back();
    }
    std::stable_sort(remainders.begin(), remainders.end());
    for (std::size_t k = 0; left > 0 && k < remainders.size(); ++k, --left) { ++out[remainders[k].second]; }
    return out;
}

} // namespace

std::vector<MatchCell> read_match(const std::string& path) {
    std::ifstream file(path);
    if (!file) { refuse_row("catalog.match", fmt::format("no readable file '{}'", path), "a text file of cells"); }
    std::vector<MatchCell> cells;
    std::int64_t number = 0;
    double weight = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        std::istringstream words(line.substr(0, line.find('#')));
        std::vector<double> values;
        for (double value = 0; words >> value;) { values.push_back(value); }
        if (values.empty() && words.eof()) { continue; }
        const std::string where = fmt::format("{}, line {}", path, number);
        if (values.size() != 5 || !words.eof()) {
            refuse_row(where, line, "mass_min mass_max [Msun] redshift_min redshift_max weight");
        }
        const MatchCell cell{values[0], values[1], values[2], values[3], values[4]};
        if (!(cell.mass_min >= 0 && cell.mass_min < cell.mass_max && cell.redshift_min > 0 &&
              cell.redshift_min <= cell.redshift_max && cell.weight >= 0)) {
            refuse_row(where, line, "ascending ranges, redshifts above 0, a weight from 0 on");
        }
        for (const MatchCell& other : cells) {
            const bool same = other.mass_min == cell.mass_min && other.mass_max == cell.mass_max;
            if (!same && cell.mass_min < other.mass_max && other.mass_min < cell.mass_max) {
                refuse_row(where,
                           fmt::format("masses {:g} to {:g} that overlap {:g} to {:g}", cell.mass_min, cell.mass_max,
                                       other.mass_min, other.mass_max),
                           "ranges of mass that are the same or apart");
            }
        }
        weight += cell.weight;
        cells.push_back(cell);
    }
    if (!(weight > 0)) {
        refuse_row(path, fmt::format("{} cells without weight", cells.size()), "some weight above 0");
    }
    std::erase_if(cells, [](const MatchCell& cell) { return cell.weight == 0; });
    return cells;
}

std::vector<std::int64_t> matched_sample(const std::vector<MatchCell>& cells, const std::vector<std::int64_t>& ids,
                                         const std::vector<double>& mass, std::int64_t limit, std::int64_t seed) {
    std::vector<double> weights;
    std::vector<const MatchCell*> ranges; // one cell of each range of mass
    for (const auto& [low, weight] : mass_weights(cells)) {
        weights.push_back(weight);
        ranges.push_back(
            &*std::find_if(cells.begin(), cells.end(), [at = low](const auto& c) { return c.mass_min == at; }));
    }
    const std::vector<std::int64_t> wanted = shares(weights, limit);
    std::vector<std::int64_t> out;
    for (std::size_t r = 0; r < ranges.size(); ++r) {
        std::vector<std::pair<double, std::int64_t>> drawn;
        for (const std::int64_t id : ids) {
            if (!holds(*ranges[r], mass[static_cast<std::size_t>(id)])) { continue; }
            const Philox random =
                Philox::at(static_cast<std::uint64_t>(seed), random_match, static_cast<std::uint64_t>(id));
            drawn.emplace_back(random.uniform(0), id);
        }
        std::sort(drawn.begin(), drawn.end());
        const std::int64_t n = std::min(wanted[r], std::ssize(drawn));
        if (n < wanted[r]) {
            log::warning(fmt::format("catalog.match: {} galaxies of {:g} to {:g} Msun, {} wanted", n,
                                     ranges[r]->mass_min, ranges[r]->mass_max, wanted[r]));
        }
        for (std::int64_t i = 0; i < n; ++i) { out.push_back(drawn[static_cast<std::size_t>(i)].second); }
    }
    std::sort(out.begin(), out.end());
    return out;
}

double matched_redshift(const std::vector<MatchCell>& cells, double mass, double u, double v) {
    double total = 0;
    for (const MatchCell& cell : cells) { total += holds(cell, mass) ? cell.weight : 0; }
    double left = u * total;
    const MatchCell* chosen = nullptr;
    for (const MatchCell& cell : cells) {
        if (!holds(cell, mass)) { continue; }
        chosen = &cell;
        if (left < cell.weight) { break; }
        left -= cell.weight;
    }
    if (chosen == nullptr) {
        throw Error({.where = "matched_redshift", .found = fmt::format("{:g} Msun in no cell", mass)});
    }
    return chosen->redshift_min + v * (chosen->redshift_max - chosen->redshift_min);
}

} // namespace tessera::catalog
