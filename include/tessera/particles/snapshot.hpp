#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/cosmology/cosmology.hpp"
#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"

namespace tessera {

class Communicator;
class RowIndex;
struct FieldBox;

enum class SnapshotFormat { automatic, plain, rubix, tng, eagle, swift };
template <>
struct EnumWords<SnapshotFormat> {
    static constexpr std::array words{std::pair{SnapshotFormat::automatic, std::string_view("auto")},
                                      std::pair{SnapshotFormat::plain, std::string_view("plain")},
                                      std::pair{SnapshotFormat::rubix, std::string_view("rubix")},
                                      std::pair{SnapshotFormat::tng, std::string_view("tng")},
                                      std::pair{SnapshotFormat::eagle, std::string_view("eagle")},
                                      std::pair{SnapshotFormat::swift, std::string_view("swift")}};
};

enum class ParticleType : std::int64_t { stars, gas };

/// Something of both types of particles.
template <class T>
struct ByType {
    T stars{}, gas{};
    T& operator[](ParticleType type) { return type == ParticleType::gas ? gas : stars; }
    const T& operator[](ParticleType type) const { return type == ParticleType::gas ? gas : stars; }
};
inline constexpr std::array both_types{ParticleType::stars, ParticleType::gas};

/// Where the particles come from.
struct SnapshotOptions {
    SnapshotFormat format = SnapshotFormat::automatic;
    std::string path;
    std::optional<std::int64_t> snapshot;
    std::optional<std::int64_t> subhalo;
    bool gas = true;
    std::optional<double> depth = {};
    std::optional<std::string> index = {};
    bool hubble_flow = true;

    template <class Visitor>
    void describe(Visitor& key) {
        key("simulation.format", format, unit::none,
            "layout of the input; auto looks into the file and never guesses units");
        key("simulation.path", path, unit::none,
            "a file, a folder of chunk files, or a snapshot base path (with simulation.snapshot)");
        key("simulation.snapshot", snapshot, unit::none, "snapshot number under a TNG-style base path", at_least(0));
        key("simulation.subhalo", subhalo, unit::none,
            "subhalo whose stars are taken through catalogue and offsets; null: all in the file", at_least(0));
        key("simulation.gas", gas, unit::none, "read gas cells too, where the input has them");
        key("simulation.depth", depth, unit::kpc,
            "with simulation.subhalo: all stars and gas in the telescope's field and along the line of sight within "
            "half of this on either side of the galaxy's centre, neighbours and diffuse light included; null: its own "
            "alone",
            above(0));
        key("simulation.index", index, unit::none,
            "with simulation.depth: folder of the indices of the snapshot's stars and gas, made once; null: that of "
            "the cube, in a catalogue catalog.output");
        key("simulation.hubble_flow", hubble_flow, unit::none,
            "with simulation.depth: stars that are not the subhalo's move with the expansion between them and its "
            "centre, too");
    }
};

/// What is known of the galaxy from the input itself, physical units at the snapshot.
struct GalaxyFacts {
    std::optional<std::array<double, 3>> centre;   ///< kpc, box frame (catalogue, SubhaloData, galaxy group)
    std::optional<std::array<double, 3>> velocity; ///< km/s, peculiar
    std::optional<double> half_mass_radius;        ///< kpc, stars
};

/// Rows [begin, end) of a particle type, over all chunks.
struct RowRange {
    std::int64_t begin = 0, end = 0;
    std::int64_t size() const { return end > begin ? end - begin : 0; }
    RowRange overlap(std::int64_t first, std::int64_t last) const {
        return {begin > first ? begin : first, end < last ? end : last};
    }
    bool operator==(const RowRange&) const = default;
};

/// What the input says of itself; the same on every rank.
struct SnapshotInfo {
    SnapshotFormat format = SnapshotFormat::plain;
    std::string description;        ///< "TNG snapshot 99 of box, 3 chunks, subhalo 7"
    std::vector<std::string> files; ///< the files that hold the particles to be read
    double scale_factor = 1.0;
    std::optional<double> redshift;     ///< the snapshot's own; nullopt when the layout has none
    std::optional<double> box_size;     ///< physical kpc; nullopt: not periodic
    std::optional<Cosmology> cosmology; ///< of the header: used for ages
    std::int64_t n_star_rows = 0;       ///< rows of the star type in the selection, wind included
    std::int64_t n_gas_rows = 0;
    /// Rows of each particle type in all chunks ("gas", "dark matter", …, "stars"), those outside the selection included.
    std::vector<std::pair<std::string, std::int64_t>> rows_by_type;
    std::int64_t bytes_to_read = 0; ///< of the selection's fields as stored, over all ranks
    GalaxyFacts galaxy;
};

/// The input in lines of text, for `tessera snapshot info` and `--dry-run`: layout, chunks, counts by type, redshift,
/// cosmology, box, what is known of the galaxy, bytes to be read. Ends with a newline.
std::string describe(const SnapshotInfo& info);

/// What reading dropped or noticed, summed over ranks.
struct ReadReport {
    std::int64_t n_wind_dropped = 0; ///< wind cells among the stars (formation time <= 0)
    std::int64_t n_star = 0;         ///< stars kept, over all ranks
    std::int64_t n_gas = 0;
    /// Modulo 2^64 the sum over the stars kept of a hash of each one's ten numbers, position relative to the origin of reading:
    /// two runs that read the same stars agree in it, on any number of ranks.
    std::uint64_t star_checksum = 0;
};

/// Which fields of the gas are read.
enum class GasFields {
    all,
    place_and_mass, ///< positions and masses: 16 bytes a cell
};

/// Rows that a rank reads at once; beside its particles it holds two such blocks, as stored.
inline constexpr std::int64_t rows_read_at_once = std::int64_t{1} << 17;

/// An open input, one of the dialects. All calls are collective.
class Snapshot {
public:
    virtual ~Snapshot() = default;
    virtual const SnapshotInfo& info() const = 0;

    /// Reads this rank's equal contiguous share of the star rows: rows [n·r/P, n·(r+1)/P) of the selection.
    /// Positions relative to `origin` [kpc, box frame], nearest periodic image, subtracted in double.
    /// @throws Error(Kind::data)  on every rank: missing dataset, differing lengths, text, NaN or infinity, negative mass,
    ///                            age or metallicity, no star at all (the text names file, dataset and row)
    virtual Stars read_stars(const std::array<double, 3>& origin, bool keep_rows, ReadReport& report) = 0;
    /// The stars of the whole snapshot that lie in a box, those of the selection left out, wind cells dropped; the ranks share the rows
    /// that the index gives. What the report holds already is added to, and to the files of info() those that the rows are in. Of rows
    /// outside the box nothing is asked but where they are.
    /// @param index  of this snapshot; the same on every rank, as is the box
    /// @param origin  as for read_stars
    /// @throws Error(Kind::data)  as read_stars, but that there may be no star
    virtual Stars read_others(const RowIndex& index, const FieldBox& field, const std::array<double, 3>& origin,
                              bool keep_rows, ReadReport& report) = 0;
    virtual Gas read_gas(const std::array<double, 3>& origin, ReadReport& report,
                         GasFields fields = GasFields::all) = 0;
    /// The gas of the whole snapshot that lies in a box, that of the selection left out: as read_others.
    virtual Gas read_other_gas(const RowIndex& index, const FieldBox& field, const std::array<double, 3>& origin,
                               ReadReport& report, GasFields fields = GasFields::all) = 0;

    /// A point inside the selection to use as origin before the centre is known: the catalogue's centre, else the position
    /// of the first star row [kpc, box frame].
    virtual std::array<double, 3> provisional_origin() = 0;
};

/// What reading a snapshot took on this rank.
struct SnapshotReads {
    std::int64_t n_opened = 0;                  ///< how often a chunk file was opened
    std::int64_t most_openings = 0;             ///< of one file
    std::int64_t n_read = 0;                    ///< pieces of datasets
    std::int64_t star_bytes = 0, gas_bytes = 0; ///< in them
    double seconds = 0;                         ///< that they took
};

/// What the galaxies of one snapshot have in common, looked up once: the chunks and their rows, units, the header's facts, and where the
/// galaxies lie. Every rank has one; it keeps the chunk files open that it reads from.
class SnapshotIndex {
public:
    virtual ~SnapshotIndex() = default;
    /// Reads the rows of these subhaloes ahead that a rank of `comm` will ask for, in few pieces in the order of the files, in place of
    /// what was read ahead before. What cannot be read is left to the galaxy that it belongs to. Not collective.
    /// @param subhaloes   one may come several times in a row, with the field of another view each time
    /// @param others      [subhalo] rows of others in its field, RowIndex::rows_in; empty: of none
    /// @param most_bytes  galaxies are taken in turn as long as their rows are no more than this
    virtual void read_ahead(std::span<const std::int64_t> subhaloes,
                            std::span<const ByType<std::vector<RowRange>>> others, const Communicator& comm,
                            std::int64_t most_bytes) = 0;
    /// Of this rank, so far.
    virtual SnapshotReads reads() const = 0;
    /// Of the rows of all types that are read for a subhalo, as stored; 0 for one that has none.
    virtual std::int64_t bytes_of(std::int64_t subhalo) const = 0;
    /// Of what is read of a row, as stored; of gas positions and masses.
    virtual std::int64_t row_bytes(ParticleType type) const = 0;
    /// Its rows among those of the whole snapshot; none for one that cannot be read, and of gas where none is to be read.
    virtual ByType<RowRange> rows_of(std::int64_t subhalo) const = 0;
    /// Where it is, kpc, box frame, where the catalogue says so.
    virtual std::optional<std::array<double, 3>> centre_of(std::int64_t subhalo) const = 0;
};

/// Looks up subhaloes of a TNG-style snapshot, or a file that is one galaxy, whose id is 0; open_snapshot() of one of them needs nothing
/// more then. Collective.
/// @param options     without `subhalo`
/// @param subhaloes   rank 0's, ascending; the others' are not looked at
/// @throws Error(Kind::config | Kind::data)  nothing can be read; a chunk or galaxy that alone is damaged is an error of open_snapshot()
std::shared_ptr<SnapshotIndex> index_snapshot(const SnapshotOptions& options, std::span<const std::int64_t> subhaloes,
                                              Communicator& comm);

/// Opens the input named by the options. `format: auto` looks into the file (Header/Code, SimulationName, RunLabel, names of
/// fields, groups) and throws when nothing identifies it: units are never guessed.
/// @param where  threads that convert what is read while this one reads on
/// @param index  of the same options, which must outlive the snapshot: `subhalo` is one of it, null for a file that is one galaxy. Null: all is looked up here
/// @throws Error(Kind::config)  no path, a snapshot number missing, a subhalo outside the catalogue
/// @throws Error(Kind::data)    not found, not HDF5, unknown layout, header incomplete
std::unique_ptr<Snapshot> open_snapshot(const SnapshotOptions& options, Communicator& comm,
                                        const device::Host& where = {}, SnapshotIndex* index = nullptr);

} // namespace tessera
