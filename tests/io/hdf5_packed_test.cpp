// Packed data sets read by several threads: the same numbers as HDF5 itself gives, and its errors.
#include "io/hdf5_packed.hpp"

#include <fstream>
#include <numeric>

#include <gmock/gmock.h>

#include "tessera/device/tasks.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using io::Hdf5File;

struct How {
    bool shuffle = true, deflate = true, damage = false;
    hsize_t written = 7; ///< rows; the others stay without chunks
};

/// [7, 20, 33] numbers 0, 1, 2, … in chunks of [2, 7, 10].
std::string packed_file(const std::string& name, hid_t type, const How& how) {
    const std::string path = (test::scratch("hdf5-unpack") / name).string();
    const hsize_t extent[3] = {7, 20, 33}, chunk[3] = {2, 7, 10}, none[3] = {0, 0, 0};
    const hsize_t part[3] = {how.written, 20, 33};
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(3, extent, nullptr),
                memory = H5Screate_simple(3, part, nullptr);
    H5Pset_chunk(creation, 3, chunk);
    const float fill = -5;
    H5Pset_fill_value(creation, H5T_NATIVE_FLOAT, &fill);
    if (how.shuffle) { H5Pset_shuffle(creation); }
    if (how.deflate) { H5Pset_deflate(creation, 6); }
    const hid_t data = H5Dcreate2(file, "packed", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    std::vector<double> values(7UL * 20 * 33);
    std::iota(values.begin(), values.end(), 0);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, none, nullptr, part, nullptr);
    H5Dwrite(data, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data());
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    haddr_t at = 0;
    hsize_t offset[3], size = 0;
    unsigned mask = 0;
    H5Dget_chunk_info(data, space, 20, offset, &mask, &at, &size);
    for (const hid_t id : {memory, space}) { H5Sclose(id); }
    H5Pclose(creation);
    H5Dclose(data);
    H5Fclose(file);
    if (how.damage) {
        std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(static_cast<std::streamoff>(at) + 30);
        bytes.write("damage", 6);
    }
    return path;
}

template <class T>
void expect_same(const std::string& path, bool applies) {
    const auto data = Hdf5File::open(path).dataset("packed");
    const std::size_t row = 20UL * 33;
    for (const auto& [first, n] : {std::pair{0, 7}, {0, 1}, {1, 5}, {3, 2}, {6, 1}, {7, 0}}) {
        std::vector<T> expected(static_cast<std::size_t>(n) * row);
        std::iota(expected.begin(), expected.end(), static_cast<T>(static_cast<std::size_t>(first) * row));
        EXPECT_EQ(data.read_rows<T>(first, n), expected);
        EXPECT_EQ(data.read_rows<T>(first, n, device::Host{4}), expected) << first << " " << n;
    }
    // That the threads did it, and not HDF5.
    const io::Hdf5Id access = io::access_plain(path); // as it is open already
    const io::Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
    io::Hdf5Object object;
    object.id = io::Hdf5Id(H5Dopen2(file.get(), "packed", H5P_DEFAULT), H5Dclose);
    ASSERT_TRUE(object.id.valid());
    std::vector<T> out(7 * row);
    const hid_t type = sizeof(T) == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    EXPECT_EQ(io::read_packed(object, data.shape(), 0, 7, type, out.data(), device::Host{2}), applies);
    EXPECT_FALSE(io::read_packed(object, data.shape(), 0, 7, type, out.data(), device::Host{1}));
}

TEST(Packed, RowsComeBackWhateverTheChunks) {
    expect_same<float>(packed_file("shuffled.h5", H5T_IEEE_F32LE, {}), true);
    expect_same<double>(packed_file("double.h5", H5T_IEEE_F64LE, {}), true);
    expect_same<float>(packed_file("plain.h5", H5T_IEEE_F32LE, {.shuffle = false}), true);
}

TEST(Packed, OtherTypesAndFiltersAreLeftToHdf5) {
    expect_same<double>(packed_file("converted.h5", H5T_IEEE_F32LE, {}), false);
    expect_same<float>(packed_file("big-endian.h5", H5T_IEEE_F32BE, {}), false);
    expect_same<float>(packed_file("chunked.h5", H5T_IEEE_F32LE, {.deflate = false}), false);
}

TEST(Packed, ChunksThatWereNeverWrittenHoldTheFillValue) {
    const auto data = Hdf5File::open(packed_file("sparse.h5", H5T_IEEE_F32LE, {.written = 3})).dataset("packed");
    const auto values = data.read_all<float>(device::Host{3});
    EXPECT_EQ(values, data.read_all<float>());
    EXPECT_EQ(values[3 * 660 - 1], 3 * 660 - 1);
    EXPECT_EQ(values.back(), -5);
}

TEST(Packed, ADamagedChunkIsHdf5sError) {
    const std::string path = packed_file("damaged.h5", H5T_IEEE_F32LE, {.damage = true});
    const auto data = Hdf5File::open(path).dataset("packed");
    const auto alone = test::error_of([&] { data.read_all<float>(); });
    const auto threads = test::error_of([&] { data.read_all<float>(device::Host{3}); });
    ASSERT_TRUE(alone && threads);
    EXPECT_EQ(threads->kind(), Kind::data);
    EXPECT_STREQ(threads->what(), alone->what());
    EXPECT_THAT(threads->what(), testing::HasSubstr(path + ":/packed"));
}

TEST(Packed, AReaderInsideOtherWorkUsesItsThreads) {
    const auto data = Hdf5File::open(packed_file("inside.h5", H5T_IEEE_F32LE, {})).dataset("packed");
    std::vector<float> values;
    std::vector<int> squares(100);
    device::with_tasks(device::Host{3}, [&](device::Tasks& tasks) {
        tasks.start(100, [&](std::int64_t i) { squares[static_cast<std::size_t>(i)] = static_cast<int>(i * i); });
        values = data.read_all<float>(device::Host{3});
    });
    EXPECT_EQ(values, data.read_all<float>());
    EXPECT_EQ(squares[99], 9801);
}

} // namespace
} // namespace tessera
