// The manifest survives a write that was cut anywhere, and says when it was damaged.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/journal.hpp"
#include "tessera/catalog/manifest.hpp"
#include "tessera/core/host_name.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void spill(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

EntryRecord done_record() {
    EntryRecord out;
    out.state = EntryState::done;
    out.seconds = 0.125;
    out.time = 1e9;
    out.host = "node7";
    out.bytes = 4096;
    out.checksum = 0xfedcba9876543210ULL;
    out.facts.redshift = 0.0312345678901234;
    out.facts.n_star = 1234;
    out.facts.n_wind_dropped = 5;
    out.facts.n_in_field = 1200;
    out.facts.star_checksum = "00ff";
    out.facts.error_rms = 1.25e-4;
    out.facts.error_max = std::nan("");
    out.facts.rotation = {1, 0, 0, 0, 0.6, -0.8, 0, 0.8, 0.6};
    return out;
}

Manifest three_entries() {
    Manifest out;
    out.version = "tessera test";
    out.config = {{"catalog.seed", "1"}, {"ssp.path", "\"a file, with \\\"quotes\\\"\""}};
    out.extension = "h5";
    out.checksum = "00112233";
    out.entries = {{17, 0, 0.05, 100}, {17, 1, 0.0625, 100}, {23, 0, 0.05, 7}};
    out.records.resize(3);
    out.sessions = {{1e9, 4, "node7"}};
    return out;
}

void expect_equal(const EntryRecord& a, const EntryRecord& b) {
    EXPECT_EQ(a.state, b.state);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.message, b.message);
    EXPECT_EQ(a.bytes, b.bytes);
    EXPECT_EQ(a.checksum, b.checksum);
    EXPECT_EQ(a.seconds, b.seconds);
    EXPECT_EQ(a.facts.redshift, b.facts.redshift) << "every bit comes back";
    EXPECT_EQ(a.facts.n_star, b.facts.n_star);
    EXPECT_EQ(a.facts.error_rms, b.facts.error_rms);
    EXPECT_EQ(std::isnan(a.facts.error_max), std::isnan(b.facts.error_max));
    EXPECT_EQ(a.facts.rotation, b.facts.rotation);
    EXPECT_EQ(a.facts.star_checksum, b.facts.star_checksum);
}

TEST(Manifest, ComesBackAsItWasWritten) {
    const std::string folder = test::scratch("manifest").string();
    EXPECT_FALSE(read_manifest(folder).has_value());
    Manifest written = three_entries();
    written.records[1] = done_record();
    write_manifest(folder, written);
    {
        ManifestWriter writer(folder, 2);
        writer.append(0, {.state = EntryState::running});
        EntryRecord failed{.state = EntryState::failed};
        failed.kind = Kind::data;
        failed.message = "a row with\na \"quote\" and ä";
        writer.append(2, failed);
    }
    const auto read = read_manifest(folder);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->config, written.config);
    EXPECT_EQ(read->entries, written.entries);
    EXPECT_EQ(read->sessions.size(), 1U);
    EXPECT_EQ(read->records[0].state, EntryState::running);
    expect_equal(read->records[1], written.records[1]);
    EXPECT_EQ(read->records[2].state, EntryState::failed);
    EXPECT_EQ(read->records[2].message, "a row with\na \"quote\" and ä");

    write_manifest(folder, *read); // folds the rank's journal in
    EXPECT_FALSE(fs::exists(fs::path(folder) / "manifest.2.journal"));
    const auto folded = read_manifest(folder);
    for (std::size_t i = 0; i < 3; ++i) { expect_equal(folded->records[i], read->records[i]); }
}

TEST(Manifest, LosesOnlyTheLastRecordWhereverItsWriteWasCut) {
    const fs::path folder = test::scratch("torn");
    write_manifest(folder.string(), three_entries());
    {
        ManifestWriter writer(folder.string(), 0);
        writer.append(0, done_record());
        writer.append(2, done_record());
    }
    const fs::path path = folder / "manifest.0.journal";
    const std::string whole = slurp(path);
    const std::size_t first_end = whole.find('\n') + 1;
    for (std::size_t n = first_end; n <= whole.size(); ++n) {
        spill(path, whole.substr(0, n));
        const auto read = read_manifest(folder.string());
        ASSERT_TRUE(read.has_value());
        ASSERT_EQ(read->records[0].state, EntryState::done) << n;
        ASSERT_EQ(read->records[2].state, n == whole.size() ? EntryState::done : EntryState::waiting) << n;
        ASSERT_EQ(read->n_torn, n == whole.size() ? 0 : static_cast<std::int64_t>(n - first_end));
    }
    // What a power cut may leave in place of the bytes.
    spill(path, whole.substr(0, first_end + 20) + std::string(50, '\0'));
    EXPECT_EQ(read_manifest(folder.string())->records[0].state, EntryState::done);
}

TEST(Manifest, IsRefusedWhenDamagedInTheMiddle) {
    const fs::path folder = test::scratch("damaged");
    Manifest manifest = three_entries();
    manifest.records[0] = done_record();
    write_manifest(folder.string(), manifest);
    const fs::path path = folder / "manifest.journal";
    const std::string whole = slurp(path);
    std::string changed = whole;
    changed[whole.find("\"id\":17") + 5] = '3';
    spill(path, changed);
    const auto damaged = test::error_of([&] { static_cast<void>(read_manifest(folder.string())); });
    ASSERT_TRUE(damaged.has_value());
    EXPECT_EQ(damaged->kind(), Kind::data);
    spill(path, whole.substr(0, whole.find("\"id\":23"))); // an entry is missing: no run writes that
    const auto incomplete = test::error_of([&] { static_cast<void>(read_manifest(folder.string())); });
    ASSERT_TRUE(incomplete.has_value());
    EXPECT_NE(std::string(incomplete->what()).find("2 of 3 entries"), std::string::npos) << incomplete->what();
}

TEST(Manifest, ADoneEntryStaysDone) {
    const std::string folder = test::scratch("stays").string();
    write_manifest(folder, three_entries());
    {
        ManifestWriter writer(folder, 0);
        writer.append(0, done_record());
        writer.append(0, {.state = EntryState::running});
    }
    EXPECT_EQ(read_manifest(folder)->records[0].state, EntryState::done);
}

TEST(FolderLock, KeepsASecondRunOff) {
    const std::string folder = test::scratch("lock").string();
    {
        const FolderLock first(folder);
        const auto error = test::error_of([&] { const FolderLock second(folder); });
        ASSERT_TRUE(error.has_value());
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find(host_name()), std::string::npos) << error->what();
    }
    EXPECT_FALSE(fs::exists(fs::path(folder) / "manifest.lock"));
    const FolderLock again(folder);
}

TEST(Manifest, IsNotFoldedWhileARankStillWrites) {
    const std::string folder = test::scratch("straggler").string();
    write_manifest(folder, three_entries());
    const ManifestWriter straggler(folder, 1);
    const auto error = test::error_of([&] { write_manifest(folder, three_entries()); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::resource);
}

} // namespace
} // namespace tessera
