// What make_snapshot refuses, and that it destroys nothing.
#include <fstream>
#include <functional>
#include <limits>

#include "tests/particles/synthetic_support.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

SyntheticOptions small(const fs::path& path, SyntheticLayout layout = SyntheticLayout::plain) {
    SyntheticOptions options;
    options.layout = layout;
    options.path = path.string();
    options.n_star = 200;
    return options;
}

struct Bad {
    const char* word; ///< that the message must hold
    std::function<void(SyntheticOptions&)> spoil;
};

TEST(SyntheticOptions, NumbersOutOfRangeAreRefusedByName) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<Bad> all{
        {"number of stars", [](SyntheticOptions& o) { o.n_star = 0; }},
        {"number of stars", [](SyntheticOptions& o) { o.n_star = -5; }},
        {"number of gas cells", [](SyntheticOptions& o) { o.n_gas = -1; }},
        {"seed", [](SyntheticOptions& o) { o.seed = -1; }},
        {"snapshot number", [](SyntheticOptions& o) { o.snapshot = 1000; }},
        {"redshift", [](SyntheticOptions& o) { o.redshift = -0.1; }},
        {"redshift", [=](SyntheticOptions& o) { o.redshift = nan; }},
        {"number of subhaloes", [](SyntheticOptions& o) { o.n_subhalo = 0; }},
        {"number of subhaloes", [](SyntheticOptions& o) { o.n_subhalo = 201; }},
        {"share of the largest subhalo", [](SyntheticOptions& o) { o.largest_fraction = 1; }},
        {"share of the largest subhalo", [=](SyntheticOptions& o) { o.largest_fraction = nan; }},
        {"number of chunk files", [](SyntheticOptions& o) { o.n_chunk = 0; }},
        {"box size", [](SyntheticOptions& o) { o.box_size = 0; }},
        {"stellar mass", [](SyntheticOptions& o) { o.stellar_mass = -1e10; }},
        {"scale length", [](SyntheticOptions& o) { o.scale_length = 0; }},
        {"rotation velocity", [=](SyntheticOptions& o) { o.v_max = nan; }},
        {"disc fraction", [](SyntheticOptions& o) { o.disc_fraction = 1.5; }},
        {"gas fraction", [](SyntheticOptions& o) { o.gas_fraction = 0; }},
        {"inclination", [](SyntheticOptions& o) { o.inclination = 181; }},
        {"position angle", [=](SyntheticOptions& o) { o.position_angle = nan; }},
    };
    const fs::path path = test::scratch("options-numbers") / "out";
    for (const Bad& bad : all) {
        SyntheticOptions options = small(path, SyntheticLayout::tng);
        bad.spoil(options);
        const auto error = test::error_of([&] { make_snapshot(options, test::world()); });
        ASSERT_TRUE(error) << bad.word;
        EXPECT_EQ(error->kind(), Kind::config) << bad.word;
        EXPECT_NE(std::string(error->what()).find(bad.word), std::string::npos) << error->what();
        EXPECT_FALSE(fs::exists(path));
    }
}

TEST(SyntheticOptions, PlainLayoutHasNeitherSubhaloesNorChunks) {
    const fs::path path = test::scratch("options-plain") / "out.h5";
    for (const int option : {0, 1, 2}) {
        SyntheticOptions options = small(path);
        if (option == 2) {
            options.largest_fraction = 0.5;
        } else {
            (option == 0 ? options.n_subhalo : options.n_chunk) = 2;
        }
        const auto error = test::error_of([&] { make_snapshot(options, test::world()); });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find("plain layout"), std::string::npos) << error->what();
    }
}

TEST(SyntheticOptions, PathThatHoldsSomethingElseIsRefusedAndLeftAlone) {
    const fs::path folder = test::scratch("options-path");
    if (test::world().is_root()) { std::ofstream(folder / "thesis.txt") << "precious"; }
    test::world().barrier();
    const auto refused = [&](const SyntheticOptions& options, const std::string& word) {
        const auto error = test::error_of([&] { make_snapshot(options, test::world()); });
        ASSERT_TRUE(error) << word;
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find(word), std::string::npos) << error->what();
    };
    refused(small(folder), "a folder");                                    // plain wants a file
    refused(small(folder, SyntheticLayout::tng), "thesis.txt");            // a folder with something else in it
    refused(small(folder / "thesis.txt", SyntheticLayout::tng), "a file"); // tng wants a folder
    refused(small(""), "no path");
    EXPECT_EQ(test::bytes_of(folder), (std::map<std::string, std::string>{{"thesis.txt", "precious"}}));
}

TEST(SyntheticOptions, UnwritablePathIsAResourceErrorOnEveryRank) {
    const fs::path folder = test::scratch("options-unwritable");
    if (test::world().is_root()) { std::ofstream(folder / "file") << "in the way"; }
    test::world().barrier();
    for (const auto layout : {SyntheticLayout::plain, SyntheticLayout::tng}) {
        const auto error =
            test::error_of([&] { make_snapshot(small(folder / "file" / "below", layout), test::world()); });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::resource);
        EXPECT_NE(std::string(error->what()).find("below"), std::string::npos) << error->what();
    }
}

TEST(SyntheticOptions, MakingAgainReplacesAndLeavesNothingAside) {
    const fs::path folder = test::scratch("options-again");
    SyntheticOptions tng = small(folder / "new" / "box", SyntheticLayout::tng); // folders are made
    tng.n_chunk = 5;
    make_snapshot(tng, test::world());
    tng.n_chunk = 2;
    tng.path += "/"; // a slash at the end is the same folder
    make_snapshot(tng, test::world());
    SyntheticOptions plain = small(folder / "new" / "one.h5");
    make_snapshot(plain, test::world());
    make_snapshot(plain, test::world());
    const auto names = test::bytes_of(folder / "new");
    EXPECT_EQ(names.count("one.h5"), 1U);
    EXPECT_EQ(names.count("box/snapdir_099/snap_099.1.hdf5"), 1U);
    EXPECT_EQ(names.count("box/snapdir_099/snap_099.2.hdf5"), 0U) << "a chunk of the first run was left";
    for (const auto& [name, bytes] : names) { EXPECT_EQ(name.find("partial"), std::string::npos) << name; }
    test::world().barrier();
}

} // namespace
} // namespace tessera
