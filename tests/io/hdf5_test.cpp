// HDF5 on any number of ranks: ranges of rows, types, attributes.
#include "tessera/io/hdf5.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "io/hdf5_handle.hpp"
#include "tessera/io/file_checksum.hpp"
#include "tests/io/hdf5_files.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

using io::ElementClass;
using io::Hdf5Dataset;
using io::Hdf5File;
using io::Hdf5Group;
using io::NumberType;
using test::error_of;
using test::foreign_file;
using test::ramp;
using test::world;
using testing::ElementsAre;
using testing::HasSubstr;

/// Rows of this rank when the ranks' shares are very uneven: rank r holds 3r rows, so rank 0 none.
struct Share {
    std::int64_t first, n, total;
};
Share ragged_share() {
    const std::int64_t r = world().rank(), p = world().size();
    return {3 * r * (r - 1) / 2, 3 * r, 3 * p * (p - 1) / 2};
}

template <class T>
void round_trip(NumberType type, const std::string& path) {
    const Share share = ragged_share();
    {
        Hdf5Group file = Hdf5File::create(path, &world());
        const std::array<std::int64_t, 2> shape{share.total + 1, 5};
        Hdf5Dataset data = file.create_dataset("a/b/numbers", type, shape);
        data.write_rows<T>(share.first, share.n, ramp<T>(5 * share.first, 5 * share.n));
        const bool last = world().rank() == world().size() - 1;
        data.write_rows<T>(share.total, last ? 1 : 0, last ? ramp<T>(5 * share.total, 5) : std::vector<T>{});
        Hdf5File::close(file);
    }
    const Hdf5Dataset data = Hdf5File::open(path, &world()).dataset("a/b/numbers");
    EXPECT_EQ(data.number_type(), type);
    EXPECT_THAT(data.shape(), ElementsAre(share.total + 1, 5));
    EXPECT_EQ(data.read_rows<T>(share.first, share.n), ramp<T>(5 * share.first, 5 * share.n));
    EXPECT_EQ(data.read_all<T>(), ramp<T>(0, 5 * (share.total + 1)));
}

TEST(Hdf5, RaggedAndEmptySharesOfEveryTypeComeBack) {
    const std::string path = (test::scratch("hdf5-types") / "types.h5").string();
    round_trip<float>(NumberType::float32, path);
    round_trip<double>(NumberType::float64, path);
    round_trip<std::int32_t>(NumberType::int32, path);
    round_trip<std::int64_t>(NumberType::int64, path);
    round_trip<std::uint64_t>(NumberType::uint64, path);
}

TEST(Hdf5, BoxesOfACubeFromEveryRankMakeTheWhole) {
    const std::string path = (test::scratch("hdf5-boxes") / "boxes.h5").string();
    const std::int64_t p = world().size(), r = world().rank();
    const std::array<std::int64_t, 3> shape{4, 3, 2 * p};
    {
        Hdf5Group file = Hdf5File::create(path, &world());
        Hdf5Dataset data = file.create_dataset("cube", NumberType::int32, shape);
        const std::array<std::int64_t, 3> offset{0, 0, 2 * r}, count{4, 3, 2};
        std::vector<std::int32_t> mine;
        for (int i = 0; i < 12; ++i) {
            for (int x = 0; x < 2; ++x) { mine.push_back(static_cast<std::int32_t>(i * 2 * p + 2 * r + x)); }
        }
        data.write_box<std::int32_t>(offset, count, mine);
        Hdf5File::close(file);
    }
    const Hdf5Dataset data = Hdf5File::open(path, &world()).dataset("/cube");
    EXPECT_EQ(data.read_all<std::int32_t>(), ramp<std::int32_t>(0, 4 * 3 * 2 * p));
    EXPECT_EQ(data.row_length(), 6 * p);
}

TEST(Hdf5, StoredTypesAreConvertedToTheOneAskedFor) {
    const std::string path = (test::scratch("hdf5-convert") / "convert.h5").string();
    {
        Hdf5Group file = Hdf5File::create(path, &world());
        const std::array<std::int64_t, 1> shape{3};
        file.create_dataset("real", NumberType::float32, shape)
            .write_rows<float>(0, 3, std::vector<float>{0.5F, -1.25F, 3e30F});
        file.create_dataset("id", NumberType::uint64, shape)
            .write_rows<std::uint64_t>(0, 3, std::vector<std::uint64_t>{1, (1ULL << 53) + 1, ~0ULL});
        file.create_dataset("none", NumberType::float64, std::array<std::int64_t, 2>{0, 3});
        file.create_dataset("scalar", NumberType::float64, {}).write_all<double>(std::vector<double>{7.5});
        Hdf5File::close(file);
    }
    const Hdf5Group file = Hdf5File::open(path, &world());
    EXPECT_THAT(file.dataset("real").read_all<double>(), ElementsAre(0.5, -1.25, static_cast<double>(3e30F)));
    EXPECT_THAT(file.dataset("id").read_all<std::uint64_t>(), ElementsAre(1, (1ULL << 53) + 1, ~0ULL));
    EXPECT_THAT(file.dataset("none").read_all<float>(), ElementsAre());
    EXPECT_THAT(file.dataset("scalar").read_all<float>(), ElementsAre(7.5F));
    EXPECT_EQ(file.dataset("real").element_class(), ElementClass::real);
    EXPECT_EQ(file.dataset("id").element_class(), ElementClass::integer);
}

TEST(Hdf5, ZerosTakeNoRoom) {
    const std::string path = (test::scratch("hdf5-zeros") / "zeros.h5").string();
    const std::array<std::int64_t, 2> shape{300, 1000};
    {
        Hdf5Group file = Hdf5File::create(path, &world());
        file.create_zeros("variance", NumberType::float32, shape).set("unit", std::string("Lsun2"));
        Hdf5File::close(file);
    }
    EXPECT_LT(fs::file_size(path), 100'000U);
    const Hdf5Dataset zeros = Hdf5File::open(path, &world()).dataset("variance");
    EXPECT_FALSE(zeros.takes_room());
    EXPECT_EQ(zeros.find_text("unit"), "Lsun2");
    std::vector<float> values(3000, 1.0F);
    zeros.read_rows<float>(7, 3, values);
    EXPECT_THAT(values, testing::Each(0.0F));
}

TEST(Hdf5, WritingShowsTheChecksumOfTheFile) {
    const std::string path = (test::scratch("hdf5-checksum") / "sum.h5").string();
    Hdf5Group file = Hdf5File::create(path, &world());
    file.set("text", std::string(5000, 'x'));
    const Share share = ragged_share();
    Hdf5Dataset bytes =
        file.create_dataset("bytes", NumberType::uint8, std::array<std::int64_t, 2>{share.total + 5, 7});
    bytes.write_rows<std::uint8_t>(share.first, share.n, ramp<std::uint8_t>(1, 7 * share.n));
    Hdf5Dataset numbers = file.create_dataset("numbers", NumberType::float64, std::array<std::int64_t, 1>{200'000});
    EXPECT_TRUE(numbers.takes_room() || !world().is_root());
    const std::int64_t n = world().is_root() ? 150'001 : 0; // the rest stays a hole
    numbers.write_rows<float>(3, n, ramp<float>(0, n));
    const std::optional<std::uint64_t> shown = Hdf5File::close(file);
    world().barrier();
    EXPECT_EQ(shown.has_value(), world().size() == 1);
    if (shown) { EXPECT_EQ(*shown, io::file_checksum(path)); }
    const auto absent = error_of([&] { io::file_checksum(path + ".absent"); });
    ASSERT_TRUE(absent);
    EXPECT_THAT(absent->what(), HasSubstr("no readable file"));
}

TEST(Hdf5, AttributesComeBack) {
    const std::string path = (test::scratch("hdf5-attributes") / "attributes.h5").string();
    const std::string long_text(100000, 'x'); // more than the 64 KiB of an object header
    {
        Hdf5Group file = Hdf5File::create(path, &world());
        Hdf5Group group = file.create_group("Header");
        group.set("time", 0.25);
        group.set("n", (std::int64_t{1} << 53) + 1);
        group.set("table", std::span<const double>(std::array{1.5, 2.5}));
        group.set("counts", std::span<const std::int64_t>(std::array<std::int64_t, 3>{1, 2, 3}));
        group.set("config", long_text);
        group.set("name", std::string("Ångström"));
        group.set("time", 0.5);
        Hdf5Dataset data = file.create_dataset("flux", NumberType::float32, std::array<std::int64_t, 1>{0});
        data.set("unit", std::string("Lsun"));
        data.set("a_scaling", -1.0);
        Hdf5File::close(file);
    }
    const Hdf5Group file = Hdf5File::open(path, &world());
    const Hdf5Group group = file.group("Header");
    EXPECT_EQ(group.number("time"), 0.5);
    EXPECT_THAT(group.integers("n"), ElementsAre((std::int64_t{1} << 53) + 1));
    EXPECT_THAT(group.integers("table"), ElementsAre(2, 3));
    EXPECT_THAT(group.numbers("table"), ElementsAre(1.5, 2.5));
    EXPECT_THAT(group.numbers("counts"), ElementsAre(1, 2, 3));
    EXPECT_EQ(group.find_text("config"), long_text);
    EXPECT_EQ(group.find_text("name"), "Ångström");
    EXPECT_EQ(group.find_text("time"), std::nullopt);
    EXPECT_EQ(group.find_text("absent"), std::nullopt);
    EXPECT_EQ(group.find_number("name"), std::nullopt);
    EXPECT_EQ(group.find_number("absent"), std::nullopt);
    EXPECT_TRUE(group.has_attribute("n"));
    EXPECT_FALSE(group.has_attribute("absent"));
    EXPECT_EQ(file.dataset("flux").find_text("unit"), "Lsun");
    EXPECT_EQ(file.dataset("flux").find_number("a_scaling"), -1.0);
    EXPECT_TRUE(file.dataset("flux").has_attribute("unit"));

    const auto missing = error_of([&] { group.number("tine"); });
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->kind(), Kind::data);
    EXPECT_THAT(missing->what(), HasSubstr("tine"));
    EXPECT_THAT(missing->what(), HasSubstr("nearest name is 'time'"));
    const auto text = error_of([&] { group.numbers("name"); });
    ASSERT_TRUE(text);
    EXPECT_EQ(text->kind(), Kind::data);
    EXPECT_THAT(text->what(), HasSubstr("found text"));
}

TEST(Hdf5, ForeignTypesOfAttributesAreRead) {
    const std::string path = foreign_file("hdf5-foreign", "foreign.h5", [](hid_t file) {
        const hid_t scalar = H5Screate(H5S_SCALAR);
        const hid_t fixed = H5Tcopy(H5T_C_S1);
        H5Tset_size(fixed, 8);
        H5Tset_strpad(fixed, H5T_STR_SPACEPAD);
        const hid_t name = H5Acreate2(file, "fixed", fixed, scalar, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(name, fixed, "SWIFT   ");
        H5Aclose(name);
        const hsize_t six = 6;
        const hid_t space = H5Screate_simple(1, &six, nullptr);
        const hid_t counts = H5Acreate2(file, "counts", H5T_STD_U32BE, space, H5P_DEFAULT, H5P_DEFAULT);
        const std::uint32_t values[6] = {0, 1, 2, 3, 4, 4000000000U};
        H5Awrite(counts, H5T_NATIVE_UINT32, values);
        H5Aclose(counts);
        const hid_t nothing = H5Screate(H5S_NULL);
        H5Aclose(H5Acreate2(file, "empty", H5T_IEEE_F64LE, nothing, H5P_DEFAULT, H5P_DEFAULT));
        H5Sclose(nothing);
        H5Sclose(space);
        H5Sclose(scalar);
        H5Tclose(fixed);
    });
    const Hdf5Group file = Hdf5File::open(path, &world());
    EXPECT_EQ(file.find_text("fixed"), "SWIFT");
    EXPECT_THAT(file.integers("counts"), ElementsAre(0, 1, 2, 3, 4, 4000000000));
    EXPECT_EQ(file.find_number("empty"), std::nullopt);
    const auto error = error_of([&] { file.number("empty"); });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), HasSubstr("no value"));
}

TEST(Hdf5, NestedPathsAreLookedUpSafely) {
    const std::string path = foreign_file("hdf5-links", "links.h5", [](hid_t file) {
        H5Gclose(H5Gcreate2(file, "PartType4", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        const hsize_t three = 3;
        const hid_t space = H5Screate_simple(1, &three, nullptr);
        H5Dclose(H5Dcreate2(file, "PartType4/Masses", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Sclose(space);
        H5Lcreate_soft("/nowhere", file, "dangling", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_soft("/PartType4", file, "stars", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_external("absent.h5", "/x", file, "outside", H5P_DEFAULT, H5P_DEFAULT);
    });
    const Hdf5Group file = Hdf5File::open(path, &world());
    EXPECT_TRUE(file.has("PartType4/Masses"));
    EXPECT_TRUE(file.has("/PartType4/Masses"));
    EXPECT_TRUE(file.has("stars/Masses"));
    EXPECT_TRUE(file.has_dataset("stars/Masses"));
    EXPECT_TRUE(file.has_group("stars"));
    EXPECT_TRUE(file.has_group("/"));
    EXPECT_FALSE(file.has("PartType5/Masses"));
    EXPECT_FALSE(file.has("PartType4/Masses/deeper"));
    EXPECT_FALSE(file.has("dangling"));
    EXPECT_FALSE(file.has("outside"));
    EXPECT_FALSE(file.has_group("PartType4/Masses"));
    EXPECT_FALSE(file.has_dataset("PartType4"));
    EXPECT_THAT(file.names(), ElementsAre("PartType4", "dangling", "outside", "stars"));
    EXPECT_THAT(file.group("PartType4").names(), ElementsAre("Masses"));
    EXPECT_EQ(file.group("PartType4").dataset("Masses").where(), path + ":/PartType4/Masses");
    EXPECT_EQ(file.group("PartType4").where(), path + ":/PartType4");
    EXPECT_EQ(file.file(), path);
}

TEST(Hdf5, WhatWasReservedAndNotUsedIsGivenBack) {
    const std::string path = (test::scratch("hdf5-size") / "small.h5").string();
    {
        Hdf5Group file = Hdf5File::create(path, &world());
        file.create_dataset("one", NumberType::float64, std::array<std::int64_t, 1>{1})
            .write_all<double>(std::vector<double>{1.0});
        Hdf5File::close(file);
    }
    world().barrier();
    EXPECT_LT(std::filesystem::file_size(path), 64 * 1024); // a few headers
}

TEST(Hdf5, TheVersionNamesTheFlavour) { EXPECT_THAT(Hdf5File::library_version(), HasSubstr("parallel")); }

} // namespace
} // namespace tessera
