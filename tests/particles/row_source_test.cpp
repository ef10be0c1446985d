#include "particles/row_source.hpp"

#include <gtest/gtest.h>

namespace tessera::particles {
namespace {

bool same(const std::vector<Range>& a, const std::vector<Range>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Range& x, const Range& y) { return x.begin == y.begin && x.end == y.end; });
}

TEST(PiecesToRead, JoinWhatTouchesAndSkipsSmallGapsAlone) {
    EXPECT_TRUE(same(pieces_to_read({{10, 20}, {0, 10}, {15, 30}, {40, 40}}), {{0, 30}}));
    EXPECT_TRUE(same(pieces_to_read({{0, 1000}, {1010, 2000}, {5000, 6000}}), {{0, 2000}, {5000, 6000}}));
    EXPECT_TRUE(pieces_to_read({}).empty());
}

TEST(PiecesToRead, NeverReadMoreThanATwentiethTooMuch) {
    std::vector<Range> wanted;
    for (std::int64_t i = 0; i < 100; ++i) { wanted.push_back({110 * i, 110 * i + 100}); } // gaps of a tenth
    const auto pieces = pieces_to_read(wanted);
    std::int64_t n = 0;
    for (const Range& piece : pieces) { n += piece.size(); }
    EXPECT_GE(n, 10000);
    EXPECT_LE(n, 10500);
    for (const Range& range : wanted) {
        EXPECT_TRUE(std::any_of(pieces.begin(), pieces.end(),
                                [&](const Range& p) { return p.begin <= range.begin && range.end <= p.end; }));
    }
}

} // namespace
} // namespace tessera::particles
