#include "catalog/shards.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "catalog/start.hpp"
#include "catalog/theta.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/random.hpp"
#include "tessera/io/file_checksum.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera::catalog {

namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t random_split = 0x73706c69; // stream of random numbers: "spli"

double number_of(const Manifest& manifest, const std::string& key) { return std::stod(manifest.config.at(key)); }

std::string cube_of(const std::string& folder, const Manifest& manifest, std::int64_t entry) {
    return (fs::path(folder) / cube_name(manifest.entries[static_cast<std::size_t>(entry)], manifest.extension))
        .string();
}

bool is_done(const Manifest& manifest, std::int64_t entry) {
    return manifest.records[static_cast<std::size_t>(entry)].state == EntryState::done;
}

bool is_as_recorded(const std::string& folder, const Manifest& manifest, const Shard& shard) {
    const auto record = manifest.shards.find(shard.name);
    std::error_code failure;
    const auto bytes = fs::file_size(fs::path(folder) / shard.name, failure);
    return record != manifest.shards.end() && !failure && static_cast<std::int64_t>(bytes) == record->second.bytes;
}

std::vector<std::int64_t> states_of(const std::string& path) {
    return io::Hdf5File::open(path).dataset("status").read_all<std::int64_t>();
}

/// Copies cubes into the slots of a shard.
class Packer {
public:
    Packer(const std::string& folder, const Manifest& manifest, const Shard& shard, const Theta& theta)
        : folder_(folder), manifest_(manifest), shard_(shard), theta_(theta) {
        if (is_as_recorded(folder, manifest, shard)) {
            old_ = io::Hdf5File::open((fs::path(folder) / shard.name).string());
            old_states_ = old_->dataset("status").read_all<std::int64_t>();
        }
    }

    void write(const std::string& path) {
        io::Hdf5Group file = io::Hdf5File::create(path);
        describe(file);
        bool begun = false;
        for (std::size_t slot = 0; slot < shard_.entries.size(); ++slot) {
            const std::int64_t entry = shard_.entries[slot];
            if (!is_done(manifest_, entry)) { continue; }
            const std::string cube = cube_of(folder_, manifest_, entry);
            const bool from_cube = fs::exists(cube);
            if (!from_cube && !(old_ && old_states_[slot] == static_cast<std::int64_t>(EntryState::done))) {
                throw Error({.kind = Kind::data,
                             .where = cube,
                             .found = "no file",
                             .expected = "a finished cube, to be packed into " + shard_.name,
                             .cure = "make it again with --resume"});
            }
            const io::Hdf5Group from = from_cube ? io::Hdf5File::open(cube) : *old_;
            if (!begun) { lay_out(file, from, from_cube); }
            begun = true;
            for (const std::string& name : names_) { copy(from, from_cube, name, static_cast<std::int64_t>(slot)); }
        }
        io::Hdf5File::close(file);
    }

private:
    template <class T>
    static void write_all(io::Hdf5Group& file, const std::string& name, io::NumberType type,
                          const std::vector<T>& values, const std::string& description) {
        const std::array<std::int64_t, 1> shape{std::ssize(values)};
        io::Hdf5Dataset dataset = file.create_dataset(name, type, shape);
        dataset.write_all<T>(values);
        dataset.set("description", description);
    }

    /// Everything but the cubes.
    void describe(io::Hdf5Group& file) {
        std::vector<std::int64_t> id, view, status;
        std::vector<double> theta;
        for (const std::int64_t entry : shard_.entries) {
            const auto i = static_cast<std::size_t>(entry);
            id.push_back(manifest_.entries[i].id);
            view.push_back(manifest_.entries[i].view);
            status.push_back(static_cast<std::int64_t>(manifest_.records[i].state));
            const auto row = theta_.row(i);
            theta.insert(theta.end(), row.begin(), row.end());
        }
        file.set("version", manifest_.version);
        file.set("split", shard_.name.find("validation") != std::string::npos ? "validation" : "train");
        write_all<std::int64_t>(file, "id", io::NumberType::int64, id, "subhalo");
        write_all<std::int64_t>(file, "view", io::NumberType::int64, view, "view of the galaxy, from 0");
        write_all<std::int64_t>(file, "row", io::NumberType::int64, shard_.entries, "row of the catalogue's table");
        write_all<std::int64_t>(file, "status", io::NumberType::int64, status, "2 done, 3 failed: zeros");
        const std::array<std::int64_t, 2> shape{std::ssize(id), std::ssize(theta_.names)};
        io::Hdf5Dataset dataset = file.create_dataset("theta", io::NumberType::float64, shape);
        dataset.write_all<double>(theta);
        dataset.set("names", joined(theta_.names));
        dataset.set("units", joined(theta_.units));
        dataset.set("description", "parameters: the columns of the catalogue's table that are real numbers");
    }
    static std::string joined(const std::vector<std::string>& words) {
        std::string out;
        for (std::size_t i = 0; i < words.size(); ++i) { out += (i == 0 ? "" : ",") + words[i]; }
        return out;
    }

    /// A dataset with a slot a cube for each of a cube's, and what all cubes share.
    void lay_out(io::Hdf5Group& file, const io::Hdf5Group& from, bool from_cube) {
        const auto wavelength = from.dataset("wavelength").read_all<double>();
        write_all<double>(file, "wavelength", io::NumberType::float64, wavelength, "centres");
        names_ = {"flux", "mask"};
        if (manifest_.config.at("noise.kind") != "none") { names_.emplace_back("variance"); } // zeros without noise
        for (const std::string& map : from.group("maps").names()) { names_.push_back("maps/" + map); }
        for (const std::string& name : names_) {
            const io::Hdf5Dataset like = from.dataset(name);
            std::vector<std::int64_t> shape = like.shape();
            if (!from_cube) { shape.erase(shape.begin()); }
            shapes_.push_back(shape);
            shape.insert(shape.begin(), std::ssize(shard_.entries));
            io::Hdf5Dataset dataset =
                file.create_dataset(name, name == "mask" ? io::NumberType::uint8 : io::NumberType::float32, shape);
            dataset.set("unit", like.find_text("unit").value_or(""));
            dataset.set("description", like.find_text("description").value_or(""));
            datasets_.push_back(dataset);
        }
    }

    void copy(const io::Hdf5Group& from, bool from_cube, const std::string& name, std::int64_t slot) {
        const auto at = static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
        const io::Hdf5Dataset source = from.dataset(name);
        std::vector<std::int64_t> shape = source.shape();
        if (!from_cube) { shape.erase(shape.begin()); }
        if (shape != shapes_[at]) {
            throw Error({.kind = Kind::data,
                         .where = source.where(),
                         .found = "another shape than that of the first cube of " + shard_.name,
                         .expected = "cubes of one shape: one telescope and one grid of wavelengths",
                         .cure = "use catalog.format: hdf5"});
        }
        const auto rows = [&]<class T>(T) {
            const auto values = from_cube ? source.read_all<T>() : source.read_rows<T>(slot, 1);
            datasets_[at].write_rows<T>(slot, 1, values);
        };
        if (name == "mask") {
            rows(std::uint8_t{});
        } else {
            rows(float{});
        }
    }

    const std::string& folder_;
    const Manifest& manifest_;
    const Shard& shard_;
    const Theta& theta_;
    std::optional<io::Hdf5Group> old_; ///< the shard as it was
    std::vector<std::int64_t> old_states_;
    std::vector<std::string> names_;
    std::vector<std::vector<std::int64_t>> shapes_; ///< [name] of a slot
    std::vector<io::Hdf5Dataset> datasets_;
};

void pack(const std::string& folder, const Manifest& manifest, const Shard& shard, const Theta& theta,
          ManifestWriter& journal) {
    const std::string path = (fs::path(folder) / shard.name).string();
    const auto alone = make_self_communicator();
    io::write_aside(path, *alone,
                    [&](const std::string& aside) { Packer(folder, manifest, shard, theta).write(aside); });
    journal.append_shard(
        shard.name, {.bytes = static_cast<std::int64_t>(fs::file_size(path)), .checksum = io::file_checksum(path)});
    for (const std::int64_t entry : shard.entries) {
        std::error_code ignored;
        fs::remove(cube_of(folder, manifest, entry), ignored);
    }
}

} // namespace

bool has_shards(const Manifest& manifest) {
    const auto format = manifest.config.find("catalog.format");
    return format != manifest.config.end() && format->second == "shards";
}

std::vector<Shard> plan_shards(const Manifest& manifest) {
    if (!has_shards(manifest)) { return {}; }
    const double fraction = number_of(manifest, "catalog.validation");
    const auto size = static_cast<std::size_t>(number_of(manifest, "catalog.shard_size"));
    const auto seed = static_cast<std::uint64_t>(number_of(manifest, "catalog.seed"));
    std::vector<Shard> out;
    for (const bool validation : {false, true}) {
        const std::size_t first = out.size();
        for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
            const auto id = static_cast<std::uint64_t>(manifest.entries[i].id);
            if ((Philox::at(seed, random_split, id).uniform(0) < fraction) != validation) { continue; }
            if (out.size() == first || out.back().entries.size() == size) {
                out.push_back(
                    {fmt::format("shards/{}_{:05}.h5", validation ? "validation" : "train", out.size() - first), {}});
            }
            out.back().entries.push_back(static_cast<std::int64_t>(i));
        }
    }
    return out;
}

std::set<std::int64_t> packed_entries(const std::string& folder, const Manifest& manifest) {
    std::set<std::int64_t> out;
    for (const Shard& shard : plan_shards(manifest)) {
        if (!is_as_recorded(folder, manifest, shard)) { continue; }
        const auto states = states_of((fs::path(folder) / shard.name).string());
        for (std::size_t slot = 0; slot < std::min(states.size(), shard.entries.size()); ++slot) {
            if (states[slot] == static_cast<std::int64_t>(EntryState::done)) { out.insert(shard.entries[slot]); }
        }
    }
    return out;
}

std::vector<Shard> shards_to_pack(const std::string& folder, const Manifest& manifest) {
    std::vector<Shard> out;
    for (Shard& shard : plan_shards(manifest)) {
        const bool fresh = std::any_of(shard.entries.begin(), shard.entries.end(), [&](std::int64_t entry) {
            std::error_code ignored;
            return is_done(manifest, entry) && fs::exists(cube_of(folder, manifest, entry), ignored);
        });
        if (fresh || !is_as_recorded(folder, manifest, shard)) { out.push_back(std::move(shard)); }
    }
    return out;
}

std::int64_t pack_shards(const std::string& folder, const Curfew& curfew, Communicator& world) {
    Manifest manifest;
    Theta theta;
    std::vector<Shard> todo;
    std::string names; // of what is to be done: one rank looks at all those files
    agree(world, [&] {
        manifest = read_manifest(folder).value_or(Manifest{});
        if (!world.is_root()) { return; }
        for (const Shard& shard : shards_to_pack(folder, manifest)) { names += shard.name + "\n"; }
    });
    world.broadcast(names, 0);
    agree(world, [&] {
        for (Shard& shard : plan_shards(manifest)) {
            if (names.find(shard.name + "\n") != std::string::npos) { todo.push_back(std::move(shard)); }
        }
        if (!todo.empty()) { theta = read_theta(folder); }
    });
    std::int64_t n_left = 0;
    agree(world, [&] {
        if (static_cast<std::size_t>(world.rank()) >= todo.size()) { return; }
        std::error_code failure;
        fs::create_directories(fs::path(folder) / "shards", failure); // where it fails, writing says so
        ManifestWriter journal(folder, world.rank());
        for (auto i = static_cast<std::size_t>(world.rank()); i < todo.size();
             i += static_cast<std::size_t>(world.size())) {
            if (curfew.has_come()) {
                ++n_left;
                continue;
            }
            pack(folder, manifest, todo[i], theta, journal);
        }
    });
    agree(world, [&] {
        if (!world.is_root() || todo.empty()) { return; }
        if (const auto now = read_manifest(folder)) { write_manifest(folder, *now); }
    });
    return world.all_reduce_value(n_left, Op::sum);
}

std::vector<std::string> shard_problems(const std::string& folder, const Manifest& manifest, const Shard& shard) {
    const std::string path = (fs::path(folder) / shard.name).string();
    const auto record = manifest.shards.find(shard.name);
    if (record == manifest.shards.end()) { return {shard.name + ": not packed"}; }
    if (!is_as_recorded(folder, manifest, shard)) {
        return {shard.name + ": gone, or of another size than in the manifest"};
    }
    if (io::file_checksum(path) != record->second.checksum) {
        return {shard.name + ": another checksum than in the manifest"};
    }
    const auto file = io::Hdf5File::open(path);
    const auto id = file.dataset("id").read_all<std::int64_t>(), view = file.dataset("view").read_all<std::int64_t>(),
               status = file.dataset("status").read_all<std::int64_t>();
    const auto theta = file.dataset("theta").read_all<double>();
    const Theta table = read_theta(folder);
    std::vector<std::string> out;
    for (std::size_t slot = 0; slot < shard.entries.size(); ++slot) {
        const auto i = static_cast<std::size_t>(shard.entries[slot]);
        const std::string where = fmt::format("{}, slot {}: ", shard.name, slot);
        if (slot >= id.size() || id[slot] != manifest.entries[i].id || view[slot] != manifest.entries[i].view ||
            status[slot] != static_cast<std::int64_t>(manifest.records[i].state)) {
            out.push_back(where + "another galaxy, view or status than in the manifest");
            continue;
        }
        const auto row = table.row(i);
        for (std::size_t p = 0; p < row.size(); ++p) {
            const double here = theta[slot * row.size() + p];
            if (here != row[p] && !(std::isnan(here) && std::isnan(row[p]))) {
                out.push_back(
                    fmt::format("{}{} is {}, {} in the catalogue table", where, table.names[p], here, row[p]));
            }
        }
    }
    return out;
}

} // namespace tessera::catalog
