// Where subhaloes begin, by summing the lengths of groups and subhaloes.
#include "particles/prefix_sums.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {

std::vector<Counts> read_counts(const io::Hdf5Group& file, const std::string& path, std::int64_t first,
                                std::int64_t n) {
    const io::Hdf5Dataset dataset = file.dataset(path);
    const auto flat = dataset.read_rows<std::int64_t>(first, n);
    const auto width = static_cast<std::size_t>(dataset.row_length());
    if (width < 5) {
        throw Error({.kind = Kind::data,
                     .where = dataset.where(),
                     .found = fmt::format("{} columns", width),
                     .expected = "6, one a particle type",
                     .cure = "the catalogue is not of the TNG layout"});
    }
    std::vector<Counts> counts(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < counts.size(); ++i) {
        for (std::size_t t = 0; t < n_type; ++t) {
            counts[i][t] = flat[i * width + static_cast<std::size_t>(types[t])];
        }
    }
    return counts;
}

namespace {

void add(Counts& sum, const Counts& counts) {
    for (std::size_t t = 0; t < n_type; ++t) { sum[t] += counts[t]; }
}

/// The group that holds a subhalo: its first subhalo and the global rows where its particles begin.
struct HostGroup {
    std::int64_t first_subhalo = 0;
    Counts begin{};
};

/// Walks over the groups in catalogue order, the whole catalogue through (not chunk by chunk: sums restart nowhere).
/// @param ids  ascending
/// @return     [entry of ids], nullopt for those in no group; nullopt where the catalogue lacks the fields of the groups
std::optional<std::vector<std::optional<HostGroup>>> find_groups(const std::vector<CatalogueFile>& catalogue,
                                                                 std::span<const std::int64_t> ids) {
    std::vector<std::optional<HostGroup>> hosts(ids.size());
    std::size_t n_found = 0;
    Counts begin{};
    for (const CatalogueFile& chunk : catalogue) {
        if (chunk.n_group == 0 || n_found == ids.size()) { continue; }
        const io::Hdf5Group file = io::Hdf5File::open(chunk.path);
        if (!file.has_dataset("Group/GroupLenType") || !file.has_dataset("Group/GroupFirstSub") ||
            !file.has_dataset("Group/GroupNsubs")) {
            return std::nullopt;
        }
        const auto lengths = read_counts(file, "Group/GroupLenType", 0, chunk.n_group);
        const auto first = file.dataset("Group/GroupFirstSub").read_all<std::int64_t>();
        const auto n_sub = file.dataset("Group/GroupNsubs").read_all<std::int64_t>();
        for (std::size_t g = 0; g < lengths.size(); ++g) {
            // A group without subhalos says -1, or 4294967295 where the type is unsigned.
            const bool has_any = n_sub[g] > 0 && first[g] >= 0 && first[g] != std::numeric_limits<std::uint32_t>::max();
            if (has_any) {
                const auto from = std::lower_bound(ids.begin(), ids.end(), first[g]);
                for (auto it = from; it != ids.end() && *it < first[g] + n_sub[g]; ++it) {
                    auto& host = hosts[static_cast<std::size_t>(it - ids.begin())];
                    if (!host) { ++n_found; }
                    host = host.value_or(HostGroup{first[g], begin});
                }
            }
            add(begin, lengths[g]);
        }
    }
    return hosts;
}

/// Adds the lengths of the subhaloes of each host before the one wanted.
void add_subhaloes_before(const std::vector<CatalogueFile>& catalogue, std::span<const std::int64_t> ids,
                          const std::vector<std::optional<HostGroup>>& hosts, std::vector<std::optional<Counts>>& out) {
    for (const CatalogueFile& chunk : catalogue) {
        const auto part_of = [&](std::size_t i) {
            return hosts[i] ? Range{hosts[i]->first_subhalo, ids[i]}.overlap(chunk.first_subhalo,
                                                                             chunk.first_subhalo + chunk.n_subhalo)
                            : Range{};
        };
        Range hull{chunk.first_subhalo + chunk.n_subhalo, chunk.first_subhalo};
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const Range part = part_of(i);
            if (part.size() > 0) { hull = {std::min(hull.begin, part.begin), std::max(hull.end, part.end)}; }
        }
        if (hull.size() == 0) { continue; }
        const io::Hdf5Group file = io::Hdf5File::open(chunk.path);
        std::vector<Counts> sums(1);
        for (const Counts& length :
             read_counts(file, "Subhalo/SubhaloLenType", hull.begin - chunk.first_subhalo, hull.size())) {
            sums.push_back(sums.back());
            add(sums.back(), length);
        }
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const Range part = part_of(i);
            if (part.size() == 0) { continue; }
            for (std::size_t t = 0; t < n_type; ++t) {
                (*out[i])[t] += sums[static_cast<std::size_t>(part.end - hull.begin)][t] -
                                sums[static_cast<std::size_t>(part.begin - hull.begin)][t];
            }
        }
    }
}

} // namespace

std::optional<std::vector<std::optional<Counts>>> begin_by_sums(const std::vector<CatalogueFile>& catalogue,
                                                                std::span<const std::int64_t> ids) {
    const auto hosts = find_groups(catalogue, ids);
    if (!hosts) { return std::nullopt; }
    std::vector<std::optional<Counts>> out(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if ((*hosts)[i]) { out[i] = (*hosts)[i]->begin; }
    }
    add_subhaloes_before(catalogue, ids, *hosts, out);
    return out;
}

} // namespace tessera::particles
