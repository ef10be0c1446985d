#include "tessera/particles/subhaloes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "particles/dialects.hpp"
#include "particles/group_catalogue.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/hash.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera {
namespace {

using namespace particles;

/// "Subhalo/SubhaloMassType[4]" taken apart.
struct Field {
    std::string dataset;
    std::int64_t component = 0;
};

Field field_of(const std::string& text) {
    const std::size_t bracket = text.find('[');
    if (bracket == std::string::npos) { return {text, 0}; }
    return {text.substr(0, bracket), std::stoll(text.substr(bracket + 1))};
}

Quantity quantity_of(const std::string& unit) {
    if (unit == "Msun") { return Quantity::mass; }
    if (unit == "kpc") { return Quantity::length; }
    return Quantity::none; // the catalogue's velocities and star formation rates are physical as they stand
}

const SubhaloColumn& column_of(const std::string& name) {
    const auto& all = subhalo_columns();
    const auto it = std::find_if(all.begin(), all.end(), [&](const SubhaloColumn& c) { return c.name == name; });
    if (it == all.end()) { throw Error({.where = "subhalo_columns", .found = fmt::format("no column '{}'", name)}); }
    return *it;
}

std::string members(const io::Hdf5Group& file, const std::string& group) {
    return file.has_group(group) ? fmt::format("{}", fmt::join(file.group(group).names(), ", ")) : "no group " + group;
}

/// The chunks of a catalogue, and how to read a column of all of them.
class Reader {
public:
    explicit Reader(const SnapshotOptions& asked) : options_(asked) {
        if (!options_.snapshot) { options_.snapshot = only_snapshot(options_.path); }
        const InputFiles input = find_input(options_);
        if (!input.base || !options_.snapshot) {
            throw Error({.kind = Kind::config,
                         .where = "simulation.path",
                         .found = fmt::format("{} without a group catalogue", options_.path),
                         .expected = "the folder that holds snapdir_NNN and groups_NNN, and simulation.snapshot",
                         .cure = "`tessera cube` makes the cube of a single file"});
        }
        files_ = open_catalogue(*input.base, *options_.snapshot);
        for (const CatalogueFile& chunk : files_) {
            n_subhalo_ += chunk.n_subhalo;
            n_group_ += chunk.n_group;
        }
        const io::Hdf5Group first = io::Hdf5File::open(files_.front().path);
        const Header header = read_header(first, {"Time"});
        units_ = tng_units(first, header);
        redshift_ = header.redshift;
    }

    std::int64_t n_subhalo() const { return n_subhalo_; }
    std::int64_t snapshot() const { return *options_.snapshot; }
    double redshift() const { return redshift_; }
    const std::string& source() const { return files_.front().path; }

    /// Whether the first chunk that has such objects has the dataset.
    bool has(const std::string& dataset) const {
        for (const CatalogueFile& chunk : files_) {
            if ((dataset.starts_with("Group/") ? chunk.n_group : chunk.n_subhalo) == 0) { continue; }
            return io::Hdf5File::open(chunk.path).has_dataset(dataset);
        }
        return false;
    }

    std::vector<double> read(const SubhaloColumn& column) {
        if (column.name == "id") {
            std::vector<double> ids(static_cast<std::size_t>(n_subhalo_));
            for (std::size_t i = 0; i < ids.size(); ++i) { ids[i] = static_cast<double>(i); }
            return ids;
        }
        if (!column.dataset.starts_with("Group/")) { return read_rows(column, n_subhalo_); }
        const std::vector<double> of_group = read_rows(column, n_group_);
        const std::vector<double> host = read_rows(column_of("group"), n_subhalo_);
        std::vector<double> out(host.size());
        for (std::size_t i = 0; i < host.size(); ++i) {
            if (!(host[i] >= 0) || host[i] >= static_cast<double>(n_group_)) {
                throw Error({.kind = Kind::data,
                             .where = source(),
                             .found = fmt::format("subhalo {} in group {}", i, host[i]),
                             .expected = fmt::format("a group from 0 to {}", n_group_ - 1),
                             .cure = "the catalogue looks incomplete: fetch all its chunks"});
            }
            out[i] = of_group[static_cast<std::size_t>(host[i])];
            if (column.name == "central") { out[i] = out[i] == static_cast<double>(i) ? 1 : 0; }
        }
        return out;
    }

private:
    std::vector<double> read_rows(const SubhaloColumn& column, std::int64_t n_row) {
        const Field field = field_of(column.dataset);
        const bool of_groups = field.dataset.starts_with("Group/");
        std::vector<double> out;
        out.reserve(static_cast<std::size_t>(n_row));
        for (const CatalogueFile& chunk : files_) {
            const std::int64_t n = of_groups ? chunk.n_group : chunk.n_subhalo;
            if (n == 0) { continue; }
            const io::Hdf5Group file = io::Hdf5File::open(chunk.path);
            if (!file.has_dataset(field.dataset)) {
                const std::string group = of_groups ? "Group" : "Subhalo";
                throw Error({.kind = Kind::data,
                             .where = chunk.path,
                             .found = fmt::format("no dataset {} for the column '{}'", field.dataset, column.name),
                             .expected = "it beside " + members(file, group),
                             .cure = "leave the column out of catalog.select, or fetch the field of the catalogue"});
            }
            const io::Hdf5Dataset dataset = file.dataset(field.dataset);
            const std::int64_t width = dataset.row_length();
            if (dataset.n_row() != n || field.component >= width) {
                throw Error({.kind = Kind::data,
                             .where = dataset.where(),
                             .found = fmt::format("{} rows of {}", dataset.n_row(), width),
                             .expected = fmt::format("{} rows of at least {}", n, field.component + 1),
                             .cure = "the chunk looks damaged or is of another layout: fetch it again"});
            }
            const double factor = factor_to_physical(dataset, quantity_of(column.unit), units_);
            const auto values = dataset.read_all<double>();
            for (std::int64_t i = 0; i < n; ++i) {
                out.push_back(values[static_cast<std::size_t>(i * width + field.component)] * factor);
            }
        }
        return out;
    }

    SnapshotOptions options_;
    std::vector<CatalogueFile> files_;
    std::int64_t n_subhalo_ = 0, n_group_ = 0;
    UnitContext units_;
    double redshift_ = 0;
};

} // namespace

const std::vector<double>& SubhaloTable::column(const std::string& name) const {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) { throw Error({.where = "SubhaloTable", .found = fmt::format("no column '{}'", name)}); }
    return values[static_cast<std::size_t>(it - names.begin())];
}

std::vector<std::string> available_subhalo_columns(const SnapshotOptions& options) {
    const Reader reader(options);
    std::vector<std::string> names;
    for (const SubhaloColumn& column : subhalo_columns()) {
        const bool needs_group = column.dataset.starts_with("Group/");
        if (column.dataset.empty() ||
            (reader.has(field_of(column.dataset).dataset) && (!needs_group || reader.has("Subhalo/SubhaloGrNr")))) {
            names.push_back(column.name);
        }
    }
    return names;
}

SubhaloTable read_subhaloes(const SnapshotOptions& options, const std::vector<std::string>& names,
                            std::optional<std::span<const std::int64_t>> rows) {
    Reader reader(options);
    SubhaloTable table;
    table.n_row = reader.n_subhalo();
    table.names = names;
    table.snapshot = reader.snapshot();
    table.redshift = reader.redshift();
    table.source = reader.source();
    for (const std::string& name : names) {
        std::vector<double> all = reader.read(column_of(name));
        if (!rows) {
            table.values.push_back(std::move(all));
            continue;
        }
        std::vector<double>& kept = table.values.emplace_back();
        for (const std::int64_t row : *rows) { kept.push_back(all.at(static_cast<std::size_t>(row))); }
    }
    WordHash hash;
    for (const char* counts : {"n_gas", "n_stars"}) {
        const auto values = reader.read(column_of(counts));
        hash.add_bytes(values.data(), values.size() * sizeof values[0]);
    }
    table.checksum = hash.hash();
    return table;
}

} // namespace tessera
