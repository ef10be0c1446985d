#include "particles/group_catalogue.hpp"

#include <limits>

#include <fmt/format.h>

#include "particles/input_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

namespace fs = std::filesystem;
constexpr std::array types{0, 4}; // gas, stars
constexpr std::size_t n_type = types.size();
using Counts = std::array<std::int64_t, n_type>;

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

/// Row `i` of a dataset as numbers; nullopt where the catalogue lacks the field.
std::optional<std::vector<double>> row_of(const io::Hdf5Group& file, const std::string& dataset, std::int64_t i) {
    if (!file.has_dataset(dataset)) { return std::nullopt; }
    return file.dataset(dataset).read_rows<double>(i, 1);
}

/// Columns of gas and stars of [n, 6] counts.
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

void add(Counts& sum, const Counts& counts) {
    for (std::size_t t = 0; t < n_type; ++t) { sum[t] += counts[t]; }
}

/// The group that holds subhalo `id`: its first subhalo and the global rows where its particles begin.
struct HostGroup {
    std::int64_t first_subhalo = 0;
    Counts begin{};
};

/// Walks over the groups in catalogue order, the whole catalogue through (not chunk by chunk: sums restart nowhere).
std::optional<HostGroup> find_group(const std::vector<CatalogueFile>& catalogue, std::int64_t id) {
    Counts begin{};
    for (const CatalogueFile& chunk : catalogue) {
        if (chunk.n_group == 0) { continue; }
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
            if (has_any && first[g] <= id && id < first[g] + n_sub[g]) { return HostGroup{first[g], begin}; }
            add(begin, lengths[g]);
        }
    }
    throw Error({.kind = Kind::data,
                 .where = catalogue.front().path,
                 .found = fmt::format("no group whose GroupFirstSub and GroupNsubs hold subhalo {}", id),
                 .expected = "exactly one",
                 .cure = "the catalogue looks incomplete: fetch all its chunks"});
}

/// First rows of the subhalo by prefix sums; nullopt when the catalogue lacks the fields of the groups.
std::optional<Counts> begin_by_sums(const std::vector<CatalogueFile>& catalogue, std::int64_t id) {
    const auto host = find_group(catalogue, id);
    if (!host) { return std::nullopt; }
    Counts begin = host->begin;
    for (const CatalogueFile& chunk : catalogue) {
        const Range part =
            Range{host->first_subhalo, id}.overlap(chunk.first_subhalo, chunk.first_subhalo + chunk.n_subhalo);
        if (part.size() == 0) { continue; }
        const io::Hdf5Group file = io::Hdf5File::open(chunk.path);
        for (const Counts& length :
             read_counts(file, "Subhalo/SubhaloLenType", part.begin - chunk.first_subhalo, part.size())) {
            add(begin, length);
        }
    }
    return begin;
}

Error offsets_disagree(const std::string& where, const std::string& what, std::int64_t found, std::int64_t expected) {
    return Error(
        {.kind = Kind::data,
         .where = where,
         .found = fmt::format("{} = {}", what, found),
         .expected = fmt::format("{}, by summing the lengths in the files", expected),
         .cure = "the offsets belong to another snapshot, or chunks are damaged; without the file the sums are used"});
}

/// The offsets file must describe these very chunks.
void check_chunks(const io::Hdf5Group& file, const ChunkContents& chunks) {
    const std::string path = "FileOffsets/SnapByType";
    if (!file.has_dataset(path)) { return; }
    const auto n_chunk = static_cast<std::int64_t>(chunks.files.size());
    const io::Hdf5Dataset dataset = file.dataset(path);
    if (dataset.n_row() != n_chunk) {
        throw offsets_disagree(dataset.where(), "number of chunks", dataset.n_row(), n_chunk);
    }
    const auto stated = read_counts(file, path, 0, n_chunk);
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

std::optional<Counts> begin_by_offsets(const fs::path& base, std::int64_t snapshot, std::int64_t id,
                                       const ChunkContents& chunks, const std::optional<Counts>& sums) {
    const std::string name = fmt::format("offsets_{}.hdf5", three_digits(snapshot));
    for (const fs::path& folder : {base, fs::absolute(base / "..").lexically_normal()}) {
        const fs::path path = folder / "postprocessing" / "offsets" / name;
        if (!fs::exists(path)) { continue; }
        const io::Hdf5Group file = io::Hdf5File::open(path.string());
        check_chunks(file, chunks);
        const std::string dataset = "Subhalo/SnapByType";
        const Counts stated = read_counts(file, dataset, id, 1).front();
        for (std::size_t t = 0; sums && t < n_type; ++t) {
            if (stated[t] == (*sums)[t]) { continue; }
            throw offsets_disagree(file.dataset(dataset).where(),
                                   fmt::format("first row of PartType{} of subhalo {}", types[t], id), stated[t],
                                   (*sums)[t]);
        }
        return stated;
    }
    return std::nullopt;
}

Counts begin_of(const fs::path& base, std::int64_t snapshot, std::int64_t id,
                const std::vector<CatalogueFile>& catalogue, const ChunkContents& chunks) {
    const auto sums = begin_by_sums(catalogue, id);
    if (const auto stated = begin_by_offsets(base, snapshot, id, chunks, sums)) { return *stated; }
    if (sums) { return *sums; }
    throw Error({.kind = Kind::data,
                 .where = catalogue.front().path,
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

} // namespace

CatalogueSubhalo find_subhalo(const fs::path& base, std::int64_t snapshot, std::int64_t id,
                              const ChunkContents& chunks) {
    const auto catalogue = open_catalogue(base, snapshot);
    const std::int64_t n_subhalo = catalogue.back().first_subhalo + catalogue.back().n_subhalo;
    if (id >= n_subhalo) {
        throw Error({.kind = Kind::config,
                     .where = "simulation.subhalo",
                     .found = std::to_string(id),
                     .expected = fmt::format("below {}, the number of subhalos in the catalogue of snapshot {}",
                                             n_subhalo, snapshot),
                     .cure = "subhalos are numbered from 0"});
    }
    std::size_t c = 0;
    while (id >= catalogue[c].first_subhalo + catalogue[c].n_subhalo) { ++c; }
    const io::Hdf5Group file = io::Hdf5File::open(catalogue[c].path);
    const std::int64_t row = id - catalogue[c].first_subhalo;
    const Counts length = read_counts(file, "Subhalo/SubhaloLenType", row, 1).front();
    if (length[1] == 0) {
        throw Error({.kind = Kind::data,
                     .where = fmt::format("{}:/Subhalo/SubhaloLenType", catalogue[c].path),
                     .found = fmt::format("subhalo {} has no star at all", id),
                     .expected = "at least one star particle",
                     .cure = "choose a subhalo with SubhaloLenType[4] > 0"});
    }
    const Counts begin = begin_of(base, snapshot, id, catalogue, chunks);
    CatalogueSubhalo subhalo;
    subhalo.gas = {begin[0], begin[0] + length[0]};
    subhalo.stars = {begin[1], begin[1] + length[1]};
    check_range(subhalo.gas, chunks, 0, id);
    check_range(subhalo.stars, chunks, 4, id);
    const auto vector3 = [&](const char* name) -> std::optional<std::array<double, 3>> {
        const auto values = row_of(file, name, row);
        if (!values || values->size() != 3) { return std::nullopt; }
        return std::array{(*values)[0], (*values)[1], (*values)[2]};
    };
    subhalo.position = vector3("Subhalo/SubhaloPos");
    subhalo.velocity = vector3("Subhalo/SubhaloVel");
    if (const auto radii = row_of(file, "Subhalo/SubhaloHalfmassRadType", row); radii && radii->size() > 4) {
        subhalo.half_mass_radius = (*radii)[4];
    }
    return subhalo;
}

} // namespace tessera::particles
