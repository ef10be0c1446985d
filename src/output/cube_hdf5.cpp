// The HDF5 cube. Layout: docs and the comment of write_cube_hdf5.
#include <algorithm>

#include "output/cube_header.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/io/write_aside.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

namespace {

using io::Hdf5Dataset;
using io::Hdf5Group;
using io::NumberType;

constexpr std::int64_t block_bytes = std::int64_t{4} << 20;
constexpr const char* cube_axes = "wavelength, y, x";

void describe(Hdf5Dataset dataset, const std::string& unit, const std::string& description, const std::string& axes) {
    dataset.set("unit", unit);
    dataset.set("units", unit);
    dataset.set("description", description);
    dataset.set("axes", axes);
}

/// One setter for a group's and a dataset's attributes.
template <class Target>
void set_value(Target& target, const std::string& name, const Value& value) {
    double number = 0;
    if (const std::string* text = value.as_string()) {
        target.set(name, *text);
    } else if (value.number(number)) {
        target.set(name, number);
    } else {
        target.set(name, value.text());
    }
}

/// Integers stay integers, lists of numbers become arrays, the rest text.
void set_attribute(Hdf5Group& group, const std::string& name, const Value& value) {
    if (const std::int64_t* integer = value.as_integer()) {
        group.set(name, *integer);
    } else if (const bool* flag = value.as_bool()) {
        group.set(name, static_cast<std::int64_t>(*flag));
    } else if (const Value::List* list = value.as_list()) {
        std::vector<double> numbers(list->size());
        bool all = !list->empty();
        for (std::size_t i = 0; i < list->size(); ++i) { all = all && (*list)[i].number(numbers[i]); }
        if (all) {
            group.set(name, std::span<const double>(numbers));
        } else {
            group.set(name, value.text());
        }
    } else {
        set_value(group, name, value);
    }
}

class CubeFile {
public:
    CubeFile(const std::string& path, const CubeProduct& product, Communicator& comm)
        : product_(product), comm_(comm), file_(io::Hdf5File::create(path, &comm)),
          shape_{product.wavelength.size(), product.grid.n_y, product.grid.n_x} {}

    std::optional<std::uint64_t> write() {
        write_cubes();
        write_wavelength();
        write_maps();
        write_stages();
        write_provenance();
        return io::Hdf5File::close(file_);
    }

private:
    Hdf5Dataset cube(const std::string& path, const std::string& unit, const std::string& description,
                     NumberType type) {
        Hdf5Dataset dataset = file_.create_dataset(path, type, shape_);
        describe(dataset, unit, description, cube_axes);
        return dataset;
    }

    /// Writes this rank's planes, a block at a time: `planes(first plane of the cube, first of the slab, how many)`.
    template <class T, class Planes>
    void write_blocks(Hdf5Dataset dataset, Planes&& planes) {
        const WaveRange range = product_.flux.range();
        const std::int64_t block = std::max<std::int64_t>(1, block_bytes / (4 * shape_[1] * shape_[2]));
        const std::int64_t longest = comm_.all_reduce_value(range.count, Op::max);
        for (std::int64_t begin = 0; begin < longest; begin += block) {
            const std::int64_t from = std::min(begin, range.count), n = std::min(block, range.count - from);
            std::vector<T> part;
            agree(comm_, [&] { part = planes(range.first + from, from, n); });
            dataset.write_rows<T>(range.first + from, n, part);
        }
    }

    void write_slab(Hdf5Dataset dataset, const CubeSlab& slab) {
        const WaveRange range = product_.flux.range();
        const bool margin = range.count > 0 && (slab.n_y() != product_.grid.n_y || slab.n_x() != product_.grid.n_x);
        if (comm_.all_reduce_value(static_cast<std::int32_t>(margin), Op::max) == 0) {
            dataset.write_rows<float>(range.first, range.count, slab.data());
            return;
        }
        write_blocks<float>(dataset, [&](std::int64_t /*plane*/, std::int64_t from, std::int64_t n) {
            return field_planes(slab, product_.grid, from, n);
        });
    }

    void write_cubes() {
        Hdf5Dataset flux =
            cube("flux", plain_unit(product_.flux_unit), "flux density of a spaxel", NumberType::float32);
        for (const Card& card : celestial_cards(product_)) { set_value(flux, card.name, card.value); }
        for (const Card& card : spectral_cards(product_)) { set_value(flux, card.name, card.value); }
        write_slab(flux, product_.flux);

        const std::string squared = squared_plain_unit(product_.flux_unit), of_flux = "variance of flux";
        const bool has_variance =
            comm_.all_reduce_value(static_cast<std::int64_t>(product_.variance.data().size()), Op::max) > 0;
        if (has_variance) {
            write_slab(cube("variance", squared, of_flux, NumberType::float32), product_.variance);
        } else {
            describe(file_.create_zeros("variance", NumberType::float32, shape_), squared, of_flux, cube_axes);
        }

        Hdf5Dataset mask = cube("mask", "",
                                "0: good; bits 1: wavelength partly covered by the templates, 2: outside the aperture, "
                                "4: line-spread function reaches beyond the computed wavelengths",
                                NumberType::uint8);
        write_blocks<std::uint8_t>(mask, [&](std::int64_t plane, std::int64_t /*from*/, std::int64_t n) {
            return mask_planes(product_, plane, n);
        });
    }

    /// Rank 0 writes the whole of a small dataset.
    template <class T>
    void write_by_root(Hdf5Dataset dataset, const std::vector<T>& values) {
        const bool root = comm_.is_root();
        dataset.write_rows<T>(0, root ? dataset.n_row() : 0, root ? std::span<const T>(values) : std::span<const T>());
    }

    void write_wavelength() {
        const std::array<std::int64_t, 1> shape{shape_[0]};
        Hdf5Dataset wavelength = file_.create_dataset("wavelength", NumberType::float64, shape);
        describe(wavelength, "Angstrom", "centres of the pixels", "wavelength");
        for (const Card& card : spectral_cards(product_)) {
            if (card.name == "MEDIUM") { set_value(wavelength, "medium", card.value); }
        }
        write_by_root(wavelength, product_.wavelength.centres);
    }

    void write_maps() {
        Hdf5Group group = file_.create_group("maps");
        const std::array<std::int64_t, 2> shape{shape_[1], shape_[2]};
        const std::vector<double> elsewhere;
        const std::vector<CubeMap> maps = descriptions_of(product_.maps, comm_);
        for (std::size_t i = 0; i < maps.size(); ++i) {
            const CubeMap& map = maps[i];
            Hdf5Dataset dataset = group.create_dataset(map.name, NumberType::float64, shape);
            describe(dataset, plain_unit(map.unit), map.description, "y, x");
            if (!map.weight.empty()) { dataset.set("weight", map.weight); }
            if (!map.band.empty()) { dataset.set("band", map.band); }
            dataset.set("instrument", std::string(map.observed ? "point-spread function applied" : "none"));
            write_by_root(dataset, comm_.is_root() ? product_.maps[i].values : elsewhere);
        }
    }

    void write_stages() {
        const auto stage = [&](const char* name, const char* description, const std::optional<CubeSlab>& slab) {
            if (slab) {
                write_slab(cube(std::string("stages/") + name, plain_unit(product_.flux_unit), description,
                                NumberType::float32),
                           *slab);
            }
        };
        stage("accumulated", "sum over stars, before the instrument", product_.accumulated);
        stage("psf", "after the point-spread function", product_.psf);
        stage("lsf", "after the line-spread function, before noise", product_.lsf);
        if (!product_.has_star_lists) { return; }
        write_list("stages/spaxel", NumberType::int32, "iy n_x + ix of each star kept, -1 outside the field",
                   product_.star_spaxel);
        write_list("stages/star", NumberType::int64, "row of the star in the input", product_.star_row);
    }

    template <class T>
    void write_list(const std::string& path, NumberType type, const std::string& description,
                    const std::vector<T>& mine) {
        const std::int64_t n = static_cast<std::int64_t>(mine.size());
        const std::int64_t first = comm_.exclusive_sum(n);
        const std::array<std::int64_t, 1> shape{comm_.all_reduce_value(n, Op::sum)};
        Hdf5Dataset dataset = file_.create_dataset(path, type, shape);
        describe(dataset, "", description, "star");
        dataset.write_rows<T>(first, n, mine);
    }

    void write_provenance() {
        Hdf5Group group = file_.create_group("provenance");
        for (const auto& [name, value] : product_.provenance.attributes) { set_attribute(group, name, value); }
        Hdf5Group traffic = file_.create_group("provenance/traffic");
        std::string names;
        if (comm_.is_root()) {
            for (const auto& [name, entry] : product_.provenance.traffic.collective) { names += name + '\n'; }
        }
        comm_.broadcast(names, 0);
        const std::array<std::int64_t, 1> shape{comm_.size()};
        for (std::size_t begin = 0; begin < names.size(); begin = names.find('\n', begin) + 1) {
            const std::string name = names.substr(begin, names.find('\n', begin) - begin);
            const auto bytes = comm_.all_gather_value(product_.provenance.traffic.bytes(name));
            Hdf5Dataset dataset = traffic.create_dataset(name, NumberType::int64, shape);
            describe(dataset, "byte", "bytes that each rank sent in this collective", "rank");
            write_by_root(dataset, bytes);
        }
    }

    const CubeProduct& product_;
    Communicator& comm_;
    Hdf5Group file_;
    std::array<std::int64_t, 3> shape_;
};

} // namespace

std::optional<std::uint64_t> write_cube_hdf5(const std::string& path, const CubeProduct& product, Communicator& comm) {
    expect_consistent(product, comm);
    std::optional<std::uint64_t> checksum;
    io::write_aside(path, comm,
                    [&](const std::string& temporary) { checksum = CubeFile(temporary, product, comm).write(); });
    return checksum;
}

} // namespace tessera
