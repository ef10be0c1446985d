// When the file of an index is used, and where there can be none.
#include <chrono>
#include <fstream>
#include <sstream>

#include "tests/particles/crowd.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::Crowd;

/// Whether the file is used as it is: then it is not written again.
bool is_used(const Crowd& crowd) {
    test::on_root([&] { fs::last_write_time(crowd.file(), fs::file_time_type::clock::now() - std::chrono::hours(1)); });
    const auto before = fs::last_write_time(crowd.file());
    test::world().barrier();
    EXPECT_NE(crowd.index(), nullptr);
    const bool used = fs::last_write_time(crowd.file()) == before;
    test::world().barrier();
    return used;
}

TEST(RowIndex, ItsFileIsUsedWhereItIsWholeAndOfTheseChunksAlone) {
    const Crowd crowd("file", 3000);
    EXPECT_NE(crowd.index(), nullptr);
    EXPECT_TRUE(is_used(crowd));
    const auto damage = [&](const char* what, const auto& how) {
        test::on_root(how);
        EXPECT_FALSE(is_used(crowd)) << what;
        EXPECT_TRUE(is_used(crowd)) << what << ": made anew";
    };
    damage("truncated", [&] { fs::resize_file(crowd.file(), fs::file_size(crowd.file()) / 2); });
    damage("empty", [&] { fs::resize_file(crowd.file(), 0); });
    damage("a changed byte", [&] {
        const auto cuboids = io::Hdf5File::open(crowd.file()).dataset("cuboids").read_rows<std::int32_t>(0, 1);
        const std::string wanted(reinterpret_cast<const char*>(cuboids.data()), 12);
        std::stringstream text;
        text << std::ifstream(crowd.file(), std::ios::binary).rdbuf();
        std::string bytes = text.str();
        const std::size_t at = bytes.find(wanted);
        ASSERT_NE(at, std::string::npos);
        bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
        std::ofstream(crowd.file(), std::ios::binary) << bytes;
    });
    damage("a chunk written again",
           [&] { fs::last_write_time(crowd.chunk(0), fs::last_write_time(crowd.chunk(0)) + std::chrono::seconds(2)); });
    damage("another snapshot", [&] {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = crowd.input.path;
        options.n_star = 3100;
        options.n_subhalo = 20;
        options.box_size = 700;
        const auto alone = make_self_communicator();
        make_snapshot(options, *alone);
    });
}

TEST(RowIndex, SaysWhyThereCanBeNone) {
    const Crowd crowd("none", 3000);
    const auto try_it = [&](const SnapshotOptions& input, const std::string& folder) {
        return test::error_of([&] {
            const auto galaxies = index_snapshot(input, std::vector<std::int64_t>{0}, test::world());
            find_field_index(*galaxies, folder, test::world());
        });
    };
    test::expect_error(try_it(test::input(crowd.chunk(0)), crowd.folder.string()), Kind::config, {"cut-out"});
    test::expect_error(try_it(crowd.input, (crowd.folder / "no" / "such").string()), Kind::resource,
                       {"no folder", "simulation.index"});
    auto galaxies = crowd.snapshot();
    EXPECT_EQ(find_field_index(*galaxies, crowd.folder.string(), test::world(), WithoutFile::none).stars, nullptr);
    const auto index = find_field_index(*galaxies, crowd.folder.string(), test::world()).stars;
    const FieldBox large{.half = {10, 10, 0.5 * index->side()}};
    test::expect_error(test::error_of([&] { index->rows_in(large); }), Kind::config, {"simulation.depth", "diagonal"});
    galaxies.reset();                       // and with it its open files
    const std::string bad = crowd.chunk(2); // it has stars
    ASSERT_TRUE(io::Hdf5File::open(bad).has_dataset("PartType4/Coordinates"));
    test::world().barrier();
    test::on_root([&] { fs::resize_file(bad, fs::file_size(bad) / 2); });
    test::expect_error(try_it(crowd.input, (crowd.folder / "new").string()), Kind::data, {bad});
    EXPECT_FALSE(fs::exists(crowd.folder / "new" / "snap_099.star_index.h5"));
}

} // namespace
} // namespace tessera
