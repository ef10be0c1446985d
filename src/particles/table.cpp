#include "particles/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

/// Lies of the headers, told once an input.
struct HeaderLies {
    std::string first;
    int count = 0;
    void add(std::string text) {
        if (count++ == 0) { first = std::move(text); }
    }
    void report() const {
        if (count == 0) { return; }
        const std::string more = count > 1 ? fmt::format(" ({} such counts)", count) : "";
        log::warning(fmt::format("{}{}; the datasets are believed", first, more));
    }
};

/// Type number of "PartType4"; -1 for other groups.
int type_number(const std::string& group) {
    return group.rfind("PartType", 0) == 0 ? std::atoi(group.c_str() + 8) : -1;
}

std::optional<double> count_in(const io::Hdf5Group& header, const char* attribute, int type) {
    if (type < 0 || !header.has_attribute(attribute)) { return std::nullopt; }
    const auto numbers = header.numbers(attribute); // as real numbers: some tools write NumPart_Total so
    if (static_cast<std::size_t>(type) >= numbers.size()) { return std::nullopt; }
    return numbers[static_cast<std::size_t>(type)];
}

/// NumPart_Total, with the upper 32 bits where the file keeps them apart.
std::optional<double> total_in(const io::Hdf5Group& header, int type) {
    const auto low = count_in(header, "NumPart_Total", type);
    if (!low) { return std::nullopt; }
    return *low + count_in(header, "NumPart_Total_HighWord", type).value_or(0) * 4294967296.0;
}

std::int64_t rows_of(const io::Hdf5Group& file, const std::string& group, const std::string& coordinates) {
    if (!file.has_group(group)) { return 0; }
    const io::Hdf5Group particles = file.group(group);
    if (particles.has_dataset(coordinates)) { return particles.dataset(coordinates).n_row(); }
    // Without positions any dataset tells that there are particles: what is missing is then said by name.
    for (const std::string& name : particles.names()) {
        if (particles.has_dataset(name)) { return particles.dataset(name).n_row(); }
    }
    return 0;
}

Error missing_field(const io::Hdf5Group& group, const FieldSpec& field, const std::string& input_kind) {
    return Error({.kind = Kind::data,
                  .where = group.where(),
                  .found = fmt::format("no dataset for the {} in this {}; there: {}", field.meaning, input_kind,
                                       fmt::join(group.names(), ", ")),
                  .expected = fmt::format("{}", fmt::join(field.names, " or ")),
                  .cure = "take a snapshot or cut-out that holds this field, or name the right simulation.format"});
}

bool holds_numbers(const io::Hdf5Dataset& dataset) {
    const io::ElementClass of = dataset.element_class();
    return of == io::ElementClass::integer || of == io::ElementClass::real;
}

void check_shape(const io::Hdf5Dataset& dataset, const FieldSpec& field, std::int64_t n_row,
                 const std::string& coordinates) {
    if (!holds_numbers(dataset)) {
        throw Error(
            {.kind = Kind::data,
             .where = dataset.where(),
             .found = dataset.element_class() == io::ElementClass::text ? "text" : "values that are not numbers",
             .expected = fmt::format("numbers, the {}", field.meaning),
             .cure = "write the dataset as floating-point numbers"});
    }
    const std::string shape = fmt::format("shape [{}]", fmt::join(dataset.shape(), ", "));
    const std::size_t rank = field.columns == 1 ? 1 : 2;
    const bool column_of_one = rank == 1 && dataset.shape().size() == 2 && dataset.shape()[1] == 1;
    const bool as_expected = dataset.shape().size() == rank && dataset.row_length() == field.columns;
    if (!as_expected && !column_of_one) {
        throw Error({.kind = Kind::data,
                     .where = dataset.where(),
                     .found = shape,
                     .expected = rank == 1 ? "[rows], one number a row" : fmt::format("[rows, {}]", field.columns),
                     .cure = "the dataset does not hold what its name says"});
    }
    if (dataset.n_row() != n_row) {
        throw Error({.kind = Kind::data,
                     .where = dataset.where(),
                     .found = fmt::format("{} rows", dataset.n_row()),
                     .expected = fmt::format("{}, the rows of {}", n_row, coordinates),
                     .cure = "the file looks truncated or badly merged: fetch it again"});
    }
}

/// Resolves names and factors in the first chunk of the selection, then checks the others against them.
std::vector<FieldPlan> resolve(const io::Hdf5Group& group, const std::vector<FieldSpec>& specs,
                               const UnitContext& units, const std::string& input_kind) {
    std::vector<FieldPlan> fields(specs.size());
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const auto& names = specs[i].names;
        const auto found =
            std::find_if(names.begin(), names.end(), [&](const std::string& name) { return group.has_dataset(name); });
        if (found == names.end()) {
            if (specs[i].required) { throw missing_field(group, specs[i], input_kind); }
            continue;
        }
        fields[i] = {*found, specs[i].columns, factor_to_physical(group.dataset(*found), specs[i].quantity, units)};
    }
    return fields;
}

} // namespace

ChunkContents count_rows(const InputFiles& input, const std::vector<std::string>& groups,
                         const std::string& coordinates, bool header_counts, bool spare) {
    const std::vector<std::string>& files = input.chunks;
    ChunkContents contents{.files = files, .stamps = {}, .rows = {}, .open = input.open};
    HeaderLies lies;
    std::map<std::string, double> totals;
    std::optional<Error> failure;
    for (const std::string& path : files) {
        io::Hdf5Group file;
        try {
            file = contents.open->file(path);
        } catch (const Error& error) {
            if (!spare || failure || files.size() == 1) { throw; }
            failure = error;
            contents.unreadable = contents.stamps.size();
            contents.stamps.emplace_back();
            for (const std::string& group : groups) { contents.rows[group].push_back(0); }
            continue;
        }
        contents.stamps.push_back(io::stamp_of(path));
        for (const std::string& group : groups) {
            const std::int64_t n = rows_of(file, group, coordinates);
            contents.rows[group].push_back(n);
            if (!header_counts || !file.has_group("Header")) { continue; }
            const io::Hdf5Group header = file.group("Header");
            const auto said = count_in(header, "NumPart_ThisFile", type_number(group));
            if (said && *said != static_cast<double>(n)) {
                lies.add(fmt::format("{}: NumPart_ThisFile says {} rows of {}, the datasets hold {}", header.where(),
                                     *said, group, n));
            }
            if (const auto total = total_in(header, type_number(group))) { totals[group] = *total; }
        }
    }
    if (failure) {
        if (totals.empty()) { throw *failure; } // nobody knows how many rows are missing
        log::warning(fmt::format("{}; what lies in it cannot be made", failure->what()));
        for (const auto& [group, total] : totals) {
            std::vector<std::int64_t>& rows = contents.rows[group];
            const std::int64_t others = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
            rows[*contents.unreadable] = std::max<std::int64_t>(0, std::llround(total) - others);
        }
    }
    for (const auto& [group, total] : totals) {
        double sum = 0;
        for (const std::int64_t n : contents.rows[group]) { sum += static_cast<double>(n); }
        if (total != sum) {
            lies.add(fmt::format("{}: NumPart_Total says {} rows of {}, the {} files hold {}", files.front(), total,
                                 group, files.size(), sum));
        }
    }
    lies.report();
    return contents;
}

TablePlan plan_table(const ChunkContents& contents, const std::string& group, Range selection,
                     const std::vector<FieldSpec>& fields, const UnitContext& units, const std::string& input_kind,
                     bool lazily) {
    TablePlan table{.group = group,
                    .chunks = {},
                    .fields = std::vector<FieldPlan>(fields.size()),
                    .begin = selection.begin,
                    .end = selection.end};
    std::int64_t first = 0;
    for (std::size_t i = 0; i < contents.files.size(); ++i) {
        const std::int64_t n = contents.rows.at(group)[i];
        const bool readable = contents.unreadable != i;
        table.chunks.push_back(
            {contents.files[i], first, n, readable ? std::optional(contents.stamps[i]) : std::nullopt});
        first += n;
    }
    for (const Chunk& chunk : table.selected_chunks()) {
        if (!chunk.stamp) { continue; }
        const io::Hdf5Group particles = contents.open->file(chunk.path).group(group);
        table.fields = resolve(particles, fields, units, input_kind);
        for (FieldPlan& field : table.fields) {
            if (!field.present()) { continue; }
            const io::Hdf5Dataset dataset = particles.dataset(field.dataset);
            if (!holds_numbers(dataset)) { continue; } // check_chunks() will say so
            const auto type = dataset.number_type();
            const bool narrow = type == io::NumberType::float32 || type == io::NumberType::int32;
            field.row_bytes = field.columns * (narrow ? 4 : 8);
        }
        break;
    }
    if (!lazily) { check_chunks(table, fields, input_kind, *contents.open); }
    return table;
}

void check_chunks(const TablePlan& table, const std::vector<FieldSpec>& fields, const std::string& input_kind,
                  ChunkFiles& open) {
    for (const Chunk& chunk : table.selected_chunks()) {
        open.check_once(chunk.path, table.group, [&] {
            const io::Hdf5Group particles = open.file(chunk.path).group(table.group);
            for (std::size_t i = 0; i < fields.size(); ++i) {
                if (!table.fields[i].present()) { continue; }
                if (!particles.has_dataset(table.fields[i].dataset)) {
                    throw missing_field(particles, fields[i], input_kind);
                }
                check_shape(particles.dataset(table.fields[i].dataset), fields[i], chunk.n_row,
                            table.fields[0].dataset);
            }
        });
    }
}

std::array<double, 3> first_position(const TablePlan& table, ChunkFiles& open) {
    const Chunk chunk = table.selected_chunks().front();
    const FieldPlan& field = table.fields[0];
    const io::Hdf5Dataset positions = open.dataset(chunk.path, "/" + table.group + "/" + field.dataset);
    const auto row = positions.read_rows<double>(std::max(table.begin - chunk.first, std::int64_t{0}), 1);
    return {row[0] * field.factor, row[1] * field.factor, row[2] * field.factor};
}

} // namespace tessera::particles
