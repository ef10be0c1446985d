#include "particles/row_index_file.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "particles/cuboids.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/hash.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera::particles {

namespace {

namespace fs = std::filesystem;
constexpr std::int64_t version = 1;
constexpr std::int64_t chunk_numbers = 4; ///< of a chunk file: see /chunks

std::string file_name(const Chunk& chunk) { return fs::path(chunk.path).filename().string(); }

/// What tells the chunk files from others, and from what they were: checksum of the name, bytes, ns since 1970, rows.
std::vector<std::int64_t> numbers_of(const TablePlan& table) {
    std::vector<std::int64_t> out;
    for (const Chunk& chunk : table.chunks) {
        Fnv1a name;
        const std::string text = file_name(chunk);
        name.add_bytes(text.data(), text.size());
        const io::FileStamp stamp = chunk.stamp.value_or(io::FileStamp{});
        out.insert(out.end(), {static_cast<std::int64_t>(name.hash()), stamp.size, stamp.modified, chunk.n_row});
    }
    return out;
}

/// Lower edge and extent along an axis in one number.
std::vector<std::int32_t> packed(std::span<const Cuboid> cuboids) {
    std::vector<std::int32_t> out;
    out.reserve(3 * cuboids.size());
    for (const Cuboid& cuboid : cuboids) {
        for (std::size_t i = 0; i < 3; ++i) {
            const std::uint32_t both = cuboid.lower[i] | static_cast<std::uint32_t>(cuboid.extent[i]) << 16U;
            out.push_back(static_cast<std::int32_t>(both));
        }
    }
    return out;
}

std::vector<Cuboid> unpacked(const std::vector<std::int32_t>& numbers) {
    std::vector<Cuboid> out(numbers.size() / 3);
    for (std::size_t n = 0; n < 3 * out.size(); ++n) {
        const auto both = static_cast<std::uint32_t>(numbers[n]);
        out[n / 3].lower[n % 3] = static_cast<std::uint16_t>(both & 0xffffU);
        out[n / 3].extent[n % 3] = static_cast<std::uint16_t>(both >> 16U);
    }
    return out;
}

std::vector<std::int64_t> packed(std::span<const RowIndex::Point> points) {
    std::vector<std::int64_t> out;
    out.reserve(points.size());
    for (const RowIndex::Point& point : points) {
        out.push_back(point[0] | std::int64_t{point[1]} << 16 | std::int64_t{point[2]} << 32);
    }
    return out;
}

std::vector<RowIndex::Point> unpacked(const std::vector<std::int64_t>& numbers) {
    std::vector<RowIndex::Point> out;
    out.reserve(numbers.size());
    for (const std::int64_t n : numbers) {
        out.push_back({static_cast<std::uint16_t>(n & 0xffff), static_cast<std::uint16_t>(n >> 16 & 0xffff),
                       static_cast<std::uint16_t>(n >> 32 & 0xffff)});
    }
    return out;
}

/// Rows of loose cuboids.
std::int64_t n_loose_row(std::span<const Cuboid> cuboids, std::int64_t n_row) {
    std::int64_t n = 0;
    for (std::size_t i = 0; i < cuboids.size(); ++i) {
        const std::int64_t first = static_cast<std::int64_t>(i) * RowIndex::block_rows;
        if (RowIndex::is_loose(cuboids[i])) { n += std::min(RowIndex::block_rows, n_row - first); }
    }
    return n;
}

std::int64_t checksum_of(const std::vector<std::int32_t>& cuboids, const std::vector<std::int64_t>& points,
                         const std::vector<std::int64_t>& chunks, double side) {
    WordHash hash;
    hash.add_bytes(points.data(), points.size() * sizeof(std::int64_t));
    hash.add_bytes(cuboids.data(), cuboids.size() * sizeof(std::int32_t));
    hash.add_bytes(chunks.data(), chunks.size() * sizeof(std::int64_t));
    hash.add_bytes(&side, sizeof side);
    return static_cast<std::int64_t>(hash.hash());
}

/// In which way the chunks differ from those that the index was made of; empty where they do not.
std::string difference(const std::vector<std::int64_t>& then, const std::vector<std::int64_t>& now,
                       const TablePlan& table) {
    if (then.size() != now.size()) {
        return fmt::format("it was made of {} chunks, there are {}", then.size() / chunk_numbers,
                           now.size() / chunk_numbers);
    }
    constexpr std::array what{"name", "size", "time of writing", "number of rows"};
    const bool some_unreadable = std::any_of(table.chunks.begin(), table.chunks.end(),
                                             [](const Chunk& chunk) { return chunk.failure.has_value(); });
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (then[i] == now[i]) { continue; }
        // A damaged chunk is another file than it was; where several are, `table` may not know how they share their rows.
        const Chunk& chunk = table.chunks[i / chunk_numbers];
        const std::size_t number = i % chunk_numbers;
        const bool unknown = number == 3 ? chunk.failure || (some_unreadable && chunk.n_row == 0) : !chunk.stamp;
        if (number > 0 && unknown) { continue; }
        return fmt::format("{} has another {}", file_name(table.chunks[i / chunk_numbers]), what[i % chunk_numbers]);
    }
    return "";
}

} // namespace

std::string row_index_name(const TablePlan& table) {
    const std::string first = file_name(table.chunks.front());
    const char* type = table.kind == ParticleType::gas ? "gas" : "star";
    return fmt::format("{}.{}_index.h5", first.substr(0, first.find('.')), type);
}

std::shared_ptr<const RowIndex> read_row_index(const std::string& path, const TablePlan& table, double side,
                                               std::string& why_not) {
    why_not.clear();
    std::error_code ignored;
    if (!fs::exists(path, ignored)) { return nullptr; }
    try {
        const io::Hdf5Group file = io::Hdf5File::open(path);
        if (file.integers("version").front() != version ||
            file.integers("block_rows").front() != RowIndex::block_rows) {
            why_not = "it is of another version of the program";
            return nullptr;
        }
        const auto chunks = file.dataset("chunks").read_all<std::int64_t>();
        why_not = difference(chunks, numbers_of(table), table);
        if (why_not.empty() && file.integers("n_row").front() != table.size()) {
            why_not = "it was made of another number of rows";
        }
        if (why_not.empty() && file.number("side") != side) { why_not = "it was made of another periodic box"; }
        if (!why_not.empty()) { return nullptr; }
        const auto cuboids = file.dataset("cuboids").read_all<std::int32_t>();
        const auto points = file.dataset("points").read_all<std::int64_t>();
        const std::int64_t n_block = (table.size() + RowIndex::block_rows - 1) / RowIndex::block_rows;
        if (std::ssize(cuboids) != 3 * n_block ||
            checksum_of(cuboids, points, chunks, side) != file.integers("checksum").front()) {
            why_not = "it is damaged: its checksum is another";
            return nullptr;
        }
        std::vector<Cuboid> own = unpacked(cuboids);
        if (n_loose_row(own, table.size()) != std::ssize(points)) {
            why_not = "it is damaged: it has too few points or too many";
            return nullptr;
        }
        return std::make_shared<const RowIndex>(table.size(), side, std::move(own), unpacked(points));
    } catch (const Error& error) {
        why_not = fmt::format("it is damaged ({})", error.what());
        return nullptr;
    }
}

void write_row_index(const std::string& path, const RowIndex& index, const TablePlan& table) {
    const auto alone = make_self_communicator();
    const std::vector<std::int32_t> cuboids = packed(index.cuboids());
    const std::vector<std::int64_t> chunks = numbers_of(table), points = packed(index.points());
    io::write_aside(path, *alone, [&](const std::string& temporary) {
        auto file = io::Hdf5File::create(temporary);
        file.set("version", version);
        file.set("block_rows", RowIndex::block_rows);
        file.set("n_row", index.n_row());
        file.set("side", index.side());
        file.set("checksum", checksum_of(cuboids, points, chunks, index.side()));
        const std::array cuboid_shape{std::ssize(index.cuboids()), std::int64_t{3}},
            chunk_shape{std::ssize(table.chunks), chunk_numbers};
        const std::array point_shape{std::ssize(points)};
        file.create_dataset("cuboids", io::NumberType::int32, cuboid_shape).write_all<std::int32_t>(cuboids);
        file.create_dataset("points", io::NumberType::int64, point_shape).write_all<std::int64_t>(points);
        file.create_dataset("chunks", io::NumberType::int64, chunk_shape).write_all<std::int64_t>(chunks);
        io::Hdf5File::close(file);
    });
}

} // namespace tessera::particles
