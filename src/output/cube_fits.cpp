// The FITS cube, in the manner of MUSE. CFITSIO writes from one process: rank 0. The slabs come to it in blocks of planes, in
// order, so that it never holds more than one block.
#include <algorithm>
#include <limits>
#include <memory>
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

constexpr std::int64_t block_bytes = std::int64_t{16} << 20;

/// Lines of a text, as the table CONFIG holds them.
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) { lines.push_back(line); }
    return lines;
}

class CubeFits {
public:
    CubeFits(const std::string& path, const CubeProduct& product, Communicator& comm) : product_(product), comm_(comm) {
        by_root([&] { file_ = std::make_unique<FitsWriter>(path); });
    }

    void write() {
        by_root([&] { write_primary(*file_, product_); });
        by_root([&] { begin_data(); });
        send_planes(product_.flux);
        by_root([&] { begin_variance(); });
        const bool has_variance =
            comm_.all_reduce_value(static_cast<std::int64_t>(product_.variance.data().size()), Op::max) > 0;
        if (has_variance) {
            send_planes(product_.variance);
        } else {
            by_root([&] { write_no_variance(); });
        }
        by_root([&] { write_quality(); });
        by_root([&] { write_maps(); });
        by_root([&] { write_tables(); });
        by_root([&] { file_->close(); });
    }

private:
    /// Work of rank 0; an error is everybody's.
    template <class Work>
    void by_root(Work&& work) {
        agree(comm_, [&] {
            if (comm_.is_root()) { work(); }
        });
    }

    std::int64_t plane_size() const { return product_.grid.n_y * product_.grid.n_x; }
    std::int64_t planes_per_block() const {
        return std::max<std::int64_t>(1, block_bytes / static_cast<std::int64_t>(sizeof(float)) / plane_size());
    }
    std::array<std::int64_t, 3> shape() const {
        return {product_.wavelength.size(), product_.grid.n_y, product_.grid.n_x};
    }

    void set_class(const char* class2, const char* class3) {
        file_->set("HDUCLASS", "ESO", "class name (ESO format)");
        file_->set("HDUDOC", "DICD", "document of the format");
        file_->set("HDUCLAS1", "IMAGE", "image data");
        file_->set("HDUCLAS2", class2, "kind of data");
        if (*class3 != '\0') { file_->set("HDUCLAS3", class3, "meaning of the values"); }
    }

    void set_world() {
        file_->set("OBJECT", product_.object, "name of the galaxy");
        set_cards(*file_, celestial_cards(product_));
        set_cards(*file_, spectral_cards(product_));
    }

    void begin_data() {
        file_->add_image("DATA", FitsPixel::float32, shape());
        file_->set("BUNIT", fits_unit(product_.flux_unit), "of a spaxel");
        set_class("DATA", "");
        file_->set("ERRDATA", "STAT", "HDU of the variance");
        file_->set("QUALDATA", "DQ", "HDU of the quality");
        set_world();
    }

    void begin_variance() {
        file_->add_image("STAT", FitsPixel::float32, shape());
        file_->set("BUNIT", squared_fits_unit(product_.flux_unit), "variance");
        set_class("ERROR", "MSE");
        file_->set("SCIDATA", "DATA", "HDU of the data");
        file_->set("QUALDATA", "DQ", "HDU of the quality");
        set_world();
    }

    /// No data outside the aperture: not-a-number, which readers mask.
    void blank_outside(std::vector<float>& planes) const {
        if (product_.spaxel_mask.empty()) { return; }
        const std::size_t n_spaxel = product_.spaxel_mask.size();
        for (std::size_t i = 0; i < planes.size(); ++i) {
            if ((product_.spaxel_mask[i % n_spaxel] & static_cast<std::uint8_t>(MaskBit::outside_aperture)) != 0) {
                planes[i] = std::numeric_limits<float>::quiet_NaN();
            }
        }
    }

    /// Brings the planes of all ranks to rank 0, a block at a time, and into the file.
    void send_planes(const CubeSlab& slab) {
        const std::int64_t n_wave = product_.wavelength.size(), block = planes_per_block();
        const auto firsts = comm_.all_gather_value(slab.range().first);
        const auto counts = comm_.all_gather_value(slab.range().count);
        const auto part = [&](std::int64_t begin, std::size_t rank) { // planes of a rank in the block from `begin`
            const std::int64_t from = std::max(begin, firsts[rank]),
                               to = std::min({begin + block, n_wave, firsts[rank] + counts[rank]});
            return WaveRange{from, std::max<std::int64_t>(0, to - from)};
        };
        const std::size_t n_rank = static_cast<std::size_t>(comm_.size()), me = static_cast<std::size_t>(comm_.rank());
        for (std::int64_t begin = 0; begin < n_wave; begin += block) {
            std::vector<float> mine, all;
            std::vector<std::int64_t> send(n_rank, 0), receive(n_rank, 0);
            agree(comm_, [&] {
                const WaveRange range = part(begin, me);
                mine = field_planes(slab, product_.grid, range.first - slab.range().first, range.count);
                send[0] = static_cast<std::int64_t>(mine.size());
                if (!comm_.is_root()) { return; }
                for (std::size_t rank = 0; rank < n_rank; ++rank) {
                    receive[rank] = part(begin, rank).count * plane_size();
                }
                all.resize(static_cast<std::size_t>(std::min(block, n_wave - begin) * plane_size()));
            });
            comm_.all_to_all(buffer(std::span<const float>(mine)), send, buffer(std::span<float>(all)), receive);
            by_root([&] {
                blank_outside(all);
                file_->write_planes<float>(begin, all);
            });
        }
    }

    void write_no_variance() {
        const std::int64_t n_wave = product_.wavelength.size(), block = planes_per_block();
        for (std::int64_t begin = 0; begin < n_wave; begin += block) {
            std::vector<float> zeros(static_cast<std::size_t>(std::min(block, n_wave - begin) * plane_size()));
            blank_outside(zeros);
            file_->write_planes<float>(begin, zeros);
        }
    }

    void write_quality() {
        file_->add_image("DQ", FitsPixel::int32, shape());
        set_class("QUALITY", "FLAG32BIT");
        file_->set("SCIDATA", "DATA", "HDU of the data");
        file_->set("ERRDATA", "STAT", "HDU of the variance");
        file_->comment("0: good. Bit 1: wavelength partly covered by the templates. Bit 2: outside the aperture. "
                       "Bit 4: line-spread function reaches beyond the computed wavelengths.");
        set_world();
        const std::int64_t n_wave = product_.wavelength.size(), block = planes_per_block();
        for (std::int64_t begin = 0; begin < n_wave; begin += block) {
            file_->write_planes<std::int32_t>(begin, mask_planes(product_, begin, std::min(block, n_wave - begin)));
        }
    }

    void write_maps() {
        for (const CubeMap& map : product_.maps) {
            const bool prefixed = map.name.starts_with("RAW_") || map.name.starts_with("OBS_");
            const std::array<std::int64_t, 2> map_shape{product_.grid.n_y, product_.grid.n_x};
            file_->add_image((prefixed       ? ""
                              : map.observed ? "OBS_"
                                             : "RAW_") +
                                 map.name,
                             FitsPixel::float64, map_shape);
            if (!map.unit.empty()) { file_->set("BUNIT", fits_unit(map.unit), map.description); }
            file_->set("OBJECT", map.description.empty() ? map.name : map.description, "what this map shows");
            if (!map.weight.empty()) { file_->set("WEIGHT", map.weight, "of the average"); }
            if (!map.band.empty()) { file_->set("BAND", map.band, "wavelengths of the light"); }
            set_cards(*file_, celestial_cards(product_));
            file_->write_planes<double>(0, map.values);
        }
    }

    void write_tables() {
        if (is_irregular(product_.wavelength)) {
            file_->add_image("WAVE", FitsPixel::float64, std::array<std::int64_t, 1>{product_.wavelength.size()});
            file_->set("BUNIT", "Angstrom", "centres of the planes");
            file_->write_planes<double>(0, product_.wavelength.centres);
        }
        if (!product_.lsf_wavelength.empty()) {
            const std::vector<FitsColumn> lsf{{"WAVE", "Angstrom", product_.lsf_wavelength},
                                              {"FWHM", "Angstrom", product_.lsf_fwhm}};
            file_->add_table("LSF", lsf);
        }
        for (const auto& [name, value] : product_.provenance.attributes) {
            if (name != "config" || value.as_string() == nullptr) { continue; }
            const std::vector<FitsColumn> config{{"CONFIG", "", lines_of(*value.as_string())}};
            file_->add_table("CONFIG", config);
        }
    }

    const CubeProduct& product_;
    Communicator& comm_;
    std::unique_ptr<FitsWriter> file_; ///< rank 0's
};

} // namespace

void write_cube_fits(const std::string& path, const CubeProduct& product, Communicator& comm) {
    expect_consistent(product, comm);
    io::write_aside(path, comm, [&](const std::string& temporary) { CubeFits(temporary, product, comm).write(); });
}

} // namespace tessera
