#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/catalog/selection.hpp"
#include "tessera/core/error.hpp"
#include "tessera/output/cube_facts.hpp"
#include "tessera/output/cube_measures.hpp"

namespace tessera {

enum class EntryState { waiting, running, done, failed };

/// What became of an entry.
struct EntryRecord {
    EntryState state = EntryState::waiting;
    double seconds = 0;         ///< that its making took
    double time = 0;            ///< when this was written, seconds since 1970
    std::string host = {};      ///< where
    Kind kind = Kind::internal; ///< failed: of the error
    std::string message = {};   ///< failed
    std::int64_t bytes = 0;     ///< done: of the file
    std::uint64_t checksum = 0; ///< done: io::file_checksum
    CubeFacts facts = {};       ///< done: what the file says, but for `config`
    CubeMeasures measures = {}; ///< done: of the file's light
};

/// A shard that is complete.
struct ShardRecord {
    std::int64_t bytes = 0;
    std::uint64_t checksum = 0; ///< io::file_checksum
};

/// What a run took, over all its ranks.
struct RunMeasures {
    std::int64_t n_cube = 0;                    ///< that were made, or tried, once for each rank that took part
    double seconds = 0;                         ///< wall time of making cubes
    double idle = 0;                            ///< share of the ranks' time in which they had nothing to do
    std::int64_t star_bytes = 0, gas_bytes = 0; ///< read from the snapshot
    std::int64_t selected_star_bytes = 0;       ///< of the stars that the cubes to be made ask for, each once
    double read_seconds = 0;                    ///< that reading took
    std::int64_t most_files = 0,
                 most_openings = 0; ///< files of the snapshot that a rank opened; and of one file, how often
    std::int64_t n_counter = 0;     ///< operations on the shared counter
    double counter_seconds = 0;     ///< that they took
    std::vector<std::pair<std::string, double>> phases; ///< seconds of each stage, in their order
};

/// One start of the program on a catalogue.
struct CatalogSession {
    double time = 0; ///< seconds since 1970
    std::int64_t n_rank = 1;
    std::string host;
    std::optional<RunMeasures> measures = {}; ///< of one that came to its end
};

/// All that is known of a catalogue's making. The files are the journals manifest.journal and, while a run goes on or after it was
/// killed, manifest.<rank>.journal beside it; docs/catalogues.md describes them.
struct Manifest {
    std::string version;                       ///< of the program that began it
    std::map<std::string, std::string> config; ///< every key and its value as text
    std::string extension;                     ///< of the cubes: "h5" or "fits"
    std::string checksum;                      ///< of the group catalogue
    std::vector<CatalogEntry> entries;
    std::vector<EntryRecord> records;          ///< [entry]
    std::map<std::string, ShardRecord> shards; ///< by their paths in the folder; of catalog.format: shards
    std::vector<CatalogSession> sessions;
    std::int64_t n_torn = 0; ///< bytes of unfinished records at the ends of the journals, which are left out

    std::int64_t count(EntryState state) const;
};

/// "cubes/17_0.h5"
std::string cube_name(const CatalogEntry& entry, const std::string& extension);

/// Reads the journals of a folder, of a run that goes on too; nullopt where there is none. One rank calls it.
/// @throws Error(Kind::data)  a record in the middle is damaged, or the list of entries is not complete
std::optional<Manifest> read_manifest(const std::string& folder);

/// Writes all into manifest.journal, aside and renamed, and removes the ranks' journals. One rank calls it, while it holds the lock.
/// @throws Error(Kind::resource)  unwritable; another run still writes one of them
void write_manifest(const std::string& folder, const Manifest& manifest);

/// The journal of one rank (or of the first of a group). Every record is one write at the end of the file.
class ManifestWriter {
public:
    /// Begins or goes on with manifest.<rank>.journal. @throws Error(Kind::resource)  unwritable, or in use
    ManifestWriter(const std::string& folder, int rank);
    ~ManifestWriter();
    ManifestWriter(const ManifestWriter&) = delete;
    ManifestWriter& operator=(const ManifestWriter&) = delete;

    /// Appends what became of an entry; `done` and `failed` reach the disk before it returns. @throws Error(Kind::resource)
    void append(std::int64_t entry, const EntryRecord& record);
    /// Appends that a shard is complete; it reaches the disk before this returns. @throws Error(Kind::resource)
    void append_shard(const std::string& name, const ShardRecord& record);

private:
    struct File;
    std::unique_ptr<File> file_;
};

/// Keeps a second run off a folder, from any host that shares its file system's locks; ends with the object, or the process.
class FolderLock {
public:
    /// @throws Error(Kind::config)    another run holds it (the text says where it runs)
    /// @throws Error(Kind::resource)  unwritable
    explicit FolderLock(const std::string& folder);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

private:
    std::string path_;
    int descriptor_ = -1;
};

/// Seconds since 1970.
double time_now();

} // namespace tessera
