// pPXF's .npz files: zip members stored and deflated, byte orders, Fortran order, [M/H] to mass fraction, damaged files.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tessera/ssp/library.hpp"
#include "tests/support/test_support.hpp"

using namespace tessera;
using testing::HasSubstr;

namespace {

template <class T>
void append(std::string& bytes, T value) {
    char item[sizeof(T)];
    std::memcpy(item, &value, sizeof(T));
    bytes.append(item, sizeof(T));
}

std::string npy_header(const std::string& descr, bool fortran, const std::string& shape) {
    std::string text =
        "{'descr': " + descr + ", 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
    text += std::string((64 - (10 + text.size() + 1) % 64) % 64, ' ') + "\n";
    std::string out("\x93NUMPY\x01\x00", 8);
    append(out, static_cast<std::uint16_t>(text.size()));
    return out + text;
}

/// An array as numpy.save writes it. @param swap  big-endian
template <class T>
std::string npy(const std::string& letter, const std::string& shape, const std::vector<double>& values,
                bool swap = false, bool fortran = false) {
    std::string out = npy_header("'" + std::string(swap ? ">" : "<") + letter + "'", fortran, shape);
    for (const double value : values) {
        std::string item;
        append(item, static_cast<T>(value));
        if (swap) { std::reverse(item.begin(), item.end()); }
        out += item;
    }
    return out;
}

struct Member {
    std::string name, bytes;
    bool deflated = false, wide = false; ///< wide: sizes in the 64-bit extra field, as numpy writes large arrays
};

std::string deflate_raw(const std::string& bytes) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// A zip file, by hand: local headers, directory, its end.
std::string zip(const std::vector<Member>& members) {
    std::string file, directory;
    for (const Member& member : members) {
        const std::string data = member.deflated ? deflate_raw(member.bytes) : member.bytes;
        const auto crc = static_cast<std::uint32_t>(
            crc32(0, reinterpret_cast<const Bytef*>(member.bytes.data()), static_cast<uInt>(member.bytes.size())));
        const auto packed = static_cast<std::uint32_t>(data.size()),
                   size = static_cast<std::uint32_t>(member.bytes.size());
        const auto offset = static_cast<std::uint32_t>(file.size());
        const std::string name = member.name + ".npy";
        std::string extra;
        if (member.wide) {
            append(extra, std::uint16_t{1});
            append(extra, std::uint16_t{16});
            append(extra, std::uint64_t{size});
            append(extra, std::uint64_t{packed});
        }
        std::string fields; // from the version on, equal in both headers
        for (const int value : {20, 0, member.deflated ? 8 : 0, 0, 0}) {
            append(fields, static_cast<std::uint16_t>(value));
        }
        append(fields, crc);
        append(fields, member.wide ? 0xffffffffu : packed);
        append(fields, member.wide ? 0xffffffffu : size);
        append(fields, static_cast<std::uint16_t>(name.size()));
        append(fields, static_cast<std::uint16_t>(extra.size()));
        file += "PK\x03\x04" + fields + name + extra + data;
        directory += std::string("PK\x01\x02") + std::string("\x14\x00", 2) + fields + std::string(10, '\0');
        append(directory, offset);
        directory += name + extra;
    }
    const auto n = static_cast<std::uint16_t>(members.size());
    std::string end("PK\x05\x06\x00\x00\x00\x00", 8);
    append(end, n);
    append(end, n);
    append(end, static_cast<std::uint32_t>(directory.size()));
    append(end, static_cast<std::uint32_t>(file.size()));
    return file + directory + end + std::string(2, '\0');
}

// [wavelength 4, age 3, metallicity 2]: value = 100 w + 10 a + m + 1
std::vector<double> templates() {
    std::vector<double> out;
    for (int w = 0; w < 4; ++w) {
        for (int a = 0; a < 3; ++a) {
            for (int m = 0; m < 2; ++m) { out.push_back(100 * w + 10 * a + m + 1); }
        }
    }
    return out;
}

std::vector<Member> good_members() {
    return {{"templates", npy<double>("f8", "(4, 3, 2)", templates()), true},
            {"lam", npy<double>("f8", "(4,)", {3500, 5000, 6000, 9500})},
            {"fwhm", npy<float>("f4", "(4,)", {9, 2.5, 2.5, 9}), true},
            {"ages", npy<double>("f8", "(3,)", {0.1, 1, 10})},
            {"metals", npy<double>("f8", "(2,)", {-0.71, 0})}};
}

std::string write(const std::string& name, const std::string& bytes) {
    const std::string path = (test::scratch("ssp_ppxf") / name).string();
    if (test::world().is_root()) { std::ofstream(path, std::ios::binary) << bytes; }
    test::world().barrier();
    return path;
}

ssp::Library read(const std::string& path, const ssp::ReadHints& hints = {}) {
    ssp::LibraryOptions options;
    options.path = path;
    return ssp::read_library(options, test::world(), hints);
}

void expect_order(const ssp::Library& library) {
    ASSERT_EQ(library.flux.size(), 24u);
    for (int m = 0; m < 2; ++m) {
        for (int a = 0; a < 3; ++a) {
            for (int w = 0; w < 4; ++w) { EXPECT_EQ(library.nodes()(m * 3 + a, w), 100 * w + 10 * a + m + 1); }
        }
    }
}

void expect_refused(const std::string& path, const std::vector<std::string>& parts) {
    const auto error = test::error_of([&] { read(path); });
    ASSERT_TRUE(error) << path << " was read";
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_THAT(error->what(), HasSubstr(std::filesystem::path(path).filename().string()));
    for (const std::string& part : parts) { EXPECT_THAT(error->what(), HasSubstr(part)); }
}

} // namespace

TEST(Ppxf, EmilesArrivesTransposedWithPadovaMassFractions) {
    const ssp::Library library = read(write("spectra_emiles_9.0.npz", zip(good_members())));
    EXPECT_EQ(library.format, "ppxf");
    EXPECT_EQ(library.medium, Medium::air);
    EXPECT_EQ(library.age, (std::vector<double>{0.1, 1, 10}));
    // Girardi et al. (2000): [M/H] = -0.71 is their Z = 0.004, 0 is 0.019; [M/H] has two digits, 0.005 dex are 1.2 %
    EXPECT_NEAR(library.metallicity[0], 0.004, 0.004 * 0.012);
    EXPECT_NEAR(library.metallicity[1], 0.019, 1e-12);
    ASSERT_TRUE(library.resolution_fwhm);
    EXPECT_EQ(*library.resolution_fwhm, 2.5) << "the median between 3600 and 9300 Angstrom";
    expect_order(library);
}

TEST(Ppxf, EachPublishedFileHasItsSunAndMedium) {
    const ssp::Library fsps = read(write("spectra_fsps_9.0.npz", zip(good_members())));
    EXPECT_EQ(fsps.medium, Medium::vacuum);
    EXPECT_NEAR(fsps.metallicity[1], 0.0142, 1e-15);
    EXPECT_NEAR(fsps.metallicity[0], 0.0142 * std::pow(10, -0.71), 1e-15);
    const ssp::Library galaxev = read(write("spectra_galaxev_9.0.npz", zip(good_members())));
    EXPECT_EQ(galaxev.medium, Medium::air);
    EXPECT_NEAR(galaxev.metallicity[1], 0.02, 1e-15);
}

TEST(Ppxf, AnUnknownFileNeedsTheSun) {
    const std::string path = write("mine.npz", zip(good_members()));
    expect_refused(path, {"metals", "--solar-metallicity"});
    ssp::ReadHints hints;
    hints.solar_metallicity = 0.017;
    hints.medium = Medium::air;
    const ssp::Library library = read(path, hints);
    EXPECT_NEAR(library.metallicity[1], 0.017, 1e-15);
    EXPECT_EQ(library.medium, Medium::air);
}

TEST(Npz, FortranOrderBigEndianAndIntegersAreRead) {
    auto members = good_members();
    std::vector<double> fortran; // first index fastest
    for (int m = 0; m < 2; ++m) {
        for (int a = 0; a < 3; ++a) {
            for (int w = 0; w < 4; ++w) { fortran.push_back(100 * w + 10 * a + m + 1); }
        }
    }
    members[0] = {"templates", npy<float>("f4", "(4, 3, 2)", fortran, true, true), true};
    members[1] = {"lam", npy<std::int64_t>("i8", "(4,)", {3500, 5000, 6000, 9500}, true)};
    expect_order(read(write("spectra_emiles_fortran.npz", zip(members))));
}

TEST(Npz, SixtyFourBitSizesAreRead) {
    auto members = good_members();
    for (Member& member : members) { member.wide = true; }
    expect_order(read(write("spectra_emiles_wide.npz", zip(members))));
}

TEST(Npz, DamagedFilesAreRefused) {
    const std::string good = zip(good_members());
    expect_refused(write("cut.npz", good.substr(0, good.size() / 2)), {});
    std::string flipped = good; // one byte of the data of `lam`, which is stored
    const std::size_t lam = flipped.find("lam.npy");
    flipped[lam + 7 + 128 + 3] ^= 1;
    expect_refused(write("spectra_emiles_flipped.npz", flipped), {"lam", "CRC"});
    std::string deflated = good;
    for (std::size_t i = 0; i < 20; ++i) { deflated[60 + i] ^= 0x55; }
    expect_refused(write("spectra_emiles_deflated.npz", deflated), {});
    // The directory's end claims a directory beyond the file.
    std::string beyond = good;
    const std::uint32_t offset = 0x7fffffff;
    std::memcpy(beyond.data() + beyond.size() - 6, &offset, 4);
    expect_refused(write("spectra_emiles_beyond.npz", beyond), {});
}

TEST(Npz, WhatAPpxfFileMustHoldIsNamed) {
    for (std::size_t missing = 0; missing < 5; ++missing) {
        auto members = good_members();
        const std::string name = members[missing].name;
        if (name == "fwhm") { continue; } // the one that may be absent
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(missing));
        expect_refused(write("spectra_emiles_without_" + name + ".npz", zip(members)), {":" + name, "no such array"});
    }
    auto members = good_members();
    members.erase(members.begin() + 2);
    EXPECT_FALSE(read(write("spectra_emiles_without_fwhm.npz", zip(members))).resolution_fwhm);
    members = good_members();
    members[0].bytes = npy<double>("f8", "(2, 3, 4)", templates());
    expect_refused(write("spectra_emiles_shape.npz", zip(members)), {"templates", "[2, 3, 4]", "[4, 3, 2]"});
    members[0].bytes = npy<double>("f8", "(4, 3, 2)", {1, 2, 3});
    expect_refused(write("spectra_emiles_short.npz", zip(members)), {"templates"});
    members = good_members();
    members[3].bytes = npy_header("'<U5'", false, "(3,)") + std::string(60, 'a');
    expect_refused(write("spectra_emiles_text.npz", zip(members)), {"ages", "U5"});
    members[3].bytes = "no array at all";
    expect_refused(write("spectra_emiles_words.npz", zip(members)), {"ages"});
}
