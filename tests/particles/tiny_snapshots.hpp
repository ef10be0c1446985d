#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tessera/io/hdf5.hpp"
#include "tessera/particles/snapshot.hpp"
#include "tests/support/test_support.hpp"

/// Snapshots of a few stars, written by the tests, and what reading them must give.
namespace tessera::test {

/// Runs on rank 0; the others wait, so that the files are complete.
inline void on_root(const std::function<void()>& work) {
    agree(world(), [&] {
        if (world().is_root()) { work(); }
    });
}

inline void put(io::Hdf5Group& group, const std::string& path, const std::vector<double>& values,
                std::int64_t columns = 1, io::NumberType type = io::NumberType::float64) {
    const auto n = static_cast<std::int64_t>(values.size()) / columns;
    std::vector<std::int64_t> shape{n};
    if (columns > 1) { shape.push_back(columns); }
    group.create_dataset(path, type, shape).write_all<double>(values);
}

/// A scalar dataset of n = 1, as python tools leave them.
inline void put_number(io::Hdf5Group& group, const std::string& path, double value) { put(group, path, {value}); }

/// Every rank's stars one after the other: what must not depend on the number of ranks.
inline Stars gather(const Stars& mine) {
    Stars all;
    const auto join = [](const auto& from, auto& to) {
        to = world().all_gather(std::span<const typename std::decay_t<decltype(from)>::value_type>(from));
    };
    join(mine.x, all.x);
    join(mine.y, all.y);
    join(mine.z, all.z);
    join(mine.vx, all.vx);
    join(mine.vy, all.vy);
    join(mine.vz, all.vz);
    join(mine.initial_mass, all.initial_mass);
    join(mine.mass, all.mass);
    join(mine.metallicity, all.metallicity);
    join(mine.age, all.age);
    join(mine.row, all.row);
    return all;
}

/// Opens and reads everything relative to the provisional origin unless told otherwise.
struct ReadAll {
    SnapshotInfo info;
    ReadReport report;
    Stars stars; ///< of all ranks
};
inline ReadAll read_all(const SnapshotOptions& options, std::optional<std::array<double, 3>> origin = {}) {
    const auto snapshot = open_snapshot(options, world());
    ReadAll result{.info = snapshot->info(), .report = {}, .stars = {}};
    result.stars = gather(snapshot->read_stars(origin.value_or(snapshot->provisional_origin()), true, result.report));
    return result;
}

inline SnapshotOptions input(const std::filesystem::path& path, SnapshotFormat format = SnapshotFormat::automatic) {
    SnapshotOptions options;
    options.path = path.string();
    options.format = format;
    return options;
}

/// The error must come on every rank, of this kind, and name all of `words`.
inline void expect_error(const std::optional<Error>& error, Kind kind, const std::vector<std::string>& words) {
    ASSERT_TRUE(error.has_value()) << "no error on rank " << world().rank();
    EXPECT_EQ(error->kind(), kind) << error->what();
    for (const std::string& word : words) {
        EXPECT_NE(std::string(error->what()).find(word), std::string::npos)
            << "'" << word << "' is not in: " << error->what();
    }
}

/// Age of a flat universe of matter and Lambda, Gyr: closed form (e.g. Peebles 1993, eq. 13.20).
inline double closed_form_age(double a, double h, double omega_m) {
    const double omega_l = 1 - omega_m;
    return 977.7922216807891 / (100 * h) * 2 / (3 * std::sqrt(omega_l)) *
           std::asinh(std::sqrt(omega_l / omega_m) * std::pow(a, 1.5));
}

/// A TNG-like run of 14 stars in three chunks, the second without stars, with gas in the first and third:
///   group 0: subhalo 0 rows 0-2, subhalo 1 rows 3-6 (over the edge between chunks, 5), unbound 7-8
///   group 1: no subhalo, row 9;  group 2: subhalo 2 rows 10-11, subhalo 3 without stars;  rows 12-13 in no group
/// Rows 4 and 11 are wind. The box is 1000 ckpc/h; subhalo 1 lies over the edge x = 0.
struct TinyTng {
    static constexpr double a = 0.5, h = 0.7, omega_m = 0.3, box = 1000;
    static constexpr std::int64_t n_star = 14, snapshot = 8;
    std::vector<std::int64_t> star_rows{5, 0, 9}, gas_rows{2, 0, 3};
    bool attributes = true, offsets = true, high_word = true, single_precision = true;
    std::string file_stem = "snap_", dropped_field;
    std::int64_t n_lost = 0; ///< rows that the data of stars, or lost_field alone, lack at the end of a chunk
    std::string lost_field = {};

    static bool is_wind(std::int64_t i) { return i == 4 || i == 11; }
    static double x(std::int64_t i) {
        return std::fmod(996.0 + 1.25 * static_cast<double>(i - 3) + box, box);
    } // ckpc/h
    static double y(std::int64_t i) { return 500 + 0.5 * static_cast<double>(i); }
    static double z(std::int64_t i) { return 250 - 0.25 * static_cast<double>(i); }
    static double v(std::int64_t i, int k) { return 100.0 * k + static_cast<double>(i); }    // km sqrt(a)/s
    static double initial_mass(std::int64_t i) { return 1e-4 * static_cast<double>(i + 1); } // 1e10 Msun/h
    static double mass(std::int64_t i) { return 0.75 * initial_mass(i); }
    static double metallicity(std::int64_t i) { return 0.001 * static_cast<double>(i + 1); }
    static double birth(std::int64_t i) { return is_wind(i) ? -0.1 : 0.1 + 0.025 * static_cast<double>(i); }
    static double age(std::int64_t i) { return closed_form_age(a, h, omega_m) - closed_form_age(birth(i), h, omega_m); }

    /// The folder of the run, below which postprocessing/ lies too.
    std::filesystem::path base(const std::filesystem::path& folder) const { return folder / "output"; }
    void write(const std::filesystem::path& folder) const;
    /// One chunk at `path` of `n` stars from row `first` and `n_gas` gas cells.
    void write_chunk(const std::filesystem::path& path, std::int64_t first, std::int64_t n, std::int64_t n_gas) const;
    void write_catalogue(const std::filesystem::path& folder) const;
    void write_offsets(const std::filesystem::path& folder) const;
};

inline void units(io::Hdf5Group& group, const std::string& dataset, double a_scaling, double h_scaling, double to_cgs) {
    auto set = group.dataset(dataset);
    set.set("a_scaling", a_scaling);
    set.set("h_scaling", h_scaling);
    set.set("to_cgs", to_cgs);
}

inline void TinyTng::write_chunk(const std::filesystem::path& path, std::int64_t first, std::int64_t n,
                                 std::int64_t n_gas) const {
    auto file = io::Hdf5File::create(path.string());
    auto header = file.create_group("Header");
    const std::vector<std::int64_t> here{n_gas, 0, 0, 0, n, 0}, all{5, 0, 0, 0, n_star, 0}, high{0, 0, 0, 0, 0, 0};
    header.set("NumPart_ThisFile", std::span(here));
    header.set("NumPart_Total", std::span(all));
    if (high_word) { header.set("NumPart_Total_HighWord", std::span(high)); }
    header.set("NumFilesPerSnapshot", static_cast<std::int64_t>(star_rows.size()));
    header.set("Time", a);
    header.set("Redshift", 1 / a - 1);
    header.set("HubbleParam", h);
    header.set("Omega0", omega_m);
    header.set("OmegaLambda", 1 - omega_m);
    header.set("BoxSize", box);
    const auto type = single_precision ? io::NumberType::float32 : io::NumberType::float64;
    const auto column = [&](io::Hdf5Group& group, const std::string& name, int columns, io::NumberType stored,
                            double a_s, double h_s, double cgs, const std::function<double(std::int64_t, int)>& value) {
        if (name == dropped_field) { return; }
        const bool gas = group.where().find("PartType0") != std::string::npos;
        const std::int64_t lost = !gas && (lost_field.empty() || name == lost_field) ? n_lost : 0;
        const std::int64_t rows = (gas ? n_gas : n) - lost;
        std::vector<double> values;
        for (std::int64_t i = 0; i < rows; ++i) {
            for (int k = 0; k < columns; ++k) { values.push_back(value(first + i, k)); }
        }
        put(group, name, values, columns, stored);
        if (attributes) { units(group, name, a_s, h_s, cgs); }
    };
    constexpr double kpc = 3.0856775814913673e21, mass10 = 1.988409870698051e43;
    const auto position = [](std::int64_t i, int k) { return k == 0 ? x(i) : k == 1 ? y(i) : z(i); };
    if (n > 0) {
        auto stars = file.create_group("PartType4");
        column(stars, "Coordinates", 3, io::NumberType::float64, 1, -1, kpc, position);
        column(stars, "Velocities", 3, type, 0.5, 0, 1e5, v);
        column(stars, "GFM_InitialMass", 1, type, 0, -1, mass10, [](std::int64_t i, int) { return initial_mass(i); });
        column(stars, "Masses", 1, type, 0, -1, mass10, [](std::int64_t i, int) { return mass(i); });
        column(stars, "GFM_Metallicity", 1, type, 0, 0, 0, [](std::int64_t i, int) { return metallicity(i); });
        column(stars, "GFM_StellarFormationTime", 1, type, 0, 0, 0, [](std::int64_t i, int) { return birth(i); });
    }
    if (n_gas > 0) {
        auto gas = file.create_group("PartType0");
        column(gas, "Coordinates", 3, io::NumberType::float64, 1, -1, kpc, position);
        column(gas, "Velocities", 3, type, 0.5, 0, 1e5, v);
        column(gas, "Masses", 1, type, 0, -1, mass10, [](std::int64_t i, int) { return mass(i); });
        column(gas, "InternalEnergy", 1, type, 0, 0, 1e10, [](std::int64_t, int) { return 150.0; });
        column(gas, "ElectronAbundance", 1, type, 0, 0, 0, [](std::int64_t, int) { return 1.0; });
    }
}

inline void TinyTng::write_catalogue(const std::filesystem::path& folder) const {
    const auto groups = base(folder) / "groups_008";
    std::filesystem::create_directories(groups);
    const auto six = [](std::initializer_list<double> stars, std::initializer_list<double> gas) {
        std::vector<double> flat;
        for (std::size_t i = 0; i < stars.size(); ++i) {
            flat.insert(flat.end(), {gas.begin()[i], 0, 0, 0, stars.begin()[i], 0});
        }
        return flat;
    };
    using io::NumberType;
    const auto subhalos = [&](io::Hdf5Group& file, std::int64_t first, const std::vector<double>& lengths) {
        put(file, "Subhalo/SubhaloLenType", lengths, 6, NumberType::int32);
        std::vector<double> position, velocity, radius;
        for (std::size_t i = 0; i < lengths.size() / 6; ++i) {
            const double s = static_cast<double>(first) + static_cast<double>(i);
            position.insert(position.end(), {s == 1 ? 999.0 : 100 * s, 502, 249});
            velocity.insert(velocity.end(), {10 * s, 20, 30});
            radius.insert(radius.end(), {0, 0, 0, 0, 2 + s, 0});
        }
        put(file, "Subhalo/SubhaloPos", position, 3, NumberType::float32);
        put(file, "Subhalo/SubhaloVel", velocity, 3, NumberType::float32);
        put(file, "Subhalo/SubhaloHalfmassRadType", radius, 6, NumberType::float32);
    };
    // Chunk 0: groups 0 and 1, subhalos 0 and 1; chunk 1: empty groups; chunk 2: group 2, subhalos 2 and 3.
    auto first = io::Hdf5File::create((groups / "fof_subhalo_tab_008.0.hdf5").string());
    put(first, "Group/GroupLenType", six({9, 1}, {3, 0}), 6, NumberType::int32);
    put(first, "Group/GroupFirstSub", {0, -1}, 1, NumberType::int32);
    put(first, "Group/GroupNsubs", {2, 0}, 1, NumberType::int32);
    subhalos(first, 0, six({3, 4}, {1, 2}));
    auto second = io::Hdf5File::create((groups / "fof_subhalo_tab_008.1.hdf5").string());
    second.create_group("Group");
    second.create_group("Subhalo");
    auto third = io::Hdf5File::create((groups / "fof_subhalo_tab_008.2.hdf5").string());
    put(third, "Group/GroupLenType", six({2}, {1}), 6, NumberType::int32);
    put(third, "Group/GroupFirstSub", {2}, 1, NumberType::int32);
    put(third, "Group/GroupNsubs", {2}, 1, NumberType::int32);
    subhalos(third, 2, six({2, 0}, {1, 0}));
}

inline void TinyTng::write_offsets(const std::filesystem::path& folder) const {
    const auto path = folder / "postprocessing" / "offsets";
    std::filesystem::create_directories(path);
    auto file = io::Hdf5File::create((path / "offsets_008.hdf5").string());
    const auto rows = [](std::vector<double> gas, std::vector<double> stars) {
        std::vector<double> flat;
        for (std::size_t i = 0; i < gas.size(); ++i) { flat.insert(flat.end(), {gas[i], 0, 0, 0, stars[i], 0}); }
        return flat;
    };
    std::vector<double> gas_first, star_first;
    double gas = 0, stars = 0;
    for (std::size_t c = 0; c < star_rows.size(); ++c) {
        gas_first.push_back(gas);
        star_first.push_back(stars);
        gas += static_cast<double>(gas_rows[c]);
        stars += static_cast<double>(star_rows[c]);
    }
    put(file, "FileOffsets/SnapByType", rows(gas_first, star_first), 6, io::NumberType::int64);
    put(file, "Subhalo/SnapByType", rows({0, 1, 3, 4}, {0, 3, 10, 12}), 6, io::NumberType::int64);
}

inline void TinyTng::write(const std::filesystem::path& folder) const {
    const auto chunks = base(folder) / "snapdir_008";
    std::filesystem::create_directories(chunks);
    std::int64_t first = 0;
    for (std::size_t c = 0; c < star_rows.size(); ++c) {
        write_chunk(chunks / fmt::format("{}008.{}.hdf5", file_stem, c), first, star_rows[c], gas_rows[c]);
        first += star_rows[c];
    }
    write_catalogue(folder);
    if (offsets) { write_offsets(folder); }
}

} // namespace tessera::test
