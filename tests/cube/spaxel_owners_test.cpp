#include "tessera/cube/spaxel_owners.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/ssp/library.hpp"
#include "tessera/synthesis/work_estimate.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// A disc of scale length 4 spaxels with a bulge that holds half of the stars in a few of them, as seen by MUSE.
std::vector<std::int64_t> concentrated_galaxy(std::int64_t n_side, double n_star) {
    std::vector<double> light;
    for (std::int64_t y = 0; y < n_side; ++y) {
        for (std::int64_t x = 0; x < n_side; ++x) {
            const double r = std::hypot(static_cast<double>(x) - 0.5 * static_cast<double>(n_side) + 0.3,
                                        static_cast<double>(y) - 0.5 * static_cast<double>(n_side) + 0.2);
            light.push_back(std::exp(-r / 4) / (2 * 3.14 * 16) + std::exp(-r / 0.4) / (2 * 3.14 * 0.16));
        }
    }
    const double total = std::accumulate(light.begin(), light.end(), 0.0);
    std::vector<std::int64_t> count;
    for (const double part : light) { count.push_back(static_cast<std::int64_t>(n_star * part / total)); }
    return count;
}

SpaxelWork muse_work(Method method) {
    WavelengthGrid pixels;
    pixels.centres.assign(3721, 0);
    ssp::Library library;
    library.age.assign(56, 0);
    library.metallicity.assign(7, 0);
    SynthesisOptions options;
    options.method = method;
    return spaxel_work(library, pixels, options);
}

/// Owners say the same whichever way they are asked; every lit spaxel has one.
void expect_consistent(const SpaxelOwners& owners, const std::vector<std::int64_t>& n_star, int n_rank) {
    const auto by_rank = owners.by_rank(0, owners.n_spaxel());
    std::vector<std::int64_t> n_owner(n_star.size(), 0);
    for (int rank = 0; rank < n_rank; ++rank) {
        const auto own = owners.of_rank(rank);
        EXPECT_EQ(own, by_rank[static_cast<std::size_t>(rank)]);
        for (const std::int64_t spaxel : own) { ++n_owner[static_cast<std::size_t>(spaxel)]; }
    }
    std::int64_t n_shared = 0;
    for (std::size_t s = 0; s < n_star.size(); ++s) {
        const auto ranks = owners.of(static_cast<std::int64_t>(s));
        EXPECT_EQ(std::ssize(ranks), n_owner[s]);
        EXPECT_EQ(ranks.empty(), n_star[s] == 0);
        EXPECT_LE(std::ssize(ranks), std::max<std::int64_t>(n_star[s], 0));
        EXPECT_TRUE(std::is_sorted(ranks.begin(), ranks.end()));
        n_shared += ranks.size() > 1 ? 1 : 0;
    }
    EXPECT_EQ(owners.n_shared(), n_shared);
}

/// What each rank has to do, added up anew.
double largest_work(const SpaxelOwners& owners, const std::vector<std::int64_t>& n_star, const SpaxelWork& work) {
    std::vector<double> sum(static_cast<std::size_t>(owners.n_rank()), 0);
    for (std::size_t s = 0; s < n_star.size(); ++s) {
        const auto ranks = owners.of(static_cast<std::int64_t>(s));
        for (const std::int32_t rank : ranks) {
            sum[static_cast<std::size_t>(rank)] +=
                work(static_cast<double>(n_star[s]) / static_cast<double>(ranks.size()));
        }
    }
    return *std::max_element(sum.begin(), sum.end());
}

TEST(SpaxelOwners, WorkIsEvenOnAConcentratedGalaxy) {
    for (const Method method : {Method::exact, Method::automatic}) {
        const SpaxelWork work = muse_work(method);
        for (const double n : {1e4, 6e6, 1e9}) {
            const auto n_star = concentrated_galaxy(37, n);
            for (const int n_rank : {1, 2, 3, 4, 5, 7, 16, 24, 64}) {
                const OwnerChoice choice = choose_owners(n_star, n_rank, work);
                expect_consistent(choice.owners, n_star, n_rank);
                EXPECT_NEAR(choice.largest_work, largest_work(choice.owners, n_star, work), 1e-9 * choice.largest_work);
                EXPECT_LE(choice.largest_work, 1.05 * choice.mean_work)
                    << word(method) << ", " << n << " stars, " << n_rank << " ranks, " << choice.owners.n_shared()
                    << " shared";
            }
        }
    }
}

TEST(SpaxelOwners, NoRankOwnsMoreThanItsShareOfTheField) {
    // Half the work in one spaxel: its owner would leave all the others to the rest.
    std::vector<std::int64_t> n_star(101, 10);
    n_star[50] = 1000;
    const auto linear = [](double n) { return n; };
    for (const int n_rank : {2, 3, 4, 7, 50, 101}) {
        const OwnerChoice choice = choose_owners(n_star, n_rank, linear);
        expect_consistent(choice.owners, n_star, n_rank);
        std::int64_t n_row = 0, most = 0;
        for (int rank = 0; rank < n_rank; ++rank) {
            const auto own = std::ssize(choice.owners.of_rank(rank));
            n_row += own;
            most = std::max<std::int64_t>(most, own);
        }
        EXPECT_LE(most, (n_row + n_rank - 1) / n_rank) << n_rank;
    }
}

TEST(SpaxelOwners, ASpaxelHeavierThanARankIsShared) {
    std::vector<std::int64_t> n_star(25, 0);
    n_star[7] = 100000;
    const SpaxelWork work = muse_work(Method::exact);
    for (const int n_rank : {2, 5, 7}) {
        const OwnerChoice choice = choose_owners(n_star, n_rank, work);
        EXPECT_EQ(std::ssize(choice.owners.of(7)), n_rank);
        expect_consistent(choice.owners, n_star, n_rank);
        EXPECT_LT(choice.largest_work, work(100000));
    }
    const OwnerChoice alone = choose_owners(n_star, 1, work);
    EXPECT_EQ(alone.owners.n_shared(), 0);
    EXPECT_EQ(alone.owners.of_rank(0), (std::vector<std::int64_t>{7}));
}

TEST(SpaxelOwners, RanksBeyondTheStarsHaveNothing) {
    const std::vector<std::int64_t> n_star{0, 1, 0, 1};
    const OwnerChoice choice = choose_owners(n_star, 7, [](double n) { return 1 + n; });
    expect_consistent(choice.owners, n_star, 7);
    const OwnerChoice none = choose_owners(std::vector<std::int64_t>(9, 0), 3, [](double n) { return n; });
    expect_consistent(none.owners, std::vector<std::int64_t>(9, 0), 3);
    EXPECT_EQ(none.largest_work, 0);
}

} // namespace
} // namespace tessera
