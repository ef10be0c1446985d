#include "core/region_hooks.hpp"

#include <string>
#include <vector>

#include "tessera/core/region.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

std::vector<std::string> told;

TEST(RegionHooks, AreToldOfEachRegionThatBeginsAfterThem) {
    {
        const Region before("read");
        set_region_hooks({[](const char* name) { told.emplace_back(name); }, [] { told.emplace_back("end"); }});
        {
            const Region outer("synthesis");
            const Region inner("sum");
        }
        const Region after("write");
    }
    set_region_hooks({});
    { const Region silent("noise"); }
    // Its end would close a range of somebody else: "read" began before.
    EXPECT_EQ(told, (std::vector<std::string>{"synthesis", "sum", "end", "end", "write", "end"}));
    EXPECT_EQ(Regions::instance().entries()[1].name, "read/synthesis");
}

TEST(Regions, OfOnePieceOfWorkAndOfAnotherAreApartAndShareWhatIsDoneForBoth) {
    Regions& regions = Regions::instance();
    regions.clear();
    regions.add("read", 1);
    const std::vector<Regions::Entry> first = regions.exchange({});
    EXPECT_TRUE(regions.entries().empty());
    regions.add("synthesis", 8);
    regions.count("synthesis", 100, "multiply-adds");
    const std::vector<Regions::Entry> together = regions.exchange(first);
    regions.add("synthesis", 1);
    regions.add_share(together, 0.25);
    ASSERT_EQ(regions.entries().size(), 2U);
    EXPECT_EQ(regions.entries()[0].name, "read");
    EXPECT_EQ(regions.entries()[1].seconds, 3);
    EXPECT_EQ(regions.entries()[1].calls, 2);
    EXPECT_EQ(regions.entries()[1].work, 25);
    EXPECT_EQ(regions.entries()[1].unit, "multiply-adds");
}

TEST(Regions, TakeWhatWasTimedElsewhere) {
    Regions& regions = Regions::instance();
    regions.clear();
    { const Region region("synthesis"); }
    regions.add("gpu/synthesis", 0.5);
    regions.add("gpu/synthesis", 0.25);
    ASSERT_EQ(regions.entries().size(), 2U);
    EXPECT_EQ(regions.entries()[1].name, "gpu/synthesis");
    EXPECT_EQ(regions.entries()[1].seconds, 0.75);
    EXPECT_EQ(regions.entries()[1].calls, 2);
}

} // namespace
} // namespace tessera
