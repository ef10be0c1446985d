#include "particles/row_source.hpp"

#include <algorithm>
#include <chrono>

#include "tessera/core/error.hpp"
#include "tessera/core/seconds_since.hpp"
#include "tessera/io/file_stamp.hpp"

namespace tessera::particles {

void make_room(const io::Hdf5Dataset& dataset, std::int64_t n, StoredValues& values) {
    const bool floats = dataset.number_type() == io::NumberType::float32;
    if (floats != std::holds_alternative<std::vector<float>>(values)) {
        values = floats ? StoredValues(std::vector<float>()) : StoredValues(std::vector<double>());
    }
    std::visit([n](auto& room) { room.resize(std::max(static_cast<std::size_t>(n), room.size())); }, values);
}

RowSource::OpenChunk RowSource::open(const TablePlan& table, const Chunk& chunk) {
    if (chunk.failure) { throw *chunk.failure; }
    OpenChunk open;
    const io::Hdf5Group group = files_->file(chunk.path).group(table.group);
    files_->check_once(chunk.path, "stamp", [&] {
        if (chunk.stamp) { io::expect_same(chunk.path, *chunk.stamp); }
    });
    open.where = group.where();
    for (const FieldPlan& field : table.fields) {
        open.datasets.push_back(
            field.present() ? std::optional(files_->dataset(chunk.path, "/" + table.group + "/" + field.dataset))
                            : std::nullopt);
    }
    return open;
}

void RowSource::read_file(const io::Hdf5Dataset& dataset, const TablePlan& table, std::int64_t first, std::int64_t n,
                          StoredValues& values, const device::Host& threads) {
    const auto begin = std::chrono::steady_clock::now();
    std::visit(
        [&]<class T>(std::vector<T>& room) {
            const auto count = static_cast<std::size_t>(n * dataset.row_length());
            dataset.read_rows<T>(first, n, std::span<T>(room).first(count), threads);
            const auto bytes = static_cast<std::int64_t>(count * sizeof(T));
            (table.kind == ParticleType::gas ? reads_.gas_bytes : reads_.star_bytes) += bytes;
        },
        values);
    ++reads_.n_read;
    reads_.seconds += seconds_since(begin);
}

void RowSource::read(const TablePlan& table, const Chunk& chunk, const OpenChunk& open, std::size_t field,
                     std::int64_t first, std::int64_t n, StoredValues& values, const device::Host& threads) {
    const io::Hdf5Dataset& dataset = *open.datasets[field];
    const Range rows{chunk.first + first, chunk.first + first + n};
    const Piece* piece = n > 0 ? find(table, field, rows) : nullptr;
    if (piece == nullptr) {
        if (n > 0) { read_file(dataset, table, first, n, values, threads); }
        return;
    }
    const std::int64_t width = table.fields[field].columns;
    std::visit(
        [&]<class T>(std::vector<T>& room) {
            const auto& from = std::get<std::vector<T>>(piece->fields[field]);
            std::copy_n(from.begin() + (rows.begin - piece->rows.begin) * width, n * width, room.begin());
        },
        values);
}

const RowSource::Piece* RowSource::find(const TablePlan& table, std::size_t field, Range rows) const {
    const auto it = std::find_if(ahead_.begin(), ahead_.end(), [&](const Piece& piece) {
        return piece.rows.begin <= rows.begin && rows.end <= piece.rows.end && piece.group == table.group;
    });
    if (it == ahead_.end()) { return nullptr; }
    const bool there = std::visit([](const auto& values) { return !values.empty(); }, it->fields[field]);
    return there ? &*it : nullptr;
}

std::vector<Range> pieces_to_read(std::vector<Range> wanted) {
    std::erase_if(wanted, [](const Range& range) { return range.size() == 0; });
    std::sort(wanted.begin(), wanted.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::vector<Range> apart;
    std::int64_t n_wanted = 0;
    for (const Range& range : wanted) {
        if (!apart.empty() && range.begin <= apart.back().end) {
            apart.back().end = std::max(apart.back().end, range.end);
        } else {
            apart.push_back(range);
        }
    }
    std::vector<std::int64_t> gaps;
    for (std::size_t i = 0; i < apart.size(); ++i) {
        n_wanted += apart[i].size();
        if (i > 0) { gaps.push_back(apart[i].begin - apart[i - 1].end); }
    }
    // The smallest gaps first, until a twentieth of what is wanted is spent on them.
    constexpr std::int64_t share = 20;
    std::sort(gaps.begin(), gaps.end());
    std::int64_t spent = 0, widest = 0;
    for (const std::int64_t gap : gaps) {
        spent += gap;
        if (spent > n_wanted / share) { break; }
        widest = gap;
    }
    spent = 0; // gaps as wide as the widest may be more than there is room for
    std::vector<Range> out;
    for (const Range& range : apart) {
        const std::int64_t gap = out.empty() ? 0 : range.begin - out.back().end;
        if (out.empty() || gap > widest || spent + gap > n_wanted / share) {
            out.push_back(range);
        } else {
            spent += gap;
            out.back().end = range.end;
        }
    }
    return out;
}

void RowSource::read_ahead(const TablePlan& table, std::vector<Range> wanted, const device::Host& threads) {
    const std::vector<Range> pieces = pieces_to_read(std::move(wanted));
    for (const Chunk& chunk : table.chunks) {
        for (const Range& piece : pieces) {
            const Range rows = piece.overlap(chunk.first, chunk.first + chunk.n_row);
            if (rows.size() == 0) { continue; }
            try {
                const OpenChunk open = this->open(table, chunk);
                Piece ahead{table.group, rows, std::vector<StoredValues>(table.fields.size())};
                for (std::size_t i = 0; i < table.fields.size(); ++i) {
                    if (!open.datasets[i]) { continue; }
                    make_room(*open.datasets[i], rows.size() * table.fields[i].columns, ahead.fields[i]);
                    read_file(*open.datasets[i], table, rows.begin - chunk.first, rows.size(), ahead.fields[i],
                              threads);
                }
                ahead_.push_back(std::move(ahead));
            } catch (const Error&) {
                continue; // the galaxies that lie here meet it when they read
            }
        }
    }
}

SnapshotReads RowSource::reads() const {
    SnapshotReads out = reads_;
    out.n_opened = files_->n_opened();
    out.most_openings = files_->most_openings();
    return out;
}

} // namespace tessera::particles
