#include "tessera/core/hash.hpp"

#include <set>
#include <string>

#include "tessera/core/placed_hash.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

std::uint64_t of(const std::string& bytes) {
    WordHash hash;
    hash.add_bytes(bytes.data(), bytes.size());
    return hash.hash();
}

TEST(WordHash, EveryBitCounts) {
    const std::string bytes(27, 'x'); // three words and a part
    std::set<std::uint64_t> seen{of(bytes)};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string other = bytes;
            other[i] = static_cast<char>(other[i] ^ (1 << bit));
            seen.insert(of(other));
        }
    }
    EXPECT_EQ(seen.size(), 27U * 8 + 1);
}

TEST(WordHash, TheHighestBitsOfTwoWordsDoNotCancel) {
    std::string bytes(64, 'x');
    const std::uint64_t before = of(bytes);
    bytes[7] = static_cast<char>(bytes[7] ^ 0x80); // the signs of two numbers
    bytes[39] = static_cast<char>(bytes[39] ^ 0x80);
    EXPECT_NE(of(bytes), before);
}

TEST(WordHash, OrderAndLengthCount) {
    EXPECT_NE(of("0123456789abcdef"), of("89abcdef01234567"));
    EXPECT_NE(of(std::string(8, '\0')), of(std::string(16, '\0')));
    EXPECT_NE(of("ab"), of(std::string("ab\0", 3)));
    EXPECT_NE(of(""), WordHash().hash());
}

std::uint64_t placed(const std::string& bytes) {
    PlacedHash hash;
    hash.add(0, bytes.data(), bytes.size());
    return hash.hash(static_cast<std::int64_t>(bytes.size()));
}

/// No two words and no two bytes of it are alike.
std::string some_bytes(int n) {
    std::string out;
    for (int i = 0; i < n; ++i) { out += static_cast<char>(1 + i % 251); }
    return out;
}

TEST(PlacedHash, PartsMayComeInAnyOrder) {
    const std::string bytes = some_bytes(700);
    for (const std::size_t part : {1, 3, 8, 13, 64, 333}) {
        PlacedHash hash;
        for (std::size_t i = (bytes.size() + part - 1) / part; i-- > 0;) {
            const std::string some = bytes.substr(i * part, part);
            hash.add(static_cast<std::int64_t>(i * part), some.data(), some.size());
        }
        EXPECT_EQ(hash.hash(700), placed(bytes)) << "parts of " << part;
    }
}

TEST(PlacedHash, EveryBitPlaceAndLengthCounts) {
    const std::string bytes = some_bytes(523);
    std::set<std::uint64_t> seen{placed(bytes), placed(bytes + '\0'), placed(bytes.substr(8)),
                                 placed(bytes.substr(8, 8) + bytes.substr(0, 8) + bytes.substr(16))};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string other = bytes;
            other[i] = static_cast<char>(other[i] ^ (1 << bit));
            seen.insert(placed(other));
        }
    }
    EXPECT_EQ(seen.size(), 523U * 8 + 4);
    std::string other = bytes;
    other[7] = static_cast<char>(other[7] ^ 0x80); // the signs of two numbers
    other[39] = static_cast<char>(other[39] ^ 0x80);
    EXPECT_NE(placed(other), placed(bytes));
}

TEST(PlacedHash, HolesNeedNotBeLookedAt) {
    const std::string bytes = some_bytes(100), hole(1000, '\0');
    PlacedHash hash;
    hash.add(1100, bytes.data(), bytes.size());
    hash.add(0, bytes.data(), bytes.size());
    EXPECT_EQ(hash.hash(1200), placed(bytes + hole + bytes));
}

TEST(Fnv1a, IsThePublishedSequence) {
    Fnv1a hash;
    hash.add_bytes("foobar", 6);
    EXPECT_EQ(hash.hash(), 0x85944171f73967e8ULL); // of its authors' test vectors
}

} // namespace
} // namespace tessera
