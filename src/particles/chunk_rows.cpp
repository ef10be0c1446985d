#include "particles/chunk_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tessera/core/log.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

/// Lies of the headers, told once an input.
struct HeaderLies {
    std::string first, first_truncated;
    int count = 0, n_truncated = 0;
    void add(std::string text, bool truncated) {
        if ((truncated ? n_truncated : count)++ == 0) { (truncated ? first_truncated : first) = std::move(text); }
    }
    static std::string more(int n) { return n > 1 ? fmt::format(" ({} such counts)", n) : ""; }
    void report() const {
        if (count > 0) { log::warning(fmt::format("{}{}; the datasets are believed", first, more(count))); }
        if (n_truncated > 0) {
            log::warning(fmt::format("{}{}; it is truncated: the galaxies with rows at its end cannot be made",
                                     first_truncated, more(n_truncated)));
        }
    }
};

/// Type number of "PartType4"; -1 for other groups.
int type_number(const std::string& group) {
    return group.rfind("PartType", 0) == 0 ? std::atoi(group.c_str() + 8) : -1;
}

std::optional<double> count_in(const io::Hdf5Group& header, const char* attribute, int type) {
    if (type < 0 || !header.has_attribute(attribute)) { return std::nullopt; }
    const auto numbers = header.numbers(attribute); // as real numbers: some tools write NumPart_Total so
    if (static_cast<std::size_t>(type) >= numbers.size()) { return std::nullopt; }
    return numbers[static_cast<std::size_t>(type)];
}

/// NumPart_Total, with the upper 32 bits where the file keeps them apart.
std::optional<double> total_in(const io::Hdf5Group& header, int type) {
    const auto low = count_in(header, "NumPart_Total", type);
    if (!low) { return std::nullopt; }
    return *low + count_in(header, "NumPart_Total_HighWord", type).value_or(0) * 4294967296.0;
}

std::int64_t rows_of(const io::Hdf5Group& file, const std::string& group, const std::string& coordinates) {
    if (!file.has_group(group)) { return 0; }
    const io::Hdf5Group particles = file.group(group);
    if (particles.has_dataset(coordinates)) { return particles.dataset(coordinates).n_row(); }
    // Without positions any dataset tells that there are particles: what is missing is then said by name.
    for (const std::string& name : particles.names()) {
        if (particles.has_dataset(name)) { return particles.dataset(name).n_row(); }
    }
    return 0;
}

/// What is known of a group's rows.
struct Known {
    std::vector<std::optional<std::int64_t>> held, said; ///< [chunk] by the datasets, by the header
    std::optional<std::int64_t> total;                   ///< by the headers
};

/// Rows of chunk i by the first rows of all.
std::optional<std::int64_t> rows_between(const std::vector<std::int64_t>& first, std::size_t i,
                                         std::optional<std::int64_t> total) {
    if (i + 1 < first.size()) { return first[i + 1] - first[i]; }
    return total ? std::optional(*total - first[i]) : std::nullopt;
}

/// The rows that a chunk should have, where its datasets hold less: what the offsets say, or else headers that add up.
std::optional<std::int64_t> rows_intended(const Known& known, const std::vector<std::int64_t>* first, std::size_t i) {
    const auto said = known.said[i], held = known.held[i];
    if (!said || !held || *said <= *held || !known.total) { return std::nullopt; }
    if (first != nullptr) { return rows_between(*first, i, known.total) == said ? said : std::nullopt; }
    std::int64_t sum = 0;
    bool all = true;
    for (std::size_t k = 0; k < known.said.size(); ++k) {
        if (!known.held[k]) {
            all = false;
            continue;
        }
        if (!known.said[k] || *known.held[k] > *known.said[k]) { return std::nullopt; }
        sum += *known.said[k];
    }
    return (all ? sum == *known.total : sum <= *known.total) ? said : std::nullopt;
}

std::string names_of(const ChunkContents& contents) {
    std::vector<std::string> names;
    for (const auto& [chunk, error] : contents.unreadable) { names.push_back(contents.files[chunk]); }
    return fmt::format("{}", fmt::join(names, ", "));
}

/// Rows of unreadable chunks, by the first rows of all or what the total leaves to them.
void place_unreadable(ChunkContents& contents, const std::string& group, const Known& known,
                      const std::vector<std::int64_t>* first) {
    std::vector<std::int64_t>& rows = contents.rows[group];
    const auto& [begin, error] = *contents.unreadable.begin();
    const std::size_t last = contents.unreadable.rbegin()->first;
    if (first != nullptr && (known.total || last + 1 < first->size())) {
        for (const auto& [chunk, why] : contents.unreadable) {
            rows[chunk] = std::max<std::int64_t>(0, rows_between(*first, chunk, known.total).value());
        }
        return;
    }
    const std::int64_t sum = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
    const bool none = sum == 0 && !known.total; // a type that the headers do not count
    if (none || known.total == sum) { return; }
    bool trusted = known.total && *known.total > sum;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        trusted = trusted && (!known.held[i] || !known.said[i] || *known.held[i] <= *known.said[i]);
    }
    if (!trusted) { throw error; } // nobody knows how many rows are missing
    // From the first to the last of them: rows before are counted from the beginning, those after from the end.
    std::int64_t region = *known.total - sum, before = 0;
    for (std::size_t i = 0; i < begin; ++i) { before += rows[i]; }
    for (std::size_t i = begin; i <= last; ++i) { region += rows[i]; }
    const bool one_run = last - begin + 1 == contents.unreadable.size();
    if (contents.unreadable.size() > 1) {
        const std::string files = names_of(contents);
        contents.unplaced.emplace(
            std::pair(group, begin),
            one_run
                ? Error(error.kind(), fmt::format("{} (one of {}, which cannot be read)", error.what(), files))
                : Error({.kind = Kind::data,
                         .where = files,
                         .found = "files that are missing or cannot be read, and do not follow each other",
                         .expected = fmt::format("all but one, or an offsets file with FileOffsets, to tell in which "
                                                 "file each of the rows {} to {} of {} lies",
                                                 before, before + region, group),
                         .cure = "fetch them again, or postprocessing/offsets; then go on with --retry-failed"}));
        for (std::size_t i = begin; i <= last; ++i) { rows[i] = 0; }
    }
    rows[begin] = region;
}

void expect_there(const std::string& path, std::size_t chunk) {
    std::error_code error;
    if (std::filesystem::exists(path, error) || error) { return; }
    throw Error({.kind = Kind::data,
                 .where = path,
                 .found = "no such file",
                 .expected = fmt::format("chunk {} of the snapshot", chunk),
                 .cure = "fetch it"});
}

/// Files that the headers count beyond the last one there.
void add_missing_end(ChunkContents& contents, const io::Hdf5Group& file) {
    if (!file.has_group("Header")) { return; }
    const double n = file.group("Header").find_number("NumFilesPerSnapshot").value_or(0);
    while (static_cast<double>(contents.files.size()) < n) {
        const auto next = numbered_like(contents.files.front(), std::ssize(contents.files));
        if (!next) { return; }
        contents.files.push_back(*next);
    }
}

} // namespace

std::optional<Error> ChunkContents::failure(const std::string& group, std::size_t chunk) const {
    if (const auto it = unplaced.find({group, chunk}); it != unplaced.end()) { return it->second; }
    const auto it = unreadable.find(chunk);
    return it != unreadable.end() ? std::optional(it->second) : std::nullopt;
}

io::Hdf5Group ChunkContents::first_file() const {
    std::size_t i = 0;
    while (unreadable.contains(i) && i + 1 < files.size()) { ++i; }
    return open->file(files[i]);
}

ChunkContents count_rows(const InputFiles& input, const std::vector<std::string>& groups,
                         const std::string& coordinates, bool header_counts, const Spare& spare) {
    ChunkContents contents{.files = input.chunks, .stamps = {}, .rows = {}, .open = input.open};
    std::map<std::string, Known> known;
    for (std::size_t i = 0; i < contents.files.size(); ++i) { // add_missing_end() may add to them
        const std::string path = contents.files[i];
        contents.stamps.emplace_back();
        for (const std::string& group : groups) {
            known[group].held.emplace_back();
            known[group].said.emplace_back();
        }
        try {
            if (spare.chunks) { expect_there(path, i); }
            const io::Hdf5Group file = contents.open->file(path);
            for (const std::string& group : groups) { known[group].held[i] = rows_of(file, group, coordinates); }
            contents.stamps[i] = io::stamp_of(path);
            if (!header_counts || !file.has_group("Header")) { continue; }
            const io::Hdf5Group header = file.group("Header");
            for (const std::string& group : groups) {
                Known& of = known[group];
                if (const auto n = count_in(header, "NumPart_ThisFile", type_number(group))) {
                    of.said[i] = std::llround(*n);
                }
                if (const auto n = total_in(header, type_number(group))) { of.total = std::llround(*n); }
            }
            if (spare.chunks) { add_missing_end(contents, file); }
        } catch (const Error& error) {
            if (!spare.chunks) { throw; }
            for (const std::string& group : groups) { known[group].held[i].reset(); }
            contents.stamps[i].reset();
            contents.unreadable.emplace(i, error);
        }
    }
    const std::size_t n_bad = contents.unreadable.size();
    if (n_bad == contents.files.size() && n_bad > 0) { throw contents.unreadable.begin()->second; }
    HeaderLies lies;
    for (const std::string& group : groups) {
        const Known& of = known[group];
        const auto found = spare.first_rows.find(group);
        const auto* first =
            found != spare.first_rows.end() && found->second.size() == contents.files.size() ? &found->second : nullptr;
        std::vector<std::int64_t>& rows = contents.rows[group];
        for (std::size_t i = 0; i < contents.files.size(); ++i) {
            const auto intended = spare.chunks ? rows_intended(of, first, i) : std::nullopt;
            rows.push_back(intended.value_or(of.held[i].value_or(0)));
            if (intended) { contents.truncated.emplace(group, i); }
            if (of.said[i] && of.held[i] && *of.said[i] != *of.held[i]) {
                lies.add(fmt::format("{}:/Header: NumPart_ThisFile says {} rows of {}, the datasets hold {}",
                                     contents.files[i], *of.said[i], group, *of.held[i]),
                         intended.has_value());
            }
        }
        if (n_bad > 0) { place_unreadable(contents, group, of, first); }
        const std::int64_t sum = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
        if (of.total && *of.total != sum) {
            lies.add(fmt::format("{}: NumPart_Total says {} rows of {}, the {} files hold {}", contents.files.front(),
                                 *of.total, group, contents.files.size(), sum),
                     false);
        }
    }
    lies.report();
    if (n_bad > 0) {
        log::warning(fmt::format("{} of {} chunks cannot be read, the galaxies with rows in them cannot be made: {}",
                                 n_bad, contents.files.size(), contents.unreadable.begin()->second.what()));
    }
    return contents;
}

} // namespace tessera::particles
