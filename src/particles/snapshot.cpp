#include "tessera/particles/snapshot.hpp"

#include <fmt/format.h>

#include "particles/convert.hpp"
#include "particles/dialects.hpp"
#include "particles/particle_reader.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"

namespace tessera {
namespace {

using namespace particles;

/// Reads what a plan says; the same code for every dialect.
class PlannedSnapshot final : public Snapshot {
public:
    PlannedSnapshot(Plan plan, Communicator& comm, const device::Host& where)
        : plan_(std::move(plan)), comm_(comm), where_(where) {}

    const SnapshotInfo& info() const override { return plan_.info; }

    Stars read_stars(const std::array<double, 3>& origin, bool keep_rows, ReadReport& report) override {
        const Region region("read stars");
        Stars stars;
        StarConverter convert(plan_, rows_of(plan_.stars), {origin, plan_.info.box_size}, keep_rows, stars);
        read_blocks(plan_.stars, where_, comm_, rows_read_at_once, convert);
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

    Gas read_gas(const std::array<double, 3>& origin, ReadReport& report, GasFields fields) override {
        const Region region("read gas");
        Gas gas;
        GasConverter convert(rows_of(plan_.gas), {origin, plan_.info.box_size}, gas);
        TablePlan table = plan_.gas;
        for (std::size_t i = 0; fields == GasFields::place_and_mass && i < table.fields.size(); ++i) {
            if (i != gas_coordinates && i != gas_mass) { table.fields[i] = {}; }
        }
        read_blocks(table, where_, comm_, rows_read_at_once, convert);
        report.n_gas = comm_.all_reduce_value(gas.size(), Op::sum);
        return gas;
    }

    std::array<double, 3> provisional_origin() override {
        return plan_.info.galaxy.centre.value_or(plan_.first_position);
    }

private:
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
};

Plan make_plan(const SnapshotOptions& asked) {
    SnapshotOptions options = asked;
    if (!options.snapshot) { options.snapshot = only_snapshot(options.path); }
    const InputFiles input = find_input(options);
    const SnapshotFormat format = options.format == SnapshotFormat::automatic ? detect(input.chunks) : options.format;
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

} // namespace

std::unique_ptr<Snapshot> open_snapshot(const SnapshotOptions& options, Communicator& comm, const device::Host& where) {
    const Region region("open snapshot");
    Plan plan;
    agree(comm, [&] {
        if (comm.is_root()) { plan = make_plan(options); }
    });
    broadcast(plan, comm);
    return std::make_unique<PlannedSnapshot>(std::move(plan), comm, where);
}

} // namespace tessera
