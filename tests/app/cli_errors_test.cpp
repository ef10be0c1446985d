// What the person at the terminal reads when something is wrong, and the exit code: 2 command line and configuration, 3 input
// data, 4 resources. One message each, naming the thing; no cube and no part of one is left.
#include <cstdlib>
#include <limits>

#include <hdf5.h> // to write text where numbers belong
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/app/place.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::expect_failure;
using test::expect_success;
using test::Place;
using test::run_tessera;
using test::thirty_stars;
using test::TinyStar;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Replaces a dataset of the place's input; `write` gets the open file.
template <class Write>
void replace(const std::string& file_name, const char* dataset, Write&& write) {
    const hid_t file = H5Fopen(file_name.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, dataset, H5P_DEFAULT);
    write(file);
    H5Fclose(file);
}

void put_empty(hid_t file, const char* dataset, hid_t type, std::vector<hsize_t> shape) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    H5Dclose(H5Dcreate2(file, dataset, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
}

// ---- 3: input data

TEST(InputErrors, MissingTruncatedAndForeignFiles) {
    const Place place("files");
    expect_failure(place.set("simulation.path=nowhere.hdf5"), 3,
                   {"nowhere.hdf5", "no such file", "that file's folder"});
    place.write("notes.hdf5", "my notes, not HDF5\n");
    expect_failure(place.set("simulation.path=notes.hdf5"), 3, {"notes.hdf5", "not HDF5", "fetch the file again"});
    place.write("zero.hdf5", "");
    expect_failure(place.set("simulation.path=zero.hdf5"), 3, {"zero.hdf5", "0 bytes"});
    fs::copy(place.stars_file, place.folder / "cut.hdf5");
    fs::resize_file(place.folder / "cut.hdf5", fs::file_size(place.stars_file) / 2);
    expect_failure(place.set("simulation.path=cut.hdf5"), 3, {"cut.hdf5", "truncated"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(InputErrors, MissingMisshapenAndTextDatasets) {
    const Place missing("dataset-missing");
    replace(missing.stars_file, "stars/age", [](hid_t) {});
    expect_failure(
        missing.cube(), 3,
        {"stars.hdf5:/stars", "no dataset for the age", "coordinates, initial_mass, metallicity, velocities"});

    const Place shape("dataset-shape");
    replace(shape.stars_file, "stars/coordinates",
            [](hid_t file) { put_empty(file, "stars/coordinates", H5T_IEEE_F64LE, {30}); });
    expect_failure(shape.cube(), 3, {"/stars/coordinates", "shape [30]", "[rows, 3]"});

    const Place length("dataset-length");
    replace(length.stars_file, "stars/age", [](hid_t file) { put_empty(file, "stars/age", H5T_IEEE_F64LE, {29}); });
    expect_failure(length.cube(), 3, {"/stars/age", "29 rows", "expected 30"});

    const Place text("dataset-text");
    replace(text.stars_file, "stars/age", [](hid_t file) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, 4);
        put_empty(file, "stars/age", type, {30});
        H5Tclose(type);
    });
    expect_failure(text.cube(), 3, {"/stars/age", "found text", "expected numbers"});
    EXPECT_EQ(text.cubes(), std::vector<std::string>{});
}

TEST(InputErrors, BadValuesNameTheRow) {
    struct Bad {
        const char* dataset;
        TinyStar star;
        const char* found;
    };
    for (const Bad& bad : {Bad{"age", {.age = nan}, "found nan"}, Bad{"velocities", {.vx = -infinity}, "found -inf"},
                           Bad{"initial_mass", {.mass = -1}, "found -1"}, Bad{"age", {.age = -2}, "found -2"}}) {
        auto stars = thirty_stars();
        stars[21] = bad.star;
        const Place place("bad-value", stars);
        expect_failure(
            place.cube(), 3,
            {fmt::format("stars.hdf5:/stars/{}, row 21", bad.dataset), bad.found, "Repair or remove the row"});
        EXPECT_EQ(place.cubes(), std::vector<std::string>{});
    }
}

TEST(InputErrors, NoStarAndNoStarInTheField) {
    const Place none("no-star", {});
    expect_failure(none.cube(), 3, {"stars.hdf5", "no star at all"});
    const Place away("away", {{.x = 40}, {.x = -40}});
    expect_failure(away.cube(), 3, {"no star of 2 in the field", "-40.00 to 40.00 kpc", "output.empty: zeros"});
    EXPECT_EQ(away.cubes(), std::vector<std::string>{});
    const auto asked = away.set("output.empty=zeros");
    expect_success(asked);
    EXPECT_TRUE(test::contains(asked.err, "warning: no star of 2 in the field")) << asked.err;
    for (const float value : Place::read(away.cube_file).flux) { ASSERT_EQ(value, 0); }
}

TEST(InputErrors, MalformedLibraries) {
    const Place place("library");
    expect_failure(place.set("ssp.path=nowhere.h5"), 3, {"nowhere.h5", "no such file", "ssp.path", "demo"});
    place.write("notes.h5", "not a library");
    expect_failure(place.set("ssp.path=notes.h5"), 3, {"notes.h5", "none of the known formats"});
    const auto broken = [&](const char* name, const char* dataset, std::vector<hsize_t> shape) {
        const std::string path = (place.folder / name).string();
        fs::copy(place.library_file, path);
        replace(path, dataset, [&](hid_t file) {
            if (shape.empty()) { return; }
            put_empty(file, dataset, H5T_IEEE_F32LE, shape);
            H5Adelete(file, "checksum"); // as in a library that tessera did not write
        });
        return place.set(std::string("ssp.path=") + name);
    };
    expect_failure(broken("a.h5", "flux", {}), 3, {"a.h5", "'flux'", "age, metallicity, wavelength"});
    expect_failure(broken("b.h5", "flux", {0, 5, 191}), 3, {"b.h5:/flux", "empty data set", "[0, 5, 191]"});
    expect_failure(broken("c.h5", "flux", {5, 3, 191}), 3, {"c.h5:/flux", "shape [5, 3, 191]", "[3, 5, 191]"});
    expect_failure(broken("d.h5", "flux", {3, 5, 191}), 3, {"d.h5", "flux", "only zeros"});
    expect_failure(broken("e.h5", "metallicity", {3}), 3, {"e.h5", "metallicity", "strictly ascending"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

// ---- 2: command line and configuration

TEST(ConfigErrors, KeysTypesAndRanges) {
    const Place place("keys");
    const auto with = [&](const std::string& yaml) {
        return run_tessera({"cube", place.write("wrong.yaml", yaml)}, 0, place.folder);
    };
    expect_failure(with("galaxy: {redshft: 0.1}\n"), 2,
                   {"wrong.yaml", "'galaxy.redshft'", "Did you mean 'galaxy.redshift'?"});
    expect_failure(with("galaxi: {redshift: 0.1}\n"), 2, {"wrong.yaml", "'galaxi'"});
    expect_failure(with("galaxy: {redshift: fast}\n"), 2,
                   {"wrong.yaml", "galaxy.redshift", "found fast", "a finite number"});
    expect_failure(with("galaxy: 5\n"), 2, {"wrong.yaml", "galaxy", "found 5", "a section"});
    expect_failure(with("galaxy:\n  redshift: [1,\nview: 2\n"), 2, {"wrong.yaml", "line "});
    expect_failure(with("galaxy: {redshift: 0.1, redshift: 0.2}\n"), 2, {"line 1", "'redshift' a second time"});
    expect_failure(place.set("galaxy.redshift=-0.1"), 2, {"galaxy.redshift", "found -0.1", "> 0"});
    expect_failure(place.cube({"--set", "synthesis.method=binned", "--set", "synthesis.resampling=rubix"}), 2,
                   {"synthesis.method", "found binned with synthesis.resampling: rubix", "exact or auto"});
    expect_failure(place.set("noise.throughput=1.5"), 2, {"noise.throughput", "found 1.5", "<= 1"});
    expect_failure(place.set("view.rotation=sideways"), 2, {"view.rotation", "sideways", "face-on"});
    expect_failure(place.set("telescope.name=MUES"), 2, {"telescope.name", "'MUES'", "Did you mean 'MUSE'?"});
    expect_failure(place.set("telescope.wavelength_range=[5100, 5000]"), 2,
                   {"telescope.wavelength_range", "[5100, 5000]"});
    expect_failure(place.set("output.path=cube.txt"), 2, {"output.path", "cube.txt", ".h5, .hdf5, .fits"});
    expect_failure(place.set("simulation.path=null"), 2, {"simulation.path", "null"});
    expect_failure(run_tessera({"cube", "nowhere.yaml"}, 0, place.folder), 2, {"nowhere.yaml", "no readable file"});
    expect_failure(run_tessera({"cube", "."}, 0, place.folder), 2, {"found a folder", "a YAML file"});
    expect_failure(run_tessera({"config", "check", place.write("wrong.yaml", "psf: {fwhm: 0}\n")}), 2,
                   {"psf.fwhm", "found 0", "> 0"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(ConfigErrors, CommandLines) {
    const Place place("command-line");
    expect_failure(run_tessera({"cubes"}), 2, {"'cubes'", "Did you mean 'cube'?"});
    expect_failure(run_tessera({"ssp", "inof"}), 2, {"'inof'", "info | convert | demo", "Did you mean 'info'?"});
    expect_failure(run_tessera({"snapshot"}), 2, {"info | make"});
    expect_failure(run_tessera({"config"}), 2, {"check | show | describe"});
    expect_failure(run_tessera({"cube"}), 2, {"no configuration file", "tessera cube CONFIG.yaml"});
    expect_failure(place.cube({"--quite"}), 2, {"'--quite'", "Did you mean '--quiet'?"});
    expect_failure(place.cube({"another.yaml"}), 2, {"tessera cube"});
    expect_failure(place.cube({"--set"}), 2, {"--set"});
    expect_failure(place.cube({"--set", "galaxy.redshift"}), 2, {"--set", "key=value"});
    expect_failure(place.cube({"--set", "galaxy.redshif=1"}), 2, {"'galaxy.redshif'", "'galaxy.redshift'"});
    expect_failure(place.cube({"-q", "-v"}), 2, {"--quiet and --verbose"});
    const auto bare = run_tessera({});
    EXPECT_EQ(bare.exit_code, 2);
    EXPECT_TRUE(test::contains(bare.out, "Usage:")) << bare.out;
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(ConfigErrors, RangeThatTheLibraryDoesNotCover) {
    // The library ends at 20000 Angstrom, observed at 21000; no LSF, so that nothing beyond the band is needed.
    const Place place("coverage");
    const std::vector<std::string> beyond{"--set", "telescope.wavelength_range=[20800, 21075]", "--set",
                                          "lsf.profile=none"};
    expect_failure(place.cube(beyond), 2,
                   {"library.h5", "1000.0 to 20000.0 Angstrom", "of 220 telescope pixels", "and 21073.75 Angstrom",
                    "not covered", "synthesis.uncovered: flag"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
    auto forecast = beyond;
    forecast.emplace_back("--dry-run");
    expect_failure(place.cube(forecast), 2, {"not covered"}); // known before any star is read
    auto allowed = beyond;
    allowed.insert(allowed.end(), {"--set", "synthesis.uncovered=flag"});
    expect_success(place.cube(allowed));
    const auto mask = Place::read(place.cube_file).file.dataset("mask").read_all<std::int32_t>();
    EXPECT_EQ(mask.front() & 1, 0);
    EXPECT_EQ(mask.back() & 1, 1);
}

// ---- 4: resources

TEST(ResourceErrors, OutputsThatCannotBeWritten) {
    const Place place("unwritable");
    expect_failure(place.cube({"-o", "nowhere/cube.h5"}), 4, {"nowhere/cube.h5", "no folder", "Make the folder"});
    place.write("file", "");
    expect_failure(place.cube({"-o", "file/cube.h5"}), 4, {"file/cube.h5", "not a folder"});
    fs::create_directory(place.folder / "taken.h5");
    expect_failure(place.cube({"-o", "taken.h5"}), 4, {"taken.h5", "a folder of that name"});
    expect_failure(place.set("output.quicklook=nowhere/look.png"), 4, {"nowhere/look.png", "no folder"});
    if (geteuid() != 0) { // root may write anywhere
        fs::create_directory(place.folder / "locked");
        ::chmod((place.folder / "locked").c_str(), 0555);
        expect_failure(place.cube({"-o", "locked/cube.h5"}), 4, {"locked", "cannot be written"});
        ::chmod((place.folder / "locked").c_str(), 0755);
    }
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

/// Files may not grow beyond this size while it lives, in this process and those it starts.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

TEST(ResourceErrors, OutputWithoutRoom) {
    const Place place("full");
    // 8 MB are enough for MPI's own files; the cube is 14 MB.
    const std::vector<std::string> large{"--set", "telescope.field_of_view=170", "--set",
                                         "telescope.wavelength_range=[5000, 5150]"};
    const auto run = [&](const std::string& name, int n_rank) {
        auto words = large;
        words.insert(words.end(), {"-o", name});
        const FileSizeLimit limit(8 << 20);
        return place.cube(words, n_rank);
    };
    expect_failure(run("cube.h5", 0), 4, {"cube.h5", "free space"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
    expect_failure(run("cube.fits", 0), 4, {"cube.fits", "free space"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
    expect_failure(run("cube.h5", 3), 4, {"cube.h5", "free space"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(ResourceErrors, TooLittleMemory) {
    const Place place("memory");
    setenv("TESSERA_MEMORY_LIMIT", "50000000", 1);
    const auto large = place.set("telescope.field_of_view=1000");
    const auto forecast = place.cube({"--dry-run"});
    unsetenv("TESSERA_MEMORY_LIMIT");
    expect_failure(
        large, 4,
        {"memory", "0.05 GB available to each of 1 ranks", "GB a rank (", "telescope.field_of_view", "--dry-run"});
    expect_success(forecast); // it is there to show what is needed
    EXPECT_TRUE(test::contains(forecast.out, "50.0 MB free")) << forecast.out;
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(ResourceErrors, TooLittleMemoryNamesTheRanksThatWouldDo) {
    const Place place("memory-ranks");
    const std::vector<std::string> large{"--set", "telescope.field_of_view=500"};
    auto words = large;
    words.emplace_back("--dry-run");
    setenv("TESSERA_MEMORY_LIMIT", "170000000", 1);
    const auto run = place.cube(large);
    const auto forecast = place.cube(words);
    unsetenv("TESSERA_MEMORY_LIMIT");
    const auto enough = place.cube(words);
    expect_failure(run, 4, {"memory", "Use at least ", " ranks with as much memory each (1 on each node"});
    expect_success(forecast);
    EXPECT_TRUE(test::contains(forecast.out, "does not fit; it would on ")) << forecast.out;
    EXPECT_TRUE(test::contains(enough.out, "fits; it would on 1 rank with")) << enough.out;
}

TEST(ResourceErrors, TooLittleMemoryOfAnAccelerator) {
    const Place place("device-memory");
    setenv("TESSERA_EMULATED_MEMORY", "1000000", 1);
    const auto small = place.set("parallel.device=emulated");
    const auto forecast = place.cube({"--dry-run", "--set", "parallel.device=emulated"});
    setenv("TESSERA_EMULATED_MEMORY", "200000000", 1);
    const auto enough = place.set("parallel.device=emulated");
    unsetenv("TESSERA_EMULATED_MEMORY");
    expect_failure(small, 4, {"memory of emulated 0", "0.001 GB free", "GB more", "parallel.device: cpu"});
    expect_success(forecast);
    EXPECT_TRUE(test::contains(forecast.out, "device   emulated 0")) << forecast.out;
    expect_success(enough);
}

// ---- 3 ranks, of which one meets the error: all leave with its code, one message, and no file

TEST(ErrorsOfOneRank, OfTheInput) {
    auto stars = thirty_stars();
    stars[28].metallicity = nan; // the last third
    const Place place("rank-nan", stars);
    expect_failure(place.cube({}, 3), 3, {"/stars/metallicity, row 28", "found nan"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(ErrorsOfOneRank, OfTheFile) {
    const Place place("rank-file");
    fs::resize_file(place.stars_file, fs::file_size(place.stars_file) / 2);
    expect_failure(place.cube({}, 3), 3, {"stars.hdf5", "truncated"});
    expect_failure(place.set("ssp.path=nowhere.h5", 3), 3, {});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(ErrorsOfOneRank, OfTheSynthesis) {
    auto stars = thirty_stars();
    stars[29].vz = 2e5; // km/s
    const Place fast("rank-fast", stars);
    expect_failure(fast.cube({}, 3), 3, {"line-of-sight velocity", "200000 km/s", "galaxy.velocity"});
    stars = thirty_stars();
    stars[0].age = 23;
    const Place old("rank-old", stars);
    expect_failure(old.set("ssp.outside=error", 3), 3, {"age 23", "0 to 20 Gyr"});
    EXPECT_EQ(fast.cubes(), std::vector<std::string>{});
    EXPECT_EQ(old.cubes(), std::vector<std::string>{});
}

TEST(ErrorsOfOneRank, OfConfigurationFieldAndOutput) {
    const Place place("rank-config");
    expect_failure(place.set("galaxy.redshift=0", 3), 2, {"galaxy.redshift", "found 0"});
    expect_failure(place.cube({"--frob"}, 3), 2, {"'--frob'"});
    expect_failure(place.cube({"-o", "nowhere/cube.h5"}, 3), 4, {"nowhere/cube.h5", "no folder"});
    const Place away("rank-away", {{.x = 40}, {.x = -40}});
    expect_failure(away.cube({}, 3), 3, {"no star of 2 in the field"});
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
    EXPECT_EQ(away.cubes(), std::vector<std::string>{});
}

} // namespace
} // namespace tessera
