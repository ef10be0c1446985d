#include "catalog/table.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera::catalog {

namespace {

using Reals = std::vector<double>;
using Integers = std::vector<std::int64_t>;

/// Fills columns from entries and their records.
class Builder {
public:
    Builder(const CatalogConfig& config, const Selection& selection, const Manifest& manifest)
        : config_(config), selection_(selection), manifest_(manifest) {}

    std::vector<TableColumn> build() {
        integers("id", "subhalo", [](const CatalogEntry& entry, const EntryRecord&) { return entry.id; });
        integers("view", "view of the galaxy, from 0",
                 [](const CatalogEntry& entry, const EntryRecord&) { return entry.view; });
        integers("status", "0 waiting, 1 running, 2 done, 3 failed",
                 [](const CatalogEntry&, const EntryRecord& r) { return static_cast<std::int64_t>(r.state); });
        integers("snapshot", "number of the snapshot",
                 [&](const CatalogEntry&, const EntryRecord&) { return selection_.snapshot; });
        reals("redshift", "", "observed", [](const CatalogEntry& entry, const EntryRecord&) { return entry.redshift; });
        if (!config_.catalog.bundles.empty()) {
            integers("bundle", "its telescope, in catalog.bundles from 0",
                     [](const CatalogEntry& entry, const EntryRecord&) { return entry.bundle; });
        }
        integers("view_seed", "of a random rotation",
                 [&](const CatalogEntry& entry, const EntryRecord&) { return config_.cube.view.seed + entry.view; });
        integers("noise_seed", "of the noise",
                 [&](const CatalogEntry& entry, const EntryRecord&) { return config_.cube.noise.seed + entry.view; });
        integers("n_star_cube", "stars read for the cube, without wind cells",
                 [](const CatalogEntry&, const EntryRecord& r) { return r.facts.n_star; });
        integers("n_wind", "wind cells dropped",
                 [](const CatalogEntry&, const EntryRecord& r) { return r.facts.n_wind_dropped; });
        integers("n_in_field", "stars in the field of view",
                 [](const CatalogEntry&, const EntryRecord& r) { return r.facts.n_in_field; });
        of_cube("error_rms", "error of the synthesis, rms, worst spaxel of the sample, relative to the mean",
                [](const CubeFacts& facts) { return facts.error_rms; });
        of_cube("error_max", "the same, largest", [](const CubeFacts& facts) { return facts.error_max; });
        for (std::size_t i = 0; i < 9; ++i) {
            of_cube(fmt::format("rotation_{}{}", i / 3 + 1, i % 3 + 1), "element of the rotation M, x' = x M",
                    [i](const CubeFacts& facts) { return facts.rotation[i]; });
        }
        add_measures();
        for (std::size_t c = 0; c < selection_.columns.size(); ++c) {
            const SubhaloColumn& column = selection_.columns[c];
            table_.push_back({column.name, column.unit, column.definition, selection_.values[c]});
        }
        return std::move(table_);
    }

private:
    template <class Value>
    void reals(const std::string& name, const std::string& unit, const std::string& description, Value&& value) {
        Reals out;
        for (std::size_t i = 0; i < manifest_.entries.size(); ++i) {
            out.push_back(value(manifest_.entries[i], manifest_.records[i]));
        }
        table_.push_back({name, unit, description, std::move(out)});
    }
    template <class Value>
    void integers(const std::string& name, const std::string& description, Value&& value) {
        Integers out;
        for (std::size_t i = 0; i < manifest_.entries.size(); ++i) {
            out.push_back(value(manifest_.entries[i], manifest_.records[i]));
        }
        table_.push_back({name, "", description, std::move(out)});
    }
    void add_measures() {
        const bool luminosities = config_.cube.output.flux_unit == FluxUnit::luminosity;
        const auto measured = [&](const std::string& name, const std::string& unit, const std::string& description,
                                  double CubeMeasures::* field) {
            reals(name, unit, description, [field](const CatalogEntry&, const EntryRecord& record) {
                return record.state == EntryState::done ? record.measures.*field : std::nan("");
            });
        };
        measured("flux_cube", luminosities ? "Lsun" : "erg/s/cm2", "of the cube, all spaxels and wavelengths",
                 &CubeMeasures::flux);
        measured("r_half_cube", "arcsec", "radius of the circle that holds half of flux_cube",
                 &CubeMeasures::half_light_radius);
        measured("lambda_r", "", "spin within r_half_cube, light-weighted (Emsellem et al. 2007)",
                 &CubeMeasures::lambda_r);
        measured("snr_cube", "", "median signal-to-noise ratio per pixel within r_half_cube",
                 &CubeMeasures::signal_to_noise);
        std::set<std::string> bands;
        for (const EntryRecord& record : manifest_.records) {
            for (const auto& [band, unused] : record.measures.magnitudes) { bands.insert(band); }
        }
        for (const std::string& band : bands) {
            reals("mag_cube_" + band, "mag", "AB magnitude of the cube, " + band,
                  [&](const CatalogEntry&, const EntryRecord& record) {
                      const auto it = record.measures.magnitudes.find(band);
                      return it == record.measures.magnitudes.end() ? std::nan("") : it->second;
                  });
        }
    }
    /// NaN where there is no cube.
    template <class Value>
    void of_cube(const std::string& name, const std::string& description, Value&& value) {
        reals(name, "", description, [&](const CatalogEntry&, const EntryRecord& record) {
            return record.state == EntryState::done ? value(record.facts) : std::nan("");
        });
    }

    const CatalogConfig& config_;
    const Selection& selection_;
    const Manifest& manifest_;
    std::vector<TableColumn> table_;
};

void write_hdf5(const std::string& path, const std::vector<TableColumn>& table, const Manifest& manifest) {
    io::Hdf5Group file = io::Hdf5File::create(path);
    io::Hdf5Group group = file.create_group("Galaxies");
    group.set("file", "cubes/<id>_<view>." + manifest.extension);
    for (const TableColumn& column : table) {
        std::visit(
            [&](const auto& values) {
                using Element = typename std::decay_t<decltype(values)>::value_type;
                const std::array<std::int64_t, 1> shape{std::ssize(values)};
                const auto type = std::is_same_v<Element, double> ? io::NumberType::float64 : io::NumberType::int64;
                io::Hdf5Dataset dataset = group.create_dataset(column.name, type, shape);
                dataset.template write_all<Element>(values);
                dataset.set("unit", column.unit);
                dataset.set("description", column.description);
            },
            column.values);
    }
    io::Hdf5File::close(file);
}

void write_fits(const std::string& path, const std::vector<TableColumn>& table, const Manifest& manifest) {
    std::vector<io::FitsColumn> columns;
    for (const TableColumn& column : table) {
        std::visit([&](const auto& values) { columns.push_back({column.name, column.unit, values}); }, column.values);
    }
    std::vector<std::string> files, messages;
    for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
        const EntryRecord& record = manifest.records[i];
        files.push_back(record.state == EntryState::done ? cube_name(manifest.entries[i], manifest.extension) : "");
        messages.push_back(record.message);
    }
    columns.push_back({"file", "", std::move(files)});
    columns.push_back({"message", "", std::move(messages)});
    io::FitsWriter file(path);
    file.set("ORIGIN", "tessera", "mock integral-field data from simulations");
    file.add_table("GALAXIES", columns);
    for (std::size_t c = 0; c < table.size(); ++c) { file.set(fmt::format("TCOMM{}", c + 1), table[c].description); }
    file.lay_out();
    file.close();
}

} // namespace

std::vector<TableColumn> table_of(const CatalogConfig& config, const Selection& selection, const Manifest& manifest) {
    return Builder(config, selection, manifest).build();
}

std::vector<std::string> write_table(const std::string& folder, const std::vector<TableColumn>& table,
                                     const Manifest& manifest) {
    const auto alone = make_self_communicator();
    const std::string hdf5 = (std::filesystem::path(folder) / "catalogue.hdf5").string();
    const std::string fits = (std::filesystem::path(folder) / "catalogue.fits").string();
    io::write_aside(hdf5, *alone, [&](const std::string& path) { write_hdf5(path, table, manifest); });
    io::write_aside(fits, *alone, [&](const std::string& path) { write_fits(path, table, manifest); });
    return {hdf5, fits};
}

} // namespace tessera::catalog
