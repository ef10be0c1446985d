#include "tessera/ssp/library.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "ssp/dialects.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/hash.hpp"

namespace tessera::ssp {

namespace {

/// What one rank reads: all of a library, or all but its spectra.
struct Draft {
    Library library;
    StoredFlux flux; ///< of HDF5 files; no file: the spectra are in the library
};

Draft read_file(const LibraryOptions& options, const ReadHints& hints) {
    const Format format = options.format == Format::automatic ? detect_format(options.path) : options.format;
    Draft out;
    switch (format) {
    case Format::automatic: break; // detect_format never answers with it
    case Format::rubix:
    case Format::plain: out.library = read_rubix_hdf5(options.path, hints, out.flux); break;
    case Format::dsps: out.library = read_dsps_hdf5(options.path, hints, out.flux); break;
    case Format::bc03_fits: out.library = read_bc03_fits(options.path, hints); break;
    case Format::ppxf: out.library = read_ppxf_npz(options.path, hints); break;
    case Format::pypipe3d: out.library = read_pypipe3d_fits(options.path, hints); break;
    }
    if (hints.medium) { out.library.medium = *hints.medium; }
    if (out.flux.file.empty()) { check(out.library); }
    return out;
}

/// What rank 0 has read, but for the spectra, on every rank.
void share(Draft& draft, Communicator& comm) {
    Library& library = draft.library;
    for (std::string* text :
         {&library.name, &library.source, &library.format, &library.imf, &draft.flux.file, &draft.flux.dataset}) {
        comm.broadcast(*text, 0);
    }
    draft.flux.unit = static_cast<FluxUnit>(comm.broadcast_value(static_cast<std::int32_t>(draft.flux.unit), 0));
    library.medium = static_cast<Medium>(comm.broadcast_value(static_cast<std::int32_t>(library.medium), 0));
    const bool resolved = comm.broadcast_value(static_cast<std::int32_t>(library.resolution_fwhm.has_value()), 0) != 0;
    const double fwhm = comm.broadcast_value(library.resolution_fwhm.value_or(0), 0);
    library.resolution_fwhm = resolved ? std::optional(fwhm) : std::nullopt;
    comm.broadcast(library.metallicity, 0);
    comm.broadcast(library.age, 0);
    comm.broadcast(library.wavelength, 0);
}

/// The spectra on every rank. Unpacking a file takes longer than sending it: the first ranks each unpack some metallicities.
void share_flux(Draft& draft, const device::Host& where, Communicator& comm) {
    constexpr std::int64_t most_readers = 8; // of one file at a time
    Library& library = draft.library;
    const bool stored = !draft.flux.file.empty();
    const std::int64_t n_row = library.n_metallicity(), row = library.n_age() * library.n_wave();
    const std::int64_t n_reader = stored ? std::min<std::int64_t>({comm.size(), most_readers, n_row}) : 1;
    const auto first_of = [&](std::int64_t reader) { return n_row * reader / n_reader; };
    // Room on every rank before the spectra travel: a rank without memory must not leave the others waiting.
    agree(comm, [&] {
        if (!stored && comm.is_root()) { return; }
        library.flux.resize(static_cast<std::size_t>(n_row * row));
        const std::int64_t me = comm.rank();
        if (stored && me < n_reader) {
            read_flux(draft.flux, first_of(me), first_of(me + 1) - first_of(me), library, where);
        }
    });
    for (std::int64_t reader = 0; reader < n_reader; ++reader) {
        const auto first = static_cast<std::size_t>(first_of(reader) * row),
                   end = static_cast<std::size_t>(first_of(reader + 1) * row);
        comm.broadcast(buffer(std::span<float>(library.flux).subspan(first, end - first)), static_cast<int>(reader));
    }
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
    Draft draft;
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        draft = options.path == "demo" ? Draft{demo_library(), {}} : read_file(options, hints);
    });
    Library& library = draft.library;
    share(draft, comm);
    share_flux(draft, where, comm);
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        if (!draft.flux.file.empty()) { check(library); }
        library.checksum = checksum_of(library);
        if (library.format == "plain") { check_sum(options.path, library); }
    });
    library.checksum = static_cast<std::uint64_t>(comm.broadcast_value(static_cast<std::int64_t>(library.checksum), 0));
    return std::move(library);
}

std::uint64_t checksum_of(const Library& library) { return hash_of(library, WordHash()); }
std::uint64_t first_checksum_of(const Library& library) { return hash_of(library, Fnv1a()); }

} // namespace tessera::ssp
