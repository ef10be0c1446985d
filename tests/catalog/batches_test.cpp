// How galaxies are put into batches, and how long ranks that take the batches in turn would be idle.
#include "catalog/batches.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace tessera::catalog {
namespace {

std::vector<Job> dwarfs(std::int64_t n, double seconds) {
    std::vector<Job> jobs;
    for (std::int64_t i = 0; i < n; ++i) {
        jobs.push_back({.id = i, .view = 0, .seconds = seconds, .first_row = 1000 * i, .bytes = 48000});
    }
    return jobs;
}

double seconds_of(const std::vector<Job>& jobs, const Schedule& plan, const Batch& batch) {
    double sum = 0;
    for (std::int64_t i = batch.first; i < batch.first + batch.n; ++i) {
        sum += jobs[static_cast<std::size_t>(plan.order[static_cast<std::size_t>(i)])].seconds;
    }
    return sum;
}

/// Share of their time that `n` ranks wait at the end, when each takes the next batch as soon as it is free.
double idle(const std::vector<Job>& jobs, const Schedule& plan, std::size_t n) {
    std::vector<double> end(n, 0);
    for (const Batch& batch : plan.batches) {
        *std::min_element(end.begin(), end.end()) += seconds_of(jobs, plan, batch);
    }
    const double last = *std::max_element(end.begin(), end.end());
    return 1 - std::accumulate(end.begin(), end.end(), 0.0) / (static_cast<double>(n) * last);
}

void expect_each_once(const std::vector<Job>& jobs, const Schedule& plan) {
    std::vector<std::int64_t> order = plan.order;
    std::sort(order.begin(), order.end());
    std::vector<std::int64_t> all(jobs.size());
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(order, all);
    std::int64_t next = plan.n_together;
    for (const Batch& batch : plan.batches) {
        EXPECT_EQ(batch.first, next);
        EXPECT_GE(batch.n, 1);
        next += batch.n;
    }
    EXPECT_EQ(next, std::ssize(jobs));
}

TEST(Batches, AGiantAndAThousandDwarfsLeaveRanksIdleForLessThanAPercent) {
    std::vector<Job> jobs = dwarfs(1000, 0.3);
    jobs[500].seconds = 60; // no fair share of 360 s
    for (const std::int64_t n_rank : {2, 3, 8}) {
        const Schedule plan = schedule(jobs, n_rank, 1 << 30, true);
        expect_each_once(jobs, plan);
        if (n_rank < 6) { EXPECT_EQ(plan.n_together, 0); }
        EXPECT_LT(idle(jobs, plan, static_cast<std::size_t>(n_rank)), 0.01) << n_rank;
        EXPECT_LT(std::ssize(plan.batches), 300) << "neighbours come together";
    }
}

TEST(Batches, AGalaxyOfMoreThanAFairShareIsMadeByAllFirst) {
    std::vector<Job> jobs = dwarfs(100, 0.3);
    jobs[3].seconds = 100;
    const Schedule plan = schedule(jobs, 4, 1 << 30, true);
    expect_each_once(jobs, plan);
    ASSERT_EQ(plan.n_together, 1);
    EXPECT_EQ(plan.order.front(), 3);
    EXPECT_EQ(schedule(jobs, 4, 1 << 30, false).n_together, 0);
    EXPECT_EQ(schedule(jobs, 1, 1 << 30, true).n_together, 0) << "one rank has nobody to share with";
    jobs[3].seconds = 9;
    EXPECT_EQ(schedule(jobs, 40, 1 << 30, true).n_together, 0) << "too short to be worth it";
}

TEST(Batches, AreRunsOfNeighboursWithinTheMemoryLongestFirst) {
    const std::vector<Job> jobs = dwarfs(1000, 0.3);
    const std::int64_t most_bytes = 20 * 48000;
    const Schedule plan = schedule(jobs, 2, most_bytes, true);
    expect_each_once(jobs, plan);
    double last = 1e9;
    for (const Batch& batch : plan.batches) {
        std::int64_t bytes = 0;
        for (std::int64_t i = batch.first; i < batch.first + batch.n; ++i) {
            bytes += jobs[static_cast<std::size_t>(plan.order[static_cast<std::size_t>(i)])].bytes;
            if (i > batch.first) {
                EXPECT_EQ(plan.order[static_cast<std::size_t>(i)], plan.order[static_cast<std::size_t>(i - 1)] + 1);
            }
        }
        EXPECT_LE(bytes, most_bytes);
        const double seconds = seconds_of(jobs, plan, batch);
        EXPECT_LE(seconds, last + 1e-9);
        last = seconds;
    }
}

TEST(Batches, KeepTheViewsOfAGalaxyTogetherUnlessOthersWouldWaitForThem) {
    std::vector<Job> jobs;
    for (std::int64_t i = 0; i < 100; ++i) {
        for (std::int64_t view = 0; view < 3; ++view) {
            jobs.push_back({.id = i, .view = view, .seconds = 0.3, .first_row = 10 * i, .bytes = 480});
        }
    }
    const Schedule plan = schedule(jobs, 2, 1 << 30, true);
    expect_each_once(jobs, plan);
    for (const Batch& batch : plan.batches) {
        EXPECT_EQ(batch.n % 3, 0);
        for (std::int64_t i = batch.first; i < batch.first + batch.n; ++i) {
            EXPECT_EQ(jobs[static_cast<std::size_t>(plan.order[static_cast<std::size_t>(i)])].view,
                      (i - batch.first) % 3);
        }
    }
    std::vector<Job> one;
    for (std::int64_t view = 0; view < 100; ++view) {
        one.push_back({.id = 7, .view = view, .seconds = 0.3, .first_row = 0, .bytes = 480});
    }
    const Schedule split = schedule(one, 2, 1 << 30, true);
    expect_each_once(one, split);
    EXPECT_LT(idle(one, split, 2), 0.05);
}

} // namespace
} // namespace tessera::catalog
