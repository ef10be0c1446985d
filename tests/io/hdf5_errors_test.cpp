// What the user reads when an HDF5 file is not what it should be, on any number of ranks.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tessera/io/hdf5.hpp"
#include "tests/io/hdf5_files.hpp"

namespace tessera {
namespace {

using io::ElementClass;
using io::Hdf5Dataset;
using io::Hdf5File;
using io::Hdf5Group;
using io::NumberType;
using test::error_of;
using test::foreign_file;
using test::ramp;
using test::world;
using testing::HasSubstr;

TEST(Hdf5Errors, AMissingDatasetIsNamedWithTheNearestOne) {
    const std::string path = foreign_file("hdf5-missing", "missing.h5", [](hid_t file) {
        H5Gclose(H5Gcreate2(file, "PartType4", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Gclose(H5Gcreate2(file, "PartType4/Masses", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    });
    const Hdf5Group file = Hdf5File::open(path, &world());
    const auto dataset = error_of([&] { file.dataset("PartType4/Mases"); });
    ASSERT_TRUE(dataset);
    EXPECT_EQ(dataset->kind(), Kind::data);
    EXPECT_THAT(dataset->what(), HasSubstr(path + ":/PartType4/Mases"));
    EXPECT_THAT(dataset->what(), HasSubstr("no 'Mases' in '/PartType4'"));
    EXPECT_THAT(dataset->what(), HasSubstr("nearest name is 'Masses'"));
    const auto group = error_of([&] { file.group("PartType5/Masses"); });
    ASSERT_TRUE(group);
    EXPECT_THAT(group->what(), HasSubstr("no 'PartType5' in '/'"));
    EXPECT_THAT(group->what(), HasSubstr("nearest name is 'PartType4'"));
    const auto other = error_of([&] { file.dataset("PartType4"); });
    ASSERT_TRUE(other);
    EXPECT_THAT(other->what(), HasSubstr("found a group; expected a dataset"));
}

TEST(Hdf5Errors, RowsOutsideTheDatasetAreAnErrorOfEveryRank) {
    const std::string path = foreign_file("hdf5-outside", "outside.h5", [](hid_t file) {
        const hsize_t ten = 10;
        const hid_t space = H5Screate_simple(1, &ten, nullptr);
        H5Dclose(H5Dcreate2(file, "id", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Sclose(space);
    });
    const Hdf5Dataset data = Hdf5File::open(path, &world()).dataset("id");
    const bool last = world().rank() == world().size() - 1; // only one rank asks for too much
    const auto error = error_of([&] { data.read_rows<std::int64_t>(last ? 8 : 0, last ? 3 : 1); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_THAT(error->what(), HasSubstr(path + ":/id: found 10 rows; expected at least 11"));
}

TEST(Hdf5Errors, TextWhereNumbersBelongIsAnError) {
    const std::string path = foreign_file("hdf5-text", "text.h5", [](hid_t file) {
        const hsize_t two = 2;
        const hid_t space = H5Screate_simple(1, &two, nullptr);
        const hid_t text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, 4);
        H5Dclose(H5Dcreate2(file, "Masses", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Tclose(text);
        H5Sclose(space);
    });
    const Hdf5Dataset data = Hdf5File::open(path, &world()).dataset("Masses");
    EXPECT_EQ(data.element_class(), ElementClass::text);
    for (const auto& error : {error_of([&] { data.read_all<float>(); }), error_of([&] { data.number_type(); })}) {
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::data);
        EXPECT_THAT(error->what(), HasSubstr(path + ":/Masses: found text; expected numbers"));
    }
}

TEST(Hdf5Errors, AMissingFilterIsNamed) {
    // A filter that exists while the file is made and not while it is read: what a user without a plugin sees.
    const H5Z_filter_t number = 300;
    const std::string path = foreign_file("hdf5-filter", "filter.h5", [&](hid_t file) {
        const H5Z_class2_t filter{
            H5Z_CLASS_T_VERS,
            number,
            1,
            1,
            "squeeze-9",
            nullptr,
            nullptr,
            [](unsigned, std::size_t, const unsigned*, std::size_t n, std::size_t*, void**) { return n; }};
        H5Zregister(&filter);
        const hsize_t ten = 10;
        const hid_t space = H5Screate_simple(1, &ten, nullptr);
        const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(creation, 1, &ten);
        H5Pset_filter(creation, number, H5Z_FLAG_MANDATORY, 0, nullptr);
        const hid_t data = H5Dcreate2(file, "packed", H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
        const std::int32_t values[10] = {};
        H5Dwrite(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Dclose(data);
        H5Pclose(creation);
        H5Sclose(space);
    });
    if (world().is_root()) { H5Zunregister(number); }
    const Hdf5Dataset data = Hdf5File::open(path, &world()).dataset("packed");
    const auto error = error_of([&] { data.read_all<std::int32_t>(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_THAT(error->what(), HasSubstr("filter 'squeeze-9' (number 300)"));
    EXPECT_THAT(error->what(), HasSubstr("/packed"));
}

TEST(Hdf5Errors, ADamagedPackedChunkIsAnErrorOfEveryRank) {
    haddr_t at = 0;
    const std::string path = foreign_file("hdf5-damaged", "damaged.h5", [&](hid_t file) {
        const hsize_t extent = 1000, chunk = 100;
        const hid_t space = H5Screate_simple(1, &extent, nullptr);
        const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(creation, 1, &chunk);
        H5Pset_fletcher32(creation);
        const hid_t data = H5Dcreate2(file, "checked", H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
        H5Dwrite(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, ramp<std::int32_t>(0, 1000).data());
        H5Fflush(file, H5F_SCOPE_GLOBAL);
        hsize_t offset[1], size = 0;
        unsigned mask = 0;
        H5Dget_chunk_info(data, space, 0, offset, &mask, &at, &size);
        H5Dclose(data);
        H5Pclose(creation);
        H5Sclose(space);
    });
    if (world().is_root()) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at) + 10);
        file.write("damage", 6);
    }
    world().barrier();
    // Rank 0's share lies in the damaged chunk, the others' do not: all must learn of it.
    const Hdf5Dataset data = Hdf5File::open(path, &world()).dataset("checked");
    const auto error = error_of([&] { data.read_rows<std::int32_t>(world().rank() * 100, 100); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_THAT(error->what(), HasSubstr(path + ":/checked"));
    EXPECT_THAT(error->what(), HasSubstr("checksum"));
}

TEST(Hdf5Errors, BadFilesAreOneErrorOnEveryRank) {
    const auto folder = test::scratch("hdf5-bad");
    const std::string good = foreign_file("hdf5-good", "good.h5", [](hid_t file) {
        const hsize_t extent = 10000;
        const hid_t space = H5Screate_simple(1, &extent, nullptr);
        const hid_t data = H5Dcreate2(file, "id", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Dwrite(data, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, ramp<std::int64_t>(0, 10000).data());
        H5Dclose(data);
        H5Sclose(space);
    });
    const std::string truncated = (folder / "truncated.h5").string(), text = (folder / "text.h5").string();
    if (world().is_root()) {
        std::filesystem::copy_file(good, truncated);
        std::filesystem::resize_file(truncated, 40000);
        std::ofstream(text) << "this is not HDF5\n";
    }
    world().barrier();
    const auto expect = [&](const std::string& path, const std::string& part) {
        const auto error = error_of([&] { Hdf5File::open(path, &world()); });
        ASSERT_TRUE(error) << path;
        EXPECT_EQ(error->kind(), Kind::data);
        EXPECT_THAT(error->what(), HasSubstr(path));
        EXPECT_THAT(error->what(), HasSubstr(part));
    };
    expect(truncated, "truncated");
    expect(text, "not HDF5");
    expect((folder / "absent.h5").string(), "no such file");
    expect(folder.string(), "a folder");
}

TEST(Hdf5Errors, AnUnwritablePathIsAResourceErrorOfEveryRank) {
    const std::string path = (test::scratch("hdf5-unwritable") / "absent" / "out.h5").string();
    const auto error = error_of([&] { Hdf5File::create(path, &world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr(path));
    EXPECT_THAT(error->what(), HasSubstr("cannot be written"));
}

/// While it lives files cannot grow beyond `bytes`: writing past that fails like a full disk does.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

TEST(Hdf5Errors, AFullDiskIsAResourceErrorOfEveryRank) {
    const auto folder = test::scratch("hdf5-full");
    const std::string path = (folder / "full.h5").string();
    const auto expect = [](const std::optional<Error>& error, const std::string& where) {
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::resource);
        EXPECT_THAT(error->what(), HasSubstr(where));
        EXPECT_THAT(error->what(), HasSubstr("no room on the disk"));
        EXPECT_THAT(error->what(), HasSubstr("free space"));
    };
    Hdf5Group file = Hdf5File::create(path, &world());
    {
        const FileSizeLimit limit(std::int64_t{4} << 20);
        const std::int64_t n = std::int64_t{1} << 20;
        expect(error_of([&] { file.create_dataset("flux", NumberType::float64, std::array<std::int64_t, 1>{n}); }),
               path + ":/flux");
        file.set("after", 1.0); // the file is still whole
        Hdf5File::close(file);
    }
    file = {};
    EXPECT_EQ(Hdf5File::open(path, &world()).number("after"), 1.0);
    const FileSizeLimit limit(std::int64_t{4} << 20);
    file = Hdf5File::create(path, &world());
    expect(error_of([&] {
               file.set("config", std::string(std::size_t{5} << 20, 'x'));
               Hdf5File::close(file); // what rank 0 alone met is everybody's from here
           }),
           path + ":/ (attribute config)");
    const FileSizeLimit less(4096);
    const std::string other = (folder / "other.h5").string();
    expect(error_of([&] { Hdf5File::create(other, &world()); }), other);
}

} // namespace
} // namespace tessera
