#include "tessera/particles/snapshot.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "particles/convert.hpp"
#include "particles/dialects.hpp"
#include "particles/particle_reader.hpp"
#include "particles/planned_snapshot.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"

namespace tessera {
namespace {

using namespace particles;

/// Reads what a plan says; the same code for every dialect.
class PlannedSnapshot final : public Snapshot {
public:
    /// @param index  null: the files are this snapshot's own
    PlannedSnapshot(Plan plan, Communicator& comm, const device::Host& where, PlannedIndex* index,
                    std::shared_ptr<ChunkFiles> files)
        : plan_(std::move(plan)), comm_(comm), where_(where), own_(std::move(files)),
          source_(index == nullptr ? own_ : index->source()) {}

    const SnapshotInfo& info() const override { return plan_.info; }

    Stars read_stars(const std::array<double, 3>& origin, bool keep_rows, ReadReport& report) override {
        const Region region("read stars");
        Stars stars;
        StarConverter convert(plan_, rows_of(plan_.stars), {origin, plan_.info.box_size}, keep_rows, stars);
        read_blocks(plan_.stars, where_, comm_, rows_read_at_once, convert, source_);
        report.star_checksum = sum_over_ranks(convert.hash());
        report.n_wind_dropped = comm_.all_reduce_value(convert.n_wind(), Op::sum);
        report.n_star = comm_.all_reduce_value(stars.size(), Op::sum);
        if (report.n_star == 0) {
            throw Error({.kind = Kind::data,
                         .where = plan_.info.files.front(),
                         .found = fmt::format("no star at all: {} of {} rows are wind cells", report.n_wind_dropped,
                                              plan_.stars.size()),
                         .expected = "at least one star",
                         .cure = "choose another galaxy"});
        }
        return stars;
    }

    Stars read_others(const RowIndex& index, const FieldBox& field, const std::array<double, 3>& origin, bool keep_rows,
                      ReadReport& report) override {
        const Region region("read others");
        Stars stars;
        StarConverter convert(plan_, 0, {origin, plan_.info.box_size}, keep_rows, stars, &field);
        read_field(plan_.stars, index, field, convert);
        report.star_checksum += sum_over_ranks(convert.hash());
        report.n_wind_dropped += comm_.all_reduce_value(convert.n_wind(), Op::sum);
        report.n_star += comm_.all_reduce_value(stars.size(), Op::sum);
        return stars;
    }

    Gas read_gas(const std::array<double, 3>& origin, ReadReport& report, GasFields fields) override {
        const Region region("read gas");
        Gas gas;
        GasConverter convert(rows_of(plan_.gas), {origin, plan_.info.box_size}, gas);
        read_blocks(with_fields(plan_.gas, fields), where_, comm_, rows_read_at_once, convert, source_);
        report.n_gas = comm_.all_reduce_value(gas.size(), Op::sum);
        return gas;
    }

    Gas read_other_gas(const RowIndex& index, const FieldBox& field, const std::array<double, 3>& origin,
                       ReadReport& report, GasFields fields) override {
        const Region region("read other gas");
        Gas gas;
        GasConverter convert(0, {origin, plan_.info.box_size}, gas, &field);
        read_field(with_fields(plan_.gas, fields), index, field, convert);
        report.n_gas += comm_.all_reduce_value(gas.size(), Op::sum);
        return gas;
    }

    std::array<double, 3> provisional_origin() override {
        return plan_.info.galaxy.centre.value_or(plan_.first_position);
    }

private:
    /// The rows of others that the index gives for a box, each rank its share.
    void read_field(const TablePlan& table, const RowIndex& index, const FieldBox& field, BlockWork& convert) {
        const FieldRows wanted = index.rows_in(field, {table.begin, table.end});
        for (const Chunk& chunk : table.chunks_of(wanted.rows)) {
            auto& files = plan_.info.files;
            if (std::find(files.begin(), files.end(), chunk.path) == files.end()) { files.push_back(chunk.path); }
        }
        const std::vector<Range> mine = share(wanted.rows, comm_.rank(), comm_.size());
        read_blocks(table, wanted.rows, mine, where_, comm_, rows_read_at_once, convert, source_);
    }
    /// Of this rank.
    std::int64_t rows_of(const TablePlan& table) const {
        return share(table.begin, table.end, comm_.rank(), comm_.size()).size();
    }
    /// Modulo 2^64: in two halves, each far from overflow.
    std::uint64_t sum_over_ranks(std::uint64_t value) {
        std::vector<std::int64_t> halves{static_cast<std::int64_t>(value & 0xffffffffULL),
                                         static_cast<std::int64_t>(value >> 32U)};
        comm_.all_reduce(halves, Op::sum);
        return (static_cast<std::uint64_t>(halves[1]) << 32U) + static_cast<std::uint64_t>(halves[0]);
    }

    Plan plan_;
    Communicator& comm_;
    device::Host where_;
    RowSource own_;
    RowSource& source_;
};

/// The files, what they are, and the options completed by what they say.
struct Input {
    SnapshotOptions options;
    InputFiles files;
    SnapshotFormat format;
};

/// @param spare  one galaxy of a run need not have all chunks
Input look_at(const SnapshotOptions& asked, std::shared_ptr<ChunkFiles> open, bool spare) {
    Input out{.options = asked, .files = {}, .format = asked.format};
    if (!out.options.snapshot) { out.options.snapshot = only_snapshot(out.options.path); }
    out.files = find_input(out.options);
    out.files.open = std::move(open);
    if (out.files.missing && !spare) { throw *out.files.missing; }
    if (out.format == SnapshotFormat::automatic) { out.format = detect(out.files); }
    return out;
}

} // namespace

namespace particles {

Plan make_plan(const SnapshotOptions& asked, std::shared_ptr<ChunkFiles> files) {
    const auto [options, input, format] = look_at(asked, std::move(files), asked.subhalo.has_value());
    switch (format) {
    case SnapshotFormat::automatic: break; // detect() never gives it
    case SnapshotFormat::plain: return plan_plain(input, options);
    case SnapshotFormat::rubix: return plan_rubix(input, options);
    case SnapshotFormat::tng: return plan_tng(input, options);
    case SnapshotFormat::eagle: return plan_eagle(input, options);
    case SnapshotFormat::swift: return plan_swift(input, options);
    }
    throw Error({.kind = Kind::internal,
                 .where = "simulation.format",
                 .found = "no layout",
                 .expected = "a layout",
                 .cure = ""});
}

GalaxyIndex make_index(const SnapshotOptions& asked, std::span<const std::int64_t> subhaloes,
                       std::shared_ptr<ChunkFiles> files) {
    const auto [options, input, format] = look_at(asked, std::move(files), true);
    if (input.chunks.size() == 1 && !input.base) { // a cut-out
        GalaxyIndex one{.whole = make_plan(asked, input.open), .ids = {0}, .found = {{}}, .is_file = true};
        one.found.front().subhalo.stars = {one.whole.stars.begin, one.whole.stars.end};
        one.found.front().subhalo.gas = {one.whole.gas.begin, one.whole.gas.end};
        return one;
    }
    if (format != SnapshotFormat::tng) {
        SnapshotOptions one = options;
        one.subhalo = subhaloes.front();
        refuse_subhalo(one, std::string(word(format)));
    }
    return index_tng(input, options, subhaloes);
}

} // namespace particles

std::unique_ptr<Snapshot> open_snapshot(const SnapshotOptions& options, Communicator& comm, const device::Host& where,
                                        SnapshotIndex* index) {
    const Region region("open snapshot");
    auto* planned = dynamic_cast<PlannedIndex*>(index);
    auto files = std::make_shared<ChunkFiles>();
    Plan plan;
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        plan = planned != nullptr ? planned->plan_of(options.subhalo.value_or(0)) : make_plan(options, files);
    });
    broadcast(plan, comm);
    return std::make_unique<PlannedSnapshot>(std::move(plan), comm, where, planned, std::move(files));
}

} // namespace tessera
