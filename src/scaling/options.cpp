#include "tessera/scaling/options.hpp"

#include <algorithm>

#include "tessera/core/error.hpp"

namespace tessera {

std::vector<Reduction> all_reductions() {
    std::vector<Reduction> all;
    for (const auto& [reduction, text] : EnumWords<Reduction>::words) {
        if (reduction != Reduction::automatic) { all.push_back(reduction); }
    }
    return all;
}

ScalingConfig read_scaling_config(const std::string& path, const std::vector<std::string>& settings) {
    ScalingConfig config;
    OptionTable table = option_table(config);
    read_config(path, settings, config.cube, table);
    check_scaling(config);
    return config;
}

void check_scaling(const ScalingConfig& config) {
    std::vector<Reduction> sorted = config.scaling.reductions;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
        throw Error({.kind = Kind::config,
                     .where = "scaling.reductions",
                     .found = OptionType<std::vector<Reduction>>::print(config.scaling.reductions).text(),
                     .expected = "each way that is to be measured, once"});
    }
}

} // namespace tessera
