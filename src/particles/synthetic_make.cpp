// Options, names and the order of work of `tessera snapshot make`.
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "particles/synthetic_layouts.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;

template <class Number>
void check(bool holds, const char* option, Number found, const char* expected, const char* cure) {
    if (holds) { return; }
    throw Error({.kind = Kind::config,
                 .where = fmt::format("synthetic snapshot, {}", option),
                 .found = fmt::format("{}", found),
                 .expected = expected,
                 .cure = cure});
}

void check_numbers(const SyntheticOptions& o) {
    check(o.n_star >= 1, "number of stars", o.n_star, ">= 1", "ask for at least one star");
    check(o.n_gas.value_or(0) >= 0, "number of gas cells", o.n_gas.value_or(0), ">= 0", "0 leaves the gas away");
    check(o.seed >= 0, "seed", o.seed, ">= 0", "any whole number from 0 will do");
    check(o.snapshot >= 0 && o.snapshot <= 999, "snapshot number", o.snapshot, "0 to 999", "TNG's last is 99");
    check(std::isfinite(o.redshift) && o.redshift >= 0 && o.redshift <= 20, "redshift", o.redshift, "0 to 20",
          "there are hardly any stars before redshift 20");
    const bool tng = o.layout == SyntheticLayout::tng;
    check(tng || !o.n_subhalo, "number of subhaloes", o.n_subhalo.value_or(0), "none in the plain layout",
          "it holds one galaxy: leave the option away, or take the layout tng");
    check(tng || !o.n_chunk, "number of chunk files", o.n_chunk.value_or(0), "none in the plain layout",
          "it is one file: leave the option away, or take the layout tng");
    check(tng || !o.largest_fraction, "share of the largest subhalo", o.largest_fraction.value_or(0),
          "none in the plain layout", "it holds one galaxy: leave the option away, or take the layout tng");
    check(o.n_subhalo.value_or(1) >= 1, "number of subhaloes", o.n_subhalo.value_or(1), ">= 1", "ask for at least one");
    check(o.n_subhalo.value_or(1) <= o.n_star, "number of subhaloes", o.n_subhalo.value_or(1),
          "no more than there are stars", "ask for more stars or fewer subhaloes");
    const double largest = o.largest_fraction.value_or(0.5);
    check(largest > 0 && largest < 1, "share of the largest subhalo", largest, "above 0, below 1",
          "0.9 makes a giant among dwarfs");
    check(o.n_chunk.value_or(1) >= 1 && o.n_chunk.value_or(1) <= 100000, "number of chunk files", o.n_chunk.value_or(1),
          "1 to 100000", "a few are enough to test reading across files");
}

void check_galaxy(const SyntheticOptions& o) {
    const auto positive = [](double x) { return std::isfinite(x) && x > 0; };
    check(positive(o.box_size), "box size [ckpc/h]", o.box_size, "> 0", "TNG50's is 35000");
    check(positive(o.stellar_mass.value_or(1)), "stellar mass [Msun]", o.stellar_mass.value_or(1), "> 0",
          "the Milky Way's is about 5e10");
    check(positive(o.scale_length.value_or(1)), "scale length [kpc]", o.scale_length.value_or(1), "> 0",
          "a large spiral's is about 3.5");
    check(positive(o.v_max.value_or(1)), "rotation velocity [km/s]", o.v_max.value_or(1), "> 0",
          "a large spiral's is about 220");
    check(o.disc_fraction >= 0 && o.disc_fraction <= 1, "disc fraction", o.disc_fraction, "0 to 1",
          "it is a share of the stars; the rest is the bulge");
    check(positive(o.gas_fraction), "gas fraction", o.gas_fraction, "> 0", "for no gas ask for 0 cells");
    check(o.inclination.value_or(0) >= 0 && o.inclination.value_or(0) <= 180, "inclination [degree]",
          o.inclination.value_or(0), "0 to 180", "0 is face-on, 90 edge-on");
    check(std::isfinite(o.position_angle), "position angle [degree]", o.position_angle, "a finite number",
          "0 is along x");
}

/// The output path without a trailing slash, refused when making the snapshot would destroy something else.
fs::path checked_path(const SyntheticOptions& options) {
    const auto refuse = [&](const std::string& found, const char* expected) {
        throw Error({.kind = Kind::config,
                     .where = options.path.empty() ? "synthetic snapshot, output path" : options.path,
                     .found = found,
                     .expected = expected,
                     .cure = "choose another output path"});
    };
    if (options.path.empty()) { refuse("no path", "where to write the snapshot"); }
    fs::path path = fs::absolute(options.path).lexically_normal();
    if (!path.has_filename()) { path = path.parent_path(); }
    if (options.layout == SyntheticLayout::plain) {
        if (fs::is_directory(path)) { refuse("a folder", "the name of a file: the plain layout is one HDF5 file"); }
        return path;
    }
    if (!fs::exists(path)) { return path; }
    if (!fs::is_directory(path)) { refuse("a file", "the name of a folder: the TNG layout is many files"); }
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind("snapdir_", 0) != 0 && name.rfind("groups_", 0) != 0 && name != "postprocessing") {
            refuse(fmt::format("a folder that holds '{}'", name),
                   "a new folder, or one that holds a synthetic snapshot alone");
        }
    }
    return path;
}

/// On the first rank alone; the outcome is every rank's.
template <class Work>
void on_root(Communicator& comm, const fs::path& where, Work&& work) {
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        try {
            work();
        } catch (const fs::filesystem_error& error) {
            throw Error({.kind = Kind::resource,
                         .where = where.string(),
                         .found = error.code().message(),
                         .expected = "a path that can be written",
                         .cure = "check the rights of the folder and the free space of the disk"});
        }
    });
}

} // namespace

std::array<double, 3> disc_normal(const SyntheticOptions& options, std::int64_t i_galaxy) {
    const auto rotation = options.inclination
                              ? synthetic::inclined(*options.inclination, options.position_angle)
                              : synthetic::random_rotation(static_cast<std::uint64_t>(options.seed), i_galaxy);
    return synthetic::rotate(rotation, {0, 0, 1});
}

void make_snapshot(const SyntheticOptions& options, Communicator& comm) {
    Region region("make_snapshot");
    check_numbers(options);
    check_galaxy(options);
    std::string text;
    on_root(comm, options.path, [&] { text = checked_path(options).string(); });
    comm.broadcast(text, 0);
    const fs::path path = text;
    const synthetic::Population population(options);
    const device::Host host{device::threads_for(0, comm.size())};
    const bool tng = options.layout == SyntheticLayout::tng;
    on_root(comm, path, [&] { fs::create_directories(path.parent_path()); });
    const auto write = [&](const std::string& aside) {
        if (tng) {
            on_root(comm, path, [&] { fs::create_directories(aside); });
            synthetic::write_tng(options, population, host, aside, comm);
        } else {
            synthetic::write_plain(options, population, host, aside, comm);
        }
    };
    io::write_aside(text, comm, write, tng ? io::Aside::folder : io::Aside::file);
}

} // namespace tessera
