// What the galaxies of a snapshot have in common, and their rows read ahead.
#include <algorithm>
#include <new>

#include <fmt/format.h>

#include "particles/planned_snapshot.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/region.hpp"

namespace tessera {

namespace particles {

PlannedIndex::PlannedIndex(GalaxyIndex index, std::shared_ptr<ChunkFiles> files)
    : index_(std::move(index)),
      tables_{.stars = index_.whole.stars, .gas = with_fields(index_.whole.gas, GasFields::place_and_mass)},
      source_(std::move(files)) {}

Plan PlannedIndex::plan_of(std::int64_t subhalo) { return plan_galaxy(index_, subhalo, source_.files()); }

const CatalogueSubhalo* PlannedIndex::find(std::int64_t subhalo) const {
    const auto at = std::lower_bound(index_.ids.begin(), index_.ids.end(), subhalo);
    if (at == index_.ids.end() || *at != subhalo) { return nullptr; }
    const FoundSubhalo& found = index_.found[static_cast<std::size_t>(at - index_.ids.begin())];
    return found.failure ? nullptr : &found.subhalo;
}

std::int64_t PlannedIndex::bytes_of(std::int64_t subhalo) const {
    const CatalogueSubhalo* found = find(subhalo);
    if (found == nullptr) { return 0; }
    return found->stars.size() * row_bytes(ParticleType::stars) + found->gas.size() * row_bytes(ParticleType::gas);
}

ByType<RowRange> PlannedIndex::rows_of(std::int64_t subhalo) const {
    const CatalogueSubhalo* found = find(subhalo);
    if (found == nullptr) { return {}; }
    return {.stars = found->stars, .gas = index_.whole.gas.chunks.empty() ? RowRange{} : found->gas};
}

std::optional<std::array<double, 3>> PlannedIndex::centre_of(std::int64_t subhalo) const {
    const CatalogueSubhalo* found = find(subhalo);
    if (found == nullptr || !found->position) { return std::nullopt; }
    std::array<double, 3> kpc = *found->position;
    for (double& x : kpc) { x *= index_.whole.stars.fields[star_coordinates].factor; }
    return kpc;
}

void PlannedIndex::read_ahead(std::span<const std::int64_t> subhaloes,
                              std::span<const ByType<std::vector<RowRange>>> others, const Communicator& comm,
                              std::int64_t most_bytes) {
    const Region region("read ahead");
    source_.forget();
    ByType<std::vector<Range>> wanted;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < subhaloes.size(); ++i) {
        const bool again = i > 0 && subhaloes[i] == subhaloes[i - 1];
        bytes += again ? 0 : bytes_of(subhaloes[i]) / comm.size();
        ByType<std::vector<Range>> around;
        for (const ParticleType type : both_types) {
            if (others.empty()) { continue; }
            around[type] = share(others[i][type], comm.rank(), comm.size());
            for (const Range& range : around[type]) { bytes += range.size() * row_bytes(type); }
        }
        if (bytes > most_bytes) { break; }
        const ByType<RowRange> own = rows_of(subhaloes[i]);
        if (own.stars.size() == 0) { continue; }
        for (const ParticleType type : both_types) {
            wanted[type].insert(wanted[type].end(), around[type].begin(), around[type].end());
            if (!again) { wanted[type].push_back(share(own[type].begin, own[type].end, comm.rank(), comm.size())); }
        }
    }
    try {
        for (const ParticleType type : both_types) { source_.read_ahead(table(type), wanted[type], {}); }
    } catch (const std::bad_alloc&) { source_.forget(); } // each galaxy reads for itself
}

TablePlan with_fields(const TablePlan& gas, GasFields fields) {
    TablePlan table = gas;
    for (std::size_t i = 0; fields == GasFields::place_and_mass && i < table.fields.size(); ++i) {
        if (i != gas_coordinates && i != gas_mass) { table.fields[i] = {}; }
    }
    return table;
}

} // namespace particles

std::shared_ptr<SnapshotIndex> index_snapshot(const SnapshotOptions& options, std::span<const std::int64_t> subhaloes,
                                              Communicator& comm) {
    using namespace particles;
    const Region region("index snapshot");
    GalaxyIndex index;
    auto files = std::make_shared<ChunkFiles>();
    agree(comm, [&] {
        if (comm.is_root()) { index = make_index(options, subhaloes, files); }
    });
    broadcast(index, comm);
    return std::make_shared<PlannedIndex>(std::move(index), std::move(files));
}

} // namespace tessera
