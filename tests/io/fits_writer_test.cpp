// FITS by all ranks: each writes planes where they belong; sums of the parts are the checksums of the whole, by CFITSIO's own count.
#include <csignal>
#include <fstream>
#include <sstream>

#include <sys/resource.h>

#include <fitsio.h>
#include <gmock/gmock.h>

#include "io/fits_checksum.hpp"
#include "tessera/io/fits.hpp"
#include "tests/io/expect_checksums.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using io::FitsPixel;
using io::FitsWriter;
using test::error_of;
using test::world;
using testing::HasSubstr;

constexpr std::int64_t n_plane = 5, n_y = 151,
                       n_x = 1003; // planes of doubles are more than a piece; 2880 does not divide them
const std::array<std::int64_t, 3> shape{n_plane, n_y, n_x};

/// Bits without a pattern, as pixels of T.
template <class T>
std::vector<T> plane_of(std::int64_t plane) {
    std::vector<T> out(n_y * n_x);
    std::uint64_t state = static_cast<std::uint64_t>(plane) + 1;
    for (T& value : out) {
        state = state * 6364136223846793005U + 1442695040888963407U; // Knuth, MMIX
        value = static_cast<T>(static_cast<std::int32_t>(state >> 32U));
    }
    return out;
}

template <class T>
void write_mine(FitsWriter& file, const std::string& name, Communicator& comm) {
    for (std::int64_t plane = comm.rank(); plane < n_plane; plane += comm.size()) { // interleaved: any rank, any plane
        file.write_planes<T>(name, plane, plane_of<T>(plane));
    }
}

void write_file(const std::string& path, Communicator& comm) {
    FitsWriter file(path, &comm);
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        file.set("CREATOR", "a test");
        file.add_image("FLOAT", FitsPixel::float32, shape);
        file.set("BUNIT", "Angstrom", "unit");
        file.add_image("ZERO", FitsPixel::float32, shape);
        file.add_image("DOUBLE", FitsPixel::float64, shape);
        file.add_image("INTEGER", FitsPixel::int32, shape);
        const std::vector<io::FitsColumn> columns{{"TEXT", "", std::vector<std::string>{"odd", "bytes", "here"}}};
        file.add_table("TABLE", columns);
    });
    file.lay_out();
    agree(comm, [&] {
        write_mine<std::int32_t>(file, "INTEGER", comm);
        write_mine<float>(file, "FLOAT", comm);
        write_mine<double>(file, "DOUBLE", comm);
        const std::vector<float> zeros(n_y * n_x);
        for (std::int64_t plane = comm.rank(); plane < n_plane; plane += comm.size()) {
            file.write_planes<float>("ZERO", plane, zeros);
        }
    });
    file.close();
}

std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

template <class T>
void expect_planes(const io::FitsReader& file, const std::string& name) {
    const auto all = file.read_image<T>(file.index(name));
    ASSERT_EQ(static_cast<std::int64_t>(all.size()), n_plane * n_y * n_x);
    for (std::int64_t plane = 0; plane < n_plane; ++plane) {
        const auto expected = plane_of<T>(plane);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), all.begin() + plane * n_y * n_x)) << name << plane;
    }
}

TEST(FitsByAllRanks, HoldsEveryPlaneWithRightChecksums) {
    const std::string path = (test::scratch("fits-ranks") / "cube.fits").string();
    write_file(path, world());
    const io::FitsReader reader(path);
    expect_planes<float>(reader, "FLOAT");
    expect_planes<double>(reader, "DOUBLE");
    expect_planes<std::int32_t>(reader, "INTEGER");
    EXPECT_THAT(reader.read_image<float>(reader.index("ZERO")), testing::Each(0.0F));
    EXPECT_EQ(fs::file_size(path) % 2880, 0U);

    EXPECT_EQ(test::expect_checksums(path), 6);
}

TEST(FitsByAllRanks, IsTheSameFileAsByOne) {
    const fs::path folder = test::scratch("fits-same");
    write_file((folder / "all.fits").string(), world());
    const auto alone = world().split(world().rank(), 0);
    if (world().is_root()) { write_file((folder / "one.fits").string(), *alone); }
    if (world().is_root()) {
        EXPECT_TRUE(bytes_of((folder / "all.fits").string()) == bytes_of((folder / "one.fits").string()));
    }
    world().barrier();
}

/// No file grows beyond this on the ranks named, while it lives.
class FileSizeLimit {
public:
    FileSizeLimit(bool here, rlim_t bytes) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        if (here) { setrlimit(RLIMIT_FSIZE, &now); }
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    void (*handler_)(int) = nullptr;
    rlimit before_{};
};

TEST(FitsByAllRanks, AFailureOfTheLastRankAloneIsEverybodysAndLeavesNoFile) {
    const fs::path folder = test::scratch("fits-one-fails");
    const std::string path = (folder / "cube.fits").string();
    const auto error = error_of([&] {
        FitsWriter file(path, &world());
        agree(world(), [&] {
            if (world().is_root()) { file.add_image("FLOAT", FitsPixel::float32, shape); }
        });
        file.lay_out();
        const FileSizeLimit full(world().rank() == world().size() - 1, 100000);
        agree(world(), [&] { write_mine<float>(file, "FLOAT", world()); });
        file.close();
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr("cube.fits[FLOAT]"));
    EXPECT_THAT(error->what(), HasSubstr("File too large"));
    world().barrier();
    EXPECT_TRUE(fs::is_empty(folder));
}

TEST(FitsByAllRanks, WhatIsNotClosedIsNotFits) {
    const std::string path = (test::scratch("fits-open") / "cube.fits").string();
    FitsWriter file(path, &world());
    agree(world(), [&] {
        if (world().is_root()) { file.add_image("FLOAT", FitsPixel::float32, shape); }
    });
    file.lay_out();
    agree(world(), [&] { write_mine<float>(file, "FLOAT", world()); });
    const auto error = error_of([&] { io::FitsReader reader(path); });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), HasSubstr("does not begin like FITS"));
    world().barrier();
}

TEST(FitsByAllRanks, PlanesOutsideOrOfAnotherTypeAreRefused) {
    const std::string path = (test::scratch("fits-refused") / "cube.fits").string();
    FitsWriter file(path, &world());
    agree(world(), [&] {
        if (world().is_root()) { file.add_image("FLOAT", FitsPixel::float32, shape); }
    });
    file.lay_out();
    const auto of = [&](auto&& call) { return error_of(call).value_or(Error(Kind::config, "none")).kind(); };
    EXPECT_EQ(of([&] { file.write_planes<float>("FLOAT", n_plane, plane_of<float>(0)); }), Kind::internal);
    EXPECT_EQ(of([&] { file.write_planes<std::int32_t>("FLOAT", 0, plane_of<std::int32_t>(0)); }), Kind::internal);
    EXPECT_EQ(of([&] { file.write_planes<float>("DATA", 0, plane_of<float>(0)); }), Kind::internal);
    world().barrier();
}

TEST(FitsChecksum, PartsAddUpHoweverTheyAreCut) {
    // All ones and carries: where a sum modulo 2^32 - 1 has two zeros.
    const std::vector<std::uint32_t> words{0xFFFFFFFF, 0xFFFFFFFF, 1, 0xFFFFFFFE, 0, 0x80000000, 0x7FFFFFFF};
    std::vector<std::uint32_t> out(words.size());
    const auto sum = [&](std::size_t from, std::size_t to) {
        return io::folded(
            io::to_big_endian(words.data() + from, static_cast<std::int64_t>(to - from), 4, out.data() + from));
    };
    const std::uint32_t whole = sum(0, words.size());
    EXPECT_EQ(whole, 0xFFFFFFFFU); // each group above adds up to a multiple of 2^32 - 1, and is not nothing
    for (std::size_t cut = 0; cut <= words.size(); ++cut) {
        EXPECT_EQ(io::folded(std::uint64_t{sum(0, cut)} + sum(cut, words.size())), whole) << cut;
    }
    EXPECT_EQ(out[2], 0x01000000U);
    EXPECT_EQ(sum(4, 5), 0U);
    const std::vector<std::uint64_t> pair{0x0000000100000002U};
    std::vector<std::uint64_t> swapped(1);
    EXPECT_EQ(io::to_big_endian(pair.data(), 1, 8, swapped.data()), 3U);
    EXPECT_EQ(swapped[0], 0x0200000001000000U);
}

} // namespace
} // namespace tessera
