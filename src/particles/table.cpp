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

Error other_rows(const io::Hdf5Dataset& dataset, std::int64_t n_row, const std::string& coordinates) {
    const bool by_header = dataset.where().ends_with("/" + coordinates);
    return Error({.kind = Kind::data,
                  .where = dataset.where(),
                  .found = fmt::format("{} rows", dataset.n_row()),
                  .expected = by_header ? fmt::format("{}, as the header says", n_row)
                                        : fmt::format("{}, the rows of {}", n_row, coordinates),
                  .cure = "the file looks truncated or badly merged: fetch it again"});
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
    if (dataset.n_row() > n_row) { throw other_rows(dataset, n_row, coordinates); }
}

/// Rows at the end that are not there are missed by those alone who need them.
void check_rows(const io::Hdf5Dataset& dataset, std::int64_t n_needed, std::int64_t n_row,
                const std::string& coordinates) {
    if (dataset.n_row() < n_needed) { throw other_rows(dataset, n_row, coordinates); }
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
        const io::Hdf5Dataset dataset = group.dataset(*found);
        fields[i] = {*found, specs[i].columns, factor_to_physical(dataset, specs[i].quantity, units)};
        if (!holds_numbers(dataset)) { continue; } // check_chunks() will say so
        const auto type = dataset.number_type();
        const bool narrow = type == io::NumberType::float32 || type == io::NumberType::int32;
        fields[i].row_bytes = specs[i].columns * (narrow ? 4 : 8);
    }
    return fields;
}

} // namespace

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
        const bool truncated = contents.truncated.contains({group, i});
        table.chunks.push_back({.path = contents.files[i],
                                .first = first,
                                .n_row = n,
                                .stamp = truncated ? std::nullopt : contents.stamps[i],
                                .failure = contents.failure(group, i)});
        first += n;
    }
    std::optional<Error> failure;
    bool resolved = false;
    for (const Chunk& chunk : table.selected_chunks()) {
        if (chunk.failure) { continue; }
        try {
            const io::Hdf5Group particles = contents.open->file(chunk.path).group(group);
            table.fields = resolve(particles, fields, units, input_kind);
            resolved = true;
            break;
        } catch (const Error& error) { // of a damaged chunk, where the next resolves
            if (!failure) { failure = error; }
            if (!lazily) { break; }
        }
    }
    if (!resolved && failure) { throw *failure; }
    if (!lazily) { check_chunks(table, fields, input_kind, *contents.open); }
    return table;
}

void check_chunks(const TablePlan& table, const std::vector<FieldSpec>& fields, const std::string& input_kind,
                  ChunkFiles& open) {
    const std::string& coordinates = table.fields[0].dataset;
    for (const Chunk& chunk : table.selected_chunks()) {
        if (chunk.failure) { throw *chunk.failure; }
        const std::int64_t n_needed = std::min(table.end - chunk.first, chunk.n_row);
        open.check_once(chunk.path, table.group, [&] {
            const io::Hdf5Group particles = open.file(chunk.path).group(table.group);
            for (std::size_t i = 0; i < fields.size(); ++i) {
                if (!table.fields[i].present()) { continue; }
                if (!particles.has_dataset(table.fields[i].dataset)) {
                    throw missing_field(particles, fields[i], input_kind);
                }
                check_shape(particles.dataset(table.fields[i].dataset), fields[i], chunk.n_row, coordinates);
            }
        });
        for (const FieldPlan& field : table.fields) {
            if (!field.present()) { continue; }
            check_rows(open.dataset(chunk.path, "/" + table.group + "/" + field.dataset), n_needed, chunk.n_row,
                       coordinates);
        }
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
