#include <fmt/format.h>

#include "tessera/particles/snapshot.hpp"

namespace tessera {
namespace {

std::string bytes_text(std::int64_t bytes) {
    const char* unit = "B";
    double size = static_cast<double>(bytes);
    for (const char* larger : {"KiB", "MiB", "GiB", "TiB"}) {
        if (size < 1024) { break; }
        size /= 1024;
        unit = larger;
    }
    return size < 10 && bytes >= 1024 ? fmt::format("{:.1f} {}", size, unit) : fmt::format("{:.0f} {}", size, unit);
}

std::string line(const char* name, const std::string& text) { return fmt::format("  {:<18}{}\n", name, text); }

std::string vector_text(const std::array<double, 3>& v, const char* unit) {
    return fmt::format("{:.6g}, {:.6g}, {:.6g} {}", v[0], v[1], v[2], unit);
}

std::string galaxy_lines(const GalaxyFacts& galaxy) {
    std::string text;
    if (galaxy.centre) { text += line("centre", vector_text(*galaxy.centre, "kpc")); }
    if (galaxy.velocity) { text += line("velocity", vector_text(*galaxy.velocity, "km/s")); }
    if (galaxy.half_mass_radius) {
        text += line("half-mass radius", fmt::format("{:.6g} kpc (stars)", *galaxy.half_mass_radius));
    }
    return text;
}

} // namespace

std::string describe(const SnapshotInfo& info) {
    std::string text = info.description + "\n";
    text += line("layout", std::string(word(info.format)));
    if (!info.files.empty()) {
        const std::string more = info.files.size() > 1 ? fmt::format(" and {} more", info.files.size() - 1) : "";
        text += line("files read", info.files.front() + more);
    }
    for (const auto& [type, n] : info.rows_by_type) { text += line(type.c_str(), fmt::format("{} rows", n)); }
    text += line("selection", fmt::format("{} star rows, {} gas rows", info.n_star_rows, info.n_gas_rows));
    text += line("to be read", bytes_text(info.bytes_to_read));
    text +=
        line("redshift", info.redshift ? fmt::format("{:.6g} (scale factor {:.6g})", *info.redshift, info.scale_factor)
                                       : "not stated");
    if (info.cosmology) {
        text += line("cosmology", fmt::format("H0 {:.6g} km/s/Mpc, Omega_m {:.6g}, flat", info.cosmology->h0(),
                                              info.cosmology->omega_m()));
    }
    text += line("box", info.box_size ? fmt::format("{:.6g} kpc, periodic", *info.box_size) : "not periodic");
    return text + galaxy_lines(info.galaxy);
}

} // namespace tessera
