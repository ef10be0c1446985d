#include "tessera/output/cube_facts.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "output/cube_primary.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/value.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

namespace {

/// Provenance of an HDF5 cube.
class Hdf5Facts {
public:
    explicit Hdf5Facts(const std::string& path) : group_(io::Hdf5File::open(path).group("provenance")) {}
    std::optional<double> number(const std::string& name) const { return group_.find_number(name); }
    std::string text(const std::string& name) const { return group_.find_text(name).value_or(""); }
    std::string config() const { return text("config"); }
    std::vector<double> numbers(const std::string& name) const {
        return group_.has_attribute(name) ? group_.numbers(name) : std::vector<double>{};
    }

private:
    io::Hdf5Group group_;
};

/// Provenance of a FITS cube.
class FitsFacts {
public:
    explicit FitsFacts(const std::string& path) : file_(path) {}
    std::optional<double> number(const std::string& name) const { return file_.find_number(0, fits_keyword(name)); }
    std::string text(const std::string& name) const { return file_.find_text(0, fits_keyword(name)).value_or(""); }
    std::string config() const {
        const auto hdu = file_.find("CONFIG");
        if (!hdu) { return ""; }
        std::string all;
        for (const std::string& line : file_.read_text_column(*hdu, "CONFIG")) { all += line + "\n"; }
        return all;
    }
    std::vector<double> numbers(const std::string& name) const {
        const Value list = parse_yaml(text(name), name);
        std::vector<double> out;
        for (const Value& item : list.as_list() != nullptr ? *list.as_list() : Value::List{}) {
            item.number(out.emplace_back());
        }
        return out;
    }

private:
    io::FitsReader file_;
};

template <class Facts>
CubeFacts read(const Facts& file, const std::string& path) {
    CubeFacts out;
    const auto need = [&](const char* name) {
        const auto value = file.number(name);
        if (value) { return *value; }
        throw Error({.kind = Kind::data,
                     .where = path,
                     .found = fmt::format("no '{}' in its provenance", name),
                     .expected = "a cube that this program made",
                     .cure = "make it again"});
    };
    const auto count = [&](const char* name) { return static_cast<std::int64_t>(std::llround(need(name))); };
    out.config = file.config();
    if (const auto id = file.number("subhalo")) { out.subhalo = std::llround(*id); }
    out.redshift = need("redshift");
    out.n_star = count("n_star");
    out.n_wind_dropped = count("n_wind_dropped");
    out.n_in_field = count("n_in_field");
    out.star_checksum = file.text("star_checksum");
    out.error_rms = need("error_rms");
    out.error_max = need("error_max");
    const auto rotation = file.numbers("rotation_matrix");
    std::copy_n(rotation.begin(), std::min(rotation.size(), out.rotation.size()), out.rotation.begin());
    return out;
}

} // namespace

CubeFacts read_cube_facts(const std::string& path) {
    if (is_fits(path)) { return read(FitsFacts(path), path); }
    return read(Hdf5Facts(path), path);
}

} // namespace tessera
