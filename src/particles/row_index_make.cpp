// Indices of stars and gas: looked for, made by all ranks together where there is none.
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "particles/cuboids.hpp"
#include "particles/particle_reader.hpp"
#include "particles/planned_snapshot.hpp"
#include "particles/row_index_file.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/core/seconds_since.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;
using particles::Block;
using particles::PlannedIndex;
using particles::TablePlan;

/// Cuboids of this rank's rows, which begin with a block's first.
class CuboidWork final : public particles::BlockWork {
public:
    explicit CuboidWork(double side) : side_(side), maker_(side) {}

    void start(const Block& block, device::Tasks& /*tasks*/) override {
        for (std::int64_t row = 0; row < block.n_row; ++row, ++n_row_) {
            if (n_row_ == RowIndex::block_rows) { close(); }
            const std::array position{block.at(particles::any_coordinates, row, 0),
                                      block.at(particles::any_coordinates, row, 1),
                                      block.at(particles::any_coordinates, row, 2)};
            // Who reads it later meets the error of its row; here it has no place.
            if (!std::isfinite(position[0] + position[1] + position[2])) {
                ++n_nowhere_;
                positions_.push_back({});
                continue;
            }
            maker_.add(position);
            positions_.push_back(position);
        }
    }
    void finish() override {}

    /// What the rows have come to, when all are there.
    std::vector<particles::Cuboid>& cuboids() {
        if (n_row_ > 0) { close(); }
        return cuboids_;
    }
    std::vector<RowIndex::Point>& points() { return loose_; }
    std::int64_t n_nowhere() const { return n_nowhere_; }

private:
    void close() {
        cuboids_.push_back(maker_.cuboid());
        if (RowIndex::is_loose(cuboids_.back())) {
            for (const auto& position : positions_) { loose_.push_back(particles::point_of(position, side_)); }
        }
        positions_.clear();
        maker_ = particles::CuboidMaker(side_);
        n_row_ = 0;
    }

    double side_;
    particles::CuboidMaker maker_;
    std::int64_t n_row_ = 0; ///< of the block in work
    std::int64_t n_nowhere_ = 0;
    std::vector<particles::Cuboid> cuboids_;
    std::vector<std::array<double, 3>> positions_; ///< of the block in work
    std::vector<RowIndex::Point> loose_;           ///< of loose blocks
};

/// Every rank's, one after the other.
template <class T>
std::vector<T> gather(const std::vector<T>& mine, Communicator& comm) {
    const auto* bytes = reinterpret_cast<const char*>(mine.data());
    const std::vector<char> all = comm.all_gather(std::span<const char>(bytes, mine.size() * sizeof(T)));
    std::vector<T> out(all.size() / sizeof(T));
    if (!out.empty()) { std::memcpy(out.data(), all.data(), all.size()); }
    return out;
}

/// Rank 0's.
template <class T>
std::vector<T> broadcast(std::span<const T> root, Communicator& comm) {
    std::vector<char> bytes(root.size_bytes());
    if (!bytes.empty()) { std::memcpy(bytes.data(), root.data(), bytes.size()); }
    comm.broadcast(bytes, 0);
    std::vector<T> out(bytes.size() / sizeof(T));
    if (!out.empty()) { std::memcpy(out.data(), bytes.data(), bytes.size()); }
    return out;
}

/// The table with nothing but positions.
TablePlan positions_of(TablePlan table) {
    for (std::size_t i = 0; i < table.fields.size(); ++i) {
        if (i != particles::any_coordinates) { table.fields[i] = {}; }
    }
    return table;
}

const char* name_of(ParticleType type) { return type == ParticleType::gas ? "gas cells" : "stars"; }

std::shared_ptr<const RowIndex> make(PlannedIndex& snapshot, ParticleType type, double side, Communicator& comm) {
    const Region region(type == ParticleType::gas ? "index gas" : "index stars");
    const auto begin = std::chrono::steady_clock::now();
    const TablePlan table = positions_of(snapshot.table(type));
    const std::int64_t n_row = table.size(), n_block = (n_row + RowIndex::block_rows - 1) / RowIndex::block_rows;
    const RowRange blocks = particles::share(0, n_block, comm.rank(), comm.size());
    const RowRange all{0, n_row},
        mine = RowRange{blocks.begin * RowIndex::block_rows, blocks.end * RowIndex::block_rows}.overlap(0, n_row);
    CuboidWork work(side);
    read_blocks(table, {&all, 1}, {&mine, 1}, {}, comm, rows_read_at_once, work, snapshot.source());
    std::vector<particles::Cuboid> cuboids = gather(work.cuboids(), comm);
    std::vector<RowIndex::Point> points = gather(work.points(), comm);
    if (const std::int64_t n = comm.all_reduce_value(work.n_nowhere(), Op::sum); n > 0) {
        log::warning(fmt::format("{}: the positions of {} {} are no numbers: no field shows them",
                                 table.chunks.front().path, n, name_of(type)));
    }
    log::info(fmt::format("index of {} {} ({} by themselves) made in {:.2f} s", n_row, name_of(type), points.size(),
                          seconds_since(begin)));
    return std::make_shared<const RowIndex>(n_row, side, std::move(cuboids), std::move(points));
}

/// @throws Error(Kind::config)
void expect_indexable(const particles::GalaxyIndex& galaxies) {
    const SnapshotInfo& info = galaxies.whole.info;
    const auto refuse = [&](const std::string& found, const std::string& expected, const std::string& cure) {
        throw Error({.kind = Kind::config,
                     .where = "catalog.stars: field, simulation.depth",
                     .found = found,
                     .expected = expected,
                     .cure = cure});
    };
    if (galaxies.is_file) {
        refuse(fmt::format("{}, a cut-out of one galaxy", info.description),
               "a whole snapshot, with the stars around it", "Use catalog.stars: subhalo");
    }
    if (!info.box_size) {
        refuse(fmt::format("no BoxSize in the header of {}", info.description), "a periodic box",
               "Use catalog.stars: subhalo, simulation.depth: null");
    }
}

/// Rows that nobody can look at may lie in every field.
void expect_readable(const TablePlan& table) {
    for (const particles::Chunk& chunk : table.chunks) {
        if (!chunk.failure) { continue; }
        throw Error(chunk.failure->kind(),
                    fmt::format("{}. To make the index of the {} all chunks are needed; once it is there, the "
                                "others suffice for galaxies whose fields do not reach into this one",
                                chunk.failure->what(), name_of(table.kind)));
    }
}

/// What is wrong with the folder is said before the first cube.
void expect_writable(const std::string& path) {
    std::error_code ignored;
    fs::create_directory(fs::path(path).parent_path(), ignored);
    try {
        const auto alone = make_self_communicator();
        io::check_output_path(path, *alone);
    } catch (const Error& error) {
        throw Error(
            Kind::resource,
            fmt::format("{}. The index of the particles is kept there: set simulation.index to a folder that can "
                        "be written",
                        error.what()));
    }
}

/// Of the rows of one type; null where none are to be read.
std::shared_ptr<const RowIndex> find_index(PlannedIndex& snapshot, ParticleType type, const std::string& folder,
                                           WithoutFile otherwise, Communicator& comm) {
    const TablePlan& table = snapshot.table(type);
    if (table.size() == 0) { return nullptr; }
    const double side = *snapshot.galaxies().whole.info.box_size;
    const std::string path = (fs::path(folder) / particles::row_index_name(table)).string();
    std::shared_ptr<const RowIndex> index;
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        std::string why_not;
        index = particles::read_row_index(path, table, side, why_not);
        if (index) { log::info(fmt::format("index of {} {}: {}", index->n_row(), name_of(type), path)); }
        if (!index && !why_not.empty()) { log::warning(fmt::format("{} is not used: {}", path, why_not)); }
        if (!index && otherwise == WithoutFile::make) {
            expect_readable(table);
            expect_writable(path);
        }
    });
    if (comm.broadcast_value(static_cast<std::int32_t>(index != nullptr), 0) == 0) {
        if (otherwise == WithoutFile::none) { return nullptr; }
        index = make(snapshot, type, side, comm);
        agree(comm, [&] {
            if (comm.is_root()) { write_row_index(path, *index, table); }
        });
        return index;
    }
    auto cuboids = broadcast(index ? index->cuboids() : std::span<const particles::Cuboid>(), comm);
    auto points = broadcast(index ? index->points() : std::span<const RowIndex::Point>(), comm);
    if (comm.is_root()) { return index; }
    return std::make_shared<const RowIndex>(table.size(), side, std::move(cuboids), std::move(points));
}

} // namespace

FieldIndex find_field_index(SnapshotIndex& snapshot, const std::string& folder, Communicator& comm,
                            WithoutFile otherwise) {
    auto& planned = dynamic_cast<PlannedIndex&>(snapshot);
    agree(comm, [&] { expect_indexable(planned.galaxies()); });
    FieldIndex out;
    for (const ParticleType type : both_types) { out[type] = find_index(planned, type, folder, otherwise, comm); }
    return out;
}

} // namespace tessera
