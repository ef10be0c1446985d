#include "tessera/ssp/library.hpp"

#include <array>
#include <span>

#include "ssp/dialects.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/hash.hpp"

namespace tessera::ssp {

namespace {

Library read_file(const LibraryOptions& options, const ReadHints& hints, const device::Host& where) {
    const Format format = options.format == Format::automatic ? detect_format(options.path) : options.format;
    Library library;
    switch (format) {
    case Format::automatic: break; // detect_format never answers with it
    case Format::rubix:
    case Format::plain: library = read_rubix_hdf5(options.path, hints, where); break;
    case Format::dsps: library = read_dsps_hdf5(options.path, hints, where); break;
    case Format::bc03_fits: library = read_bc03_fits(options.path, hints); break;
    case Format::ppxf: library = read_ppxf_npz(options.path, hints); break;
    case Format::pypipe3d: library = read_pypipe3d_fits(options.path, hints); break;
    }
    if (hints.medium) { library.medium = *hints.medium; }
    check(library);
    library.checksum = checksum_of(library);
    return library;
}

/// The library of rank 0 on every rank.
void share(Library& library, Communicator& comm) {
    if (comm.size() == 1) { return; }
    for (std::string* text : {&library.name, &library.source, &library.format, &library.imf}) {
        comm.broadcast(*text, 0);
    }
    library.medium = static_cast<Medium>(comm.broadcast_value(static_cast<std::int32_t>(library.medium), 0));
    const bool resolved = comm.broadcast_value(static_cast<std::int32_t>(library.resolution_fwhm.has_value()), 0) != 0;
    const double fwhm = comm.broadcast_value(library.resolution_fwhm.value_or(0), 0);
    library.resolution_fwhm = resolved ? std::optional(fwhm) : std::nullopt;
    comm.broadcast(library.metallicity, 0);
    comm.broadcast(library.age, 0);
    comm.broadcast(library.wavelength, 0);
    // Room on every rank before the spectra travel: a rank without memory must not leave the others waiting.
    const std::int64_t n = comm.broadcast_value(static_cast<std::int64_t>(library.flux.size()), 0);
    agree(comm, [&] { library.flux.resize(static_cast<std::size_t>(n)); });
    comm.broadcast(buffer(std::span<float>(library.flux)), 0);
    library.checksum = static_cast<std::uint64_t>(comm.broadcast_value(static_cast<std::int64_t>(library.checksum), 0));
}

/// Extents, axes and flux to `hash`.
template <class Hash>
std::uint64_t hash_of(const Library& library, Hash hash) {
    const auto add = [&hash](const auto& values) { hash.add_bytes(values.data(), values.size() * sizeof values[0]); };
    add(std::array{library.n_metallicity(), library.n_age(), library.n_wave()});
    add(library.metallicity);
    add(library.age);
    add(library.wavelength);
    add(library.flux);
    return hash.hash();
}

} // namespace

Library read_library(const LibraryOptions& options, Communicator& comm, const ReadHints& hints,
                     const device::Host& where) {
    Library library;
    agree(comm, [&] {
        if (options.path == "demo") {
            library = demo_library(); // each rank its own: the same arithmetic everywhere, and checked to be below
        } else if (comm.is_root()) {
            library = read_file(options, hints, where);
        }
    });
    share(library, comm);
    return library;
}

std::uint64_t checksum_of(const Library& library) { return hash_of(library, WordHash()); }
std::uint64_t first_checksum_of(const Library& library) { return hash_of(library, Fnv1a()); }

} // namespace tessera::ssp
