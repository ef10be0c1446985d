#pragma once

#include <memory>

#include "particles/dialects.hpp"
#include "particles/row_source.hpp"

namespace tessera::particles {

/// The one SnapshotIndex.
class PlannedIndex final : public SnapshotIndex {
public:
    PlannedIndex(GalaxyIndex index, std::shared_ptr<ChunkFiles> files);

    /// Looks at the chunks that hold the galaxy, if this rank has not done so. @throws Error(Kind::data)
    Plan plan_of(std::int64_t subhalo);
    RowSource& source() { return source_; }

    const GalaxyIndex& galaxies() const { return index_; }

    void read_ahead(std::span<const std::int64_t> subhaloes, std::span<const ByType<std::vector<RowRange>>> others,
                    const Communicator& comm, std::int64_t most_bytes) override;
    SnapshotReads reads() const override { return source_.reads(); }
    std::int64_t bytes_of(std::int64_t subhalo) const override;
    std::int64_t row_bytes(ParticleType type) const override { return table(type).row_bytes(); }
    ByType<RowRange> rows_of(std::int64_t subhalo) const override;
    /// Of all rows, with the fields that are read.
    const TablePlan& table(ParticleType type) const { return tables_[type]; }
    std::optional<std::array<double, 3>> centre_of(std::int64_t subhalo) const override;

private:
    /// Null where it is none of the index, or cannot be read.
    const CatalogueSubhalo* find(std::int64_t subhalo) const;

    GalaxyIndex index_;
    ByType<TablePlan> tables_;
    RowSource source_;
};

/// Looks into the files. Rank 0 alone. @throws Error(Kind::config | Kind::data)
Plan make_plan(const SnapshotOptions& options, std::shared_ptr<ChunkFiles> files);
GalaxyIndex make_index(const SnapshotOptions& options, std::span<const std::int64_t> subhaloes,
                       std::shared_ptr<ChunkFiles> files);

/// The table of the gas with the fields that are wanted.
TablePlan with_fields(const TablePlan& gas, GasFields fields);

} // namespace tessera::particles
