#include "tessera/core/hash.hpp"

#include <set>
#include <string>

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

TEST(Fnv1a, IsThePublishedSequence) {
    Fnv1a hash;
    hash.add_bytes("foobar", 6);
    EXPECT_EQ(hash.hash(), 0x85944171f73967e8ULL); // of its authors' test vectors
}

} // namespace
} // namespace tessera
