// What goes wrong around a catalogue: a chunk that cannot be read, a clock that was set back, another host.
#include <fstream>
#include <set>
#include <sstream>

#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Chunks, ThatCannotBeReadAreNamedAndTheirGalaxiesAreMadeLater) {
    const test::Box box("chunk", 0, 20, 6);
    const auto config = box.config();
    const fs::path chunks = fs::path(box.path) / "snapdir_099", good = box.folder / "good";
    const std::vector<std::string> bad{"snap_099.1.hdf5", "snap_099.4.hdf5"};
    test::on_root([&] {
        fs::copy(chunks, good);
        fs::resize_file(chunks / bad[0], fs::file_size(chunks / bad[0]) / 2);
        fs::remove(chunks / bad[1]);
    });
    test::world().barrier();
    const CatalogSummary broken = run_catalog(config, {}, test::world());
    EXPECT_GT(broken.n_failed, 1);
    EXPECT_GT(broken.n_made, 1);
    EXPECT_EQ(broken.n_open, 0);
    std::set<std::string> named;
    for (const auto& [cube, message] : broken.failures) {
        for (const std::string& name : bad) {
            if (message.find(name) != std::string::npos) { named.insert(name); }
        }
    }
    EXPECT_EQ(named.size(), 2U);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
    // The cube command, on one galaxy of those that can be made.
    const auto manifest = read_manifest((box.folder / "mocks").string()).value();
    const auto done = std::find_if(manifest.records.begin(), manifest.records.end(),
                                   [](const EntryRecord& record) { return record.state == EntryState::done; });
    const CatalogEntry& entry = manifest.entries[static_cast<std::size_t>(done - manifest.records.begin())];
    const std::string alone = (box.folder / "alone.h5").string();
    run_cube(config_of(config, entry, alone), test::world());
    EXPECT_LE(test::difference(cube_path(config, entry), alone), 1e-6);
    test::world().barrier();
    test::on_root([&] {
        for (const std::string& name : bad) {
            fs::copy_file(good / name, chunks / name, fs::copy_options::overwrite_existing);
        }
    });
    test::world().barrier();
    const CatalogSummary mended = run_catalog(config, {.retry_failed = true}, test::world());
    EXPECT_EQ(mended.n_failed, 0);
    EXPECT_EQ(mended.n_made, broken.n_failed);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
}

TEST(ACatalogue, GoesOnWithAnotherClockOnAnotherHost) {
    const test::Box box("clock");
    const auto config = box.config();
    const std::string folder = (box.folder / "mocks").string();
    const CatalogSummary made = run_catalog(config, {}, test::world());
    test::world().barrier();
    const auto last = select_galaxies(config).entries.back();
    test::on_root([&] {
        // As of a host whose clock is a year ahead; one cube is missing.
        Manifest manifest = *read_manifest(folder);
        for (EntryRecord& record : manifest.records) {
            record.time += 3e7;
            record.host = "elsewhere";
        }
        for (CatalogSession& session : manifest.sessions) {
            session.time += 3e7;
            session.host = "elsewhere";
        }
        write_manifest(folder, manifest);
        fs::remove(cube_path(config, last));
    });
    test::world().barrier();
    const std::string table = slurp(fs::path(folder) / "catalogue.hdf5");
    test::world().barrier();
    EXPECT_EQ(run_catalog(config, {.resume = true}, test::world()).n_made, 1);
    EXPECT_TRUE(slurp(fs::path(folder) / "catalogue.hdf5") == table) << "the table says nothing of times and hosts";
    const std::string status = catalog_status(folder);
    EXPECT_NE(status.find(fmt::format("done        {} ", made.n_entry)), std::string::npos) << status;
    EXPECT_TRUE(verify_catalog(folder, test::world()).problems.empty());
}

} // namespace
} // namespace tessera
