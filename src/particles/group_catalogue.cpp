#include "particles/group_catalogue.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "particles/input_files.hpp"
#include "particles/prefix_sums.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

namespace fs = std::filesystem;
std::int64_t rows_in(const io::Hdf5Group& file, const std::string& group) {
    if (!file.has_group(group)) { return 0; }
    const io::Hdf5Group there = file.group(group);
    for (const std::string& name : there.names()) { // any field: all have a row per object
        if (there.has_dataset(name)) { return there.dataset(name).n_row(); }
    }
    return 0;
}

} // namespace

std::vector<CatalogueFile> open_catalogue(const fs::path& base, std::int64_t snapshot) {
    const std::string n = three_digits(snapshot);
    const fs::path folder = base / ("groups_" + n);
    std::vector<CatalogueFile> files;
    for (const auto& [where, stem] : {std::pair{folder, "fof_subhalo_tab_" + n}, std::pair{folder, "groups_" + n},
                                      std::pair{base, "fof_subhalo_tab_" + n}, std::pair{base, "groups_" + n}}) {
        std::int64_t first = 0;
        for (const std::string& path : numbered_files(where, stem)) {
            const io::Hdf5Group file = io::Hdf5File::open(path);
            files.push_back({path, first, rows_in(file, "Subhalo"), rows_in(file, "Group")});
            first += files.back().n_subhalo;
        }
        if (!files.empty()) { return files; }
    }
    throw Error({.kind = Kind::data,
                 .where = base.string(),
                 .found = fmt::format("no group catalogue of snapshot {}", snapshot),
                 .expected = fmt::format("groups_{0}/fof_subhalo_tab_{0}.0.hdf5, groups_{0}/groups_{0}.0.hdf5, "
                                         "fof_subhalo_tab_{0}.hdf5 or groups_{0}.hdf5",
                                         n),
                 .cure = "fetch the group catalogue, or give a cut-out of the subhalo without simulation.subhalo"});
}

namespace {

Error offsets_disagree(const std::string& where, const std::string& what, std::int64_t found, std::int64_t expected) {
    return Error(
        {.kind = Kind::data,
         .where = where,
         .found = fmt::format("{} = {}", what, found),
         .expected = fmt::format("{}, by summing the lengths in the files", expected),
         .cure = "the offsets belong to another snapshot, or chunks are damaged; without the file the sums are used"});
}

constexpr const char* file_offsets = "FileOffsets/SnapByType";

std::optional<fs::path> offsets_file(const fs::path& base, std::int64_t snapshot) {
    const std::string name = fmt::format("offsets_{}.hdf5", three_digits(snapshot));
    for (const fs::path& folder : {base, fs::absolute(base / "..").lexically_normal()}) {
        const fs::path path = folder / "postprocessing" / "offsets" / name;
        if (fs::exists(path)) { return path; }
    }
    return std::nullopt;
}

/// The offsets file must describe these very chunks.
void check_chunks(const io::Hdf5Group& file, const ChunkContents& chunks) {
    if (!file.has_dataset(file_offsets)) { return; }
    const auto n_chunk = static_cast<std::int64_t>(chunks.files.size());
    const io::Hdf5Dataset dataset = file.dataset(file_offsets);
    if (dataset.n_row() != n_chunk) {
        throw offsets_disagree(dataset.where(), "number of chunks", dataset.n_row(), n_chunk);
    }
    const auto stated = read_counts(file, file_offsets, 0, n_chunk);
    for (std::size_t t = 0; t < n_type; ++t) {
        std::int64_t first = 0;
        const auto& rows = chunks.rows.at(fmt::format("PartType{}", types[t]));
        for (std::size_t c = 0; c < rows.size(); ++c) {
            if (stated[c][t] != first) {
                throw offsets_disagree(dataset.where(), fmt::format("first row of PartType{} in chunk {}", types[t], c),
                                       stated[c][t], first);
            }
            first += rows[c];
        }
    }
}

/// What the offsets file says of rows; nullopt where there is none.
struct Offsets {
    std::string where;
    std::int64_t first = 0; ///< subhalo
    std::vector<Counts> begin;
};

std::optional<Offsets> read_offsets(const fs::path& base, std::int64_t snapshot, std::span<const std::int64_t> ids,
                                    const ChunkContents& chunks) {
    const auto path = offsets_file(base, snapshot);
    if (!path) { return std::nullopt; }
    const io::Hdf5Group file = io::Hdf5File::open(path->string());
    check_chunks(file, chunks);
    const std::string dataset = "Subhalo/SnapByType";
    return Offsets{file.dataset(dataset).where(), ids.front(),
                   read_counts(file, dataset, ids.front(), ids.back() - ids.front() + 1)};
}

/// Where the particles of subhalo `id` begin, by offsets and sums, which must agree.
Counts begin_of(std::int64_t id, const std::optional<Offsets>& offsets,
                const std::optional<std::vector<std::optional<Counts>>>& all_sums, std::size_t i,
                const std::string& catalogue) {
    if (all_sums && !(*all_sums)[i]) {
        throw Error({.kind = Kind::data,
                     .where = catalogue,
                     .found = fmt::format("no group whose GroupFirstSub and GroupNsubs hold subhalo {}", id),
                     .expected = "exactly one",
                     .cure = "the catalogue looks incomplete: fetch all its chunks"});
    }
    const std::optional<Counts> sums = all_sums ? (*all_sums)[i] : std::nullopt;
    if (offsets) {
        const Counts stated = offsets->begin[static_cast<std::size_t>(id - offsets->first)];
        for (std::size_t t = 0; sums && t < n_type; ++t) {
            if (stated[t] == (*sums)[t]) { continue; }
            throw offsets_disagree(offsets->where, fmt::format("first row of PartType{} of subhalo {}", types[t], id),
                                   stated[t], (*sums)[t]);
        }
        return stated;
    }
    if (sums) { return *sums; }
    throw Error({.kind = Kind::data,
                 .where = catalogue,
                 .found = "no GroupLenType, GroupFirstSub, GroupNsubs of the groups, and no offsets file",
                 .expected = fmt::format("one or the other, to find the particles of subhalo {}", id),
                 .cure = "fetch these fields of the catalogue or postprocessing/offsets"});
}

void check_range(Range range, const ChunkContents& chunks, int type, std::int64_t id) {
    std::int64_t total = 0;
    for (const std::int64_t n : chunks.rows.at(fmt::format("PartType{}", type))) { total += n; }
    if (range.begin >= 0 && range.end <= total) { return; }
    throw Error({.kind = Kind::data,
                 .where = chunks.files.front(),
                 .found = fmt::format("{} rows of PartType{} in all chunks", total, type),
                 .expected = fmt::format("at least {}, where subhalo {} ends", range.end, id),
                 .cure = "chunks are missing or thinned: fetch the whole snapshot"});
}

Error without_stars(const std::string& path, std::int64_t id) {
    return Error({.kind = Kind::data,
                  .where = fmt::format("{}:/Subhalo/SubhaloLenType", path),
                  .found = fmt::format("subhalo {} has no star at all", id),
                  .expected = "at least one star particle",
                  .cure = "choose a subhalo with SubhaloLenType[4] > 0"});
}

} // namespace

FirstRows first_rows_of_chunks(const fs::path& base, std::int64_t snapshot) {
    FirstRows out;
    const auto path = offsets_file(base, snapshot);
    if (!path) { return out; }
    const io::Hdf5Group file = io::Hdf5File::open(path->string());
    if (!file.has_dataset(file_offsets)) { return out; }
    for (const Counts& first : read_counts(file, file_offsets, 0, file.dataset(file_offsets).n_row())) {
        for (std::size_t t = 0; t < n_type; ++t) { out[fmt::format("PartType{}", types[t])].push_back(first[t]); }
    }
    return out;
}

namespace {

/// What the catalogue itself has of subhaloes [first, first + n): a chunk's rows that hold all those wanted.
struct CatalogueRows {
    CatalogueRows(const CatalogueFile& chunk, Range wanted) : path(chunk.path), first(wanted.begin) {
        const io::Hdf5Group file = io::Hdf5File::open(chunk.path);
        const std::int64_t row = wanted.begin - chunk.first_subhalo;
        lengths = read_counts(file, "Subhalo/SubhaloLenType", row, wanted.size());
        position = rows_of(file, "Subhalo/SubhaloPos", row, wanted.size());
        velocity = rows_of(file, "Subhalo/SubhaloVel", row, wanted.size());
        radius = rows_of(file, "Subhalo/SubhaloHalfmassRadType", row, wanted.size());
    }
    std::size_t row(std::int64_t id) const { return static_cast<std::size_t>(id - first); }
    /// Numbers of a subhalo, where there are `width` of each.
    std::optional<std::array<double, 3>> vector3(const std::vector<double>& values, std::int64_t id) const {
        if (values.size() != 3 * lengths.size()) { return std::nullopt; }
        const double* at = values.data() + 3 * row(id);
        return std::array{at[0], at[1], at[2]};
    }
    std::optional<double> half_mass_radius(std::int64_t id) const {
        const std::size_t width = radius.size() / lengths.size();
        if (width <= 4) { return std::nullopt; }
        return radius[width * row(id) + 4];
    }

    std::string path;
    std::int64_t first;
    std::vector<Counts> lengths;
    std::vector<double> position, velocity, radius; ///< empty where the catalogue lacks the field

private:
    static std::vector<double> rows_of(const io::Hdf5Group& file, const std::string& name, std::int64_t row,
                                       std::int64_t n) {
        if (!file.has_dataset(name)) { return {}; }
        return file.dataset(name).read_rows<double>(row, n);
    }
};

} // namespace

std::vector<FoundSubhalo> find_subhaloes(const fs::path& base, std::int64_t snapshot, std::span<const std::int64_t> ids,
                                         const ChunkContents& chunks) {
    const auto catalogue = open_catalogue(base, snapshot);
    const std::int64_t n_subhalo = catalogue.back().first_subhalo + catalogue.back().n_subhalo;
    for (const std::int64_t id : ids) {
        if (id >= n_subhalo) {
            throw Error({.kind = Kind::config,
                         .where = "simulation.subhalo",
                         .found = fmt::format("{}", id),
                         .expected = fmt::format("below {}, the number of subhalos in the catalogue of snapshot {}",
                                                 n_subhalo, snapshot),
                         .cure = "subhalos are numbered from 0"});
        }
    }
    std::vector<FoundSubhalo> out(ids.size());
    if (ids.empty()) { return out; }
    std::vector<Counts> lengths(ids.size());
    std::vector<std::string> paths(ids.size());
    for (const CatalogueFile& chunk : catalogue) {
        const auto from = std::lower_bound(ids.begin(), ids.end(), chunk.first_subhalo);
        const auto to = std::lower_bound(ids.begin(), ids.end(), chunk.first_subhalo + chunk.n_subhalo);
        if (from == to) { continue; }
        const CatalogueRows rows(chunk, {*from, *(to - 1) + 1});
        for (auto it = from; it != to; ++it) {
            const auto i = static_cast<std::size_t>(it - ids.begin());
            lengths[i] = rows.lengths[rows.row(*it)];
            paths[i] = chunk.path;
            out[i].subhalo.position = rows.vector3(rows.position, *it);
            out[i].subhalo.velocity = rows.vector3(rows.velocity, *it);
            out[i].subhalo.half_mass_radius = rows.half_mass_radius(*it);
        }
    }
    if (ids.size() == 1 && lengths[0][1] == 0) { // nothing need be read to know it
        out[0].failure = without_stars(paths[0], ids[0]);
        return out;
    }
    const auto sums = begin_by_sums(catalogue, ids);
    const auto offsets = read_offsets(base, snapshot, ids, chunks);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        try {
            if (lengths[i][1] == 0) { throw without_stars(paths[i], ids[i]); }
            const Counts begin = begin_of(ids[i], offsets, sums, i, catalogue.front().path);
            CatalogueSubhalo& subhalo = out[i].subhalo;
            subhalo.gas = {begin[0], begin[0] + lengths[i][0]};
            subhalo.stars = {begin[1], begin[1] + lengths[i][1]};
            check_range(subhalo.gas, chunks, 0, ids[i]);
            check_range(subhalo.stars, chunks, 4, ids[i]);
        } catch (const Error& failure) { out[i].failure = failure; }
    }
    return out;
}

} // namespace tessera::particles
