// The FITS cube, in the manner of MUSE. Rank 0 describes the file, then every rank writes its planes.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <sstream>

#include "output/cube_header.hpp"
#include "output/cube_primary.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/io/write_aside.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

namespace {

using io::FitsColumn;
using io::FitsPixel;
using io::FitsWriter;

constexpr std::int64_t turned_bytes = std::int64_t{4} << 20;

/// Lines of a text, as the table CONFIG holds them.
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) { lines.push_back(line); }
    return lines;
}

class CubeFits {
public:
    CubeFits(const std::string& path, const CubeProduct& product, Communicator& comm)
        : product_(product), comm_(comm), file_(path, &comm) {}

    void write() {
        const bool has_variance =
            comm_.all_reduce_value(static_cast<std::int64_t>(product_.variance.data().size()), Op::max) > 0;
        agree(comm_, [&] {
            if (comm_.is_root()) { describe(); }
        });
        file_.lay_out();
        agree(comm_, [&] {
            write_cube("DATA", &product_.flux);
            write_cube("STAT", has_variance ? &product_.variance : nullptr);
            write_quality();
            if (comm_.is_root()) { write_small(); }
        });
        file_.close();
    }

private:
    void describe() {
        write_primary(file_, product_);
        begin_data();
        begin_variance();
        begin_quality();
        for (const CubeMap& map : product_.maps) { begin_map(map); }
        if (is_irregular(product_.wavelength)) { begin_wavelength(); }
        add_tables();
    }

    std::int64_t plane_size() const { return product_.grid.n_y * product_.grid.n_x; }
    std::int64_t planes_per_block() const {
        return std::max<std::int64_t>(1, turned_bytes / static_cast<std::int64_t>(sizeof(float)) / plane_size());
    }
    std::array<std::int64_t, 3> shape() const {
        return {product_.wavelength.size(), product_.grid.n_y, product_.grid.n_x};
    }

    void set_class(const char* class2, const char* class3) {
        file_.set("HDUCLASS", "ESO", "class name (ESO format)");
        file_.set("HDUDOC", "DICD", "document of the format");
        file_.set("HDUCLAS1", "IMAGE", "image data");
        file_.set("HDUCLAS2", class2, "kind of data");
        if (*class3 != '\0') { file_.set("HDUCLAS3", class3, "meaning of the values"); }
    }

    void set_world() {
        file_.set("OBJECT", product_.object, "name of the galaxy");
        set_cards(file_, celestial_cards(product_));
        set_cards(file_, spectral_cards(product_));
    }

    void begin_data() {
        file_.add_image("DATA", FitsPixel::float32, shape());
        file_.set("BUNIT", fits_unit(product_.flux_unit), "of a spaxel");
        set_class("DATA", "");
        file_.set("ERRDATA", "STAT", "HDU of the variance");
        file_.set("QUALDATA", "DQ", "HDU of the quality");
        set_world();
    }

    void begin_variance() {
        file_.add_image("STAT", FitsPixel::float32, shape());
        file_.set("BUNIT", squared_fits_unit(product_.flux_unit), "variance");
        set_class("ERROR", "MSE");
        file_.set("SCIDATA", "DATA", "HDU of the data");
        file_.set("QUALDATA", "DQ", "HDU of the quality");
        set_world();
    }

    void begin_quality() {
        file_.add_image("DQ", FitsPixel::int32, shape());
        set_class("QUALITY", "FLAG32BIT");
        file_.set("SCIDATA", "DATA", "HDU of the data");
        file_.set("ERRDATA", "STAT", "HDU of the variance");
        file_.comment("0: good. Bit 1: wavelength partly covered by the templates. Bit 2: outside the aperture. "
                      "Bit 4: line-spread function reaches beyond the computed wavelengths.");
        set_world();
    }

    static std::string hdu_name(const CubeMap& map) {
        if (map.name.starts_with("RAW_") || map.name.starts_with("OBS_")) { return map.name; }
        return (map.observed ? "OBS_" : "RAW_") + map.name;
    }

    void begin_map(const CubeMap& map) {
        file_.add_image(hdu_name(map), FitsPixel::float64,
                        std::array<std::int64_t, 2>{product_.grid.n_y, product_.grid.n_x});
        if (!map.unit.empty()) { file_.set("BUNIT", fits_unit(map.unit), map.description); }
        file_.set("OBJECT", map.description.empty() ? map.name : map.description, "what this map shows");
        if (!map.weight.empty()) { file_.set("WEIGHT", map.weight, "of the average"); }
        if (!map.band.empty()) { file_.set("BAND", map.band, "wavelengths of the light"); }
        set_cards(file_, celestial_cards(product_));
    }

    void begin_wavelength() {
        file_.add_image("WAVE", FitsPixel::float64, std::array<std::int64_t, 1>{product_.wavelength.size()});
        file_.set("BUNIT", "Angstrom", "centres of the planes");
    }

    void add_tables() {
        if (!product_.lsf_wavelength.empty()) {
            const std::vector<FitsColumn> lsf{{"WAVE", "Angstrom", product_.lsf_wavelength},
                                              {"FWHM", "Angstrom", product_.lsf_fwhm}};
            file_.add_table("LSF", lsf);
        }
        for (const auto& [name, value] : product_.provenance.attributes) {
            if (name != "config" || value.as_string() == nullptr) { continue; }
            const std::vector<FitsColumn> config{{"CONFIG", "", lines_of(*value.as_string())}};
            file_.add_table("CONFIG", config);
        }
    }

    /// Goes over this rank's planes a block at a time: `write(first plane of the cube, first of the slab, planes)`.
    template <class Write>
    void by_blocks(Write&& write) {
        const WaveRange range = product_.flux.range();
        for (std::int64_t begin = 0; begin < range.count; begin += planes_per_block()) {
            write(range.first + begin, begin, std::min(planes_per_block(), range.count - begin));
        }
    }

    /// This rank's planes. No data outside the aperture: not-a-number, which readers mask.
    /// @param slab  nullptr: zeros
    void write_cube(const std::string& name, const CubeSlab* slab) {
        std::vector<std::size_t> outside;
        for (std::size_t i = 0; i < product_.spaxel_mask.size(); ++i) {
            if ((product_.spaxel_mask[i] & static_cast<std::uint8_t>(MaskBit::outside_aperture)) != 0) {
                outside.push_back(i);
            }
        }
        by_blocks([&](std::int64_t plane, std::int64_t in_slab, std::int64_t n) {
            std::vector<float> block = slab != nullptr ? field_planes(*slab, product_.grid, in_slab, n)
                                                       : std::vector<float>(static_cast<std::size_t>(n * plane_size()));
            for (std::size_t begin = 0; begin < block.size(); begin += static_cast<std::size_t>(plane_size())) {
                for (const std::size_t i : outside) { block[begin + i] = std::numeric_limits<float>::quiet_NaN(); }
            }
            file_.write_planes<float>(name, plane, block);
        });
    }

    void write_quality() {
        by_blocks([&](std::int64_t plane, std::int64_t, std::int64_t n) {
            const std::vector<std::uint8_t> mask = mask_planes(product_, plane, n);
            file_.write_planes<std::int32_t>("DQ", plane, std::vector<std::int32_t>(mask.begin(), mask.end()));
        });
    }

    void write_small() {
        for (const CubeMap& map : product_.maps) { file_.write_planes<double>(hdu_name(map), 0, map.values); }
        if (is_irregular(product_.wavelength)) { file_.write_planes<double>("WAVE", 0, product_.wavelength.centres); }
    }

    const CubeProduct& product_;
    Communicator& comm_;
    FitsWriter file_;
};

} // namespace

bool is_fits(const std::string& path) { return std::filesystem::path(path).extension() == ".fits"; }

void write_cube_fits(const std::string& path, const CubeProduct& product, Communicator& comm) {
    expect_consistent(product, comm);
    io::write_aside(path, comm, [&](const std::string& temporary) { CubeFits(temporary, product, comm).write(); });
}

} // namespace tessera
