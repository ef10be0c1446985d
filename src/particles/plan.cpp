#include "particles/plan.hpp"

#include <cstring>
#include <type_traits>

#include "particles/dialects.hpp"
#include "tessera/comm/communicator.hpp"

namespace tessera::particles {
namespace {

/// Members into bytes.
class Packer {
public:
    static constexpr bool reading = false;
    template <class T>
        requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
    void operator()(T& value) {
        const auto* bytes = reinterpret_cast<const char*>(&value);
        bytes_.append(bytes, sizeof(T));
    }
    void raw(std::string& text) { bytes_ += text; }
    std::string& bytes() { return bytes_; }

private:
    std::string bytes_;
};

/// Bytes back into members, in the same order.
class Unpacker {
public:
    static constexpr bool reading = true;
    explicit Unpacker(std::string bytes) : bytes_(std::move(bytes)) {}
    template <class T>
        requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
    void operator()(T& value) {
        std::memcpy(&value, bytes_.data() + at_, sizeof(T));
        at_ += sizeof(T);
    }
    void raw(std::string& text) {
        text = bytes_.substr(at_, text.size());
        at_ += text.size();
    }

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

template <class Archive>
void transfer(Archive& archive, std::string& text) {
    std::uint64_t n = text.size();
    archive(n);
    text.resize(n);
    archive.raw(text);
}
template <class Archive>
void transfer(Archive& archive, std::int64_t& value) {
    archive(value);
}
template <class Archive>
void transfer(Archive& archive, double& value) {
    archive(value);
}
template <class Archive>
void transfer(Archive& archive, std::array<double, 3>& value) {
    for (double& x : value) { archive(x); }
}
template <class Archive>
void transfer(Archive& archive, std::pair<std::string, std::int64_t>& item) {
    transfer(archive, item.first);
    archive(item.second);
}
template <class Archive>
void transfer(Archive& archive, io::FileStamp& stamp) {
    archive(stamp.device);
    archive(stamp.inode);
    archive(stamp.size);
    archive(stamp.modified);
}
template <class Archive, class T>
void transfer(Archive& archive, std::optional<T>& value) {
    bool present = value.has_value();
    archive(present);
    if (!present) {
        value.reset();
        return;
    }
    if (!value) { value.emplace(); }
    transfer(archive, *value);
}
template <class Archive>
void transfer(Archive& archive, std::optional<Error>& error) {
    bool present = error.has_value();
    archive(present);
    if (!present) { return; }
    Kind kind = error ? error->kind() : Kind::internal; // none yet where it is read
    std::string text = error ? error->what() : "";
    archive(kind);
    transfer(archive, text);
    if constexpr (Archive::reading) { error.emplace(kind, text); }
}
template <class Archive>
void transfer(Archive& archive, Chunk& chunk) {
    transfer(archive, chunk.path);
    archive(chunk.first);
    archive(chunk.n_row);
    transfer(archive, chunk.stamp);
    transfer(archive, chunk.failure);
}
template <class Archive>
void transfer(Archive& archive, FieldPlan& field) {
    transfer(archive, field.dataset);
    archive(field.columns);
    archive(field.factor);
    archive(field.row_bytes);
}
template <class Archive, class T>
void transfer(Archive& archive, std::vector<T>& items) {
    std::uint64_t n = items.size();
    archive(n);
    items.resize(n);
    for (T& item : items) { transfer(archive, item); }
}
template <class Archive>
void transfer(Archive& archive, std::optional<Cosmology>& cosmology) {
    bool present = cosmology.has_value();
    archive(present);
    if (!present) { return; }
    std::array<double, 4> p{};
    if (cosmology) { p = {cosmology->h0(), cosmology->omega_m(), cosmology->w0(), cosmology->wa()}; }
    for (double& x : p) { archive(x); }
    if constexpr (Archive::reading) { cosmology.emplace(p[0], p[1], p[2], p[3]); }
}
template <class Archive>
void transfer(Archive& archive, TablePlan& table) {
    transfer(archive, table.group);
    transfer(archive, table.chunks);
    transfer(archive, table.fields);
    archive(table.begin);
    archive(table.end);
    archive(table.kind);
}
template <class Archive>
void transfer(Archive& archive, SnapshotInfo& info) {
    archive(info.format);
    transfer(archive, info.description);
    transfer(archive, info.files);
    archive(info.scale_factor);
    transfer(archive, info.redshift);
    transfer(archive, info.box_size);
    transfer(archive, info.cosmology);
    archive(info.n_star_rows);
    archive(info.n_gas_rows);
    transfer(archive, info.rows_by_type);
    archive(info.bytes_to_read);
    transfer(archive, info.galaxy.centre);
    transfer(archive, info.galaxy.velocity);
    transfer(archive, info.galaxy.half_mass_radius);
}
template <class Archive>
void transfer(Archive& archive, Range& range) {
    archive(range.begin);
    archive(range.end);
}
template <class Archive>
void transfer(Archive& archive, FoundSubhalo& found) {
    transfer(archive, found.subhalo.stars);
    transfer(archive, found.subhalo.gas);
    transfer(archive, found.subhalo.position);
    transfer(archive, found.subhalo.velocity);
    transfer(archive, found.subhalo.half_mass_radius);
    transfer(archive, found.failure);
}
template <class Archive>
void transfer(Archive& archive, Plan& plan) {
    transfer(archive, plan.info);
    transfer(archive, plan.stars);
    transfer(archive, plan.gas);
    archive(plan.birth);
    archive(plan.drops_wind);
    archive(plan.snapshot_time);
    transfer(archive, plan.first_position);
    transfer(archive, plan.input_kind);
}

template <class Archive>
void transfer(Archive& archive, GalaxyIndex& index) {
    transfer(archive, index.whole);
    transfer(archive, index.ids);
    transfer(archive, index.found);
    archive(index.is_file);
}

/// Rank 0's to all.
template <class T>
void send_to_all(T& what, Communicator& comm) {
    if (comm.size() == 1) { return; }
    std::string bytes;
    if (comm.is_root()) {
        Packer packer;
        transfer(packer, what);
        bytes = std::move(packer.bytes());
    }
    comm.broadcast(bytes, 0);
    if (!comm.is_root()) {
        Unpacker unpacker(std::move(bytes));
        transfer(unpacker, what);
    }
}

} // namespace

std::int64_t TablePlan::row_bytes() const {
    std::int64_t sum = 0;
    for (const FieldPlan& field : fields) { sum += field.row_bytes; }
    return sum;
}

std::vector<Chunk> TablePlan::chunks_of(std::span<const Range> ranges) const {
    std::vector<Chunk> out;
    for (const Chunk& chunk : chunks) {
        const auto touches = [&](const Range& range) {
            return range.overlap(chunk.first, chunk.first + chunk.n_row).size() > 0;
        };
        if (std::any_of(ranges.begin(), ranges.end(), touches)) { out.push_back(chunk); }
    }
    return out;
}

void broadcast(Plan& plan, Communicator& comm) { send_to_all(plan, comm); }
void broadcast(GalaxyIndex& index, Communicator& comm) { send_to_all(index, comm); }

Range share(std::int64_t begin, std::int64_t end, int rank, int n_rank) {
    // n·r would overflow only beyond 10^12 rows on 10^6 ranks: split quotient and remainder instead of hoping.
    const std::int64_t n = end - begin, p = n_rank;
    const auto edge = [&](std::int64_t r) { return begin + (n / p) * r + (n % p) * r / p; };
    return {edge(rank), edge(std::int64_t{rank} + 1)};
}

std::vector<Range> share(std::span<const Range> ranges, int rank, int n_rank) {
    std::int64_t n = 0;
    for (const Range& range : ranges) { n += range.size(); }
    const Range mine = share(0, n, rank, n_rank);
    std::vector<Range> out;
    std::int64_t before = 0;
    for (const Range& range : ranges) {
        const Range part = mine.overlap(before, before + range.size());
        if (part.size() > 0) { out.push_back({range.begin + part.begin - before, range.begin + part.end - before}); }
        before += range.size();
    }
    return out;
}

} // namespace tessera::particles
