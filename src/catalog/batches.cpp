#include "catalog/batches.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "tessera/instrument/psf.hpp"
#include "tessera/instrument/telescope.hpp"

namespace tessera::catalog {

Costs costs_of(const Config& cube) {
    const Telescope telescope = load_telescope(cube.telescope, cube.folder);
    const std::int64_t margin = 2 * make_psf(cube.psf, telescope.spaxel_size).reach();
    Costs costs;
    costs.n_voxel = static_cast<double>((telescope.n_x + margin) * (telescope.n_y + margin)) *
                    static_cast<double>(telescope.wavelengths().size());
    return costs;
}

namespace {

/// A galaxy with its views, or a run of galaxies.
struct Work {
    std::vector<std::int64_t> jobs;
    double seconds = 0;
    std::int64_t bytes = 0;
};

void add(Work& to, const Work& other) {
    to.jobs.insert(to.jobs.end(), other.jobs.begin(), other.jobs.end());
    to.seconds += other.seconds;
    to.bytes += other.bytes;
}

/// In the order of the files.
std::vector<Work> galaxies_of(std::span<const Job> jobs) {
    std::vector<std::int64_t> order(jobs.size());
    std::iota(order.begin(), order.end(), 0);
    const auto key = [&](std::int64_t i) {
        const Job& job = jobs[static_cast<std::size_t>(i)];
        return std::tuple(job.first_row, job.id, job.view);
    };
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return key(a) < key(b); });
    std::vector<Work> out;
    std::int64_t last = -1;
    for (const std::int64_t i : order) {
        const Job& job = jobs[static_cast<std::size_t>(i)];
        if (out.empty() || job.id != last) { out.push_back({{}, 0, job.bytes}); }
        last = job.id;
        out.back().jobs.push_back(i);
        out.back().seconds += job.seconds;
    }
    return out;
}

/// The views of a galaxy in parts that cost about `most`, or one view.
std::vector<Work> parts_of(const Work& galaxy, double most) {
    const auto n = std::ssize(galaxy.jobs);
    const double wanted = std::ceil(galaxy.seconds / most);
    const std::int64_t n_part = std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted), 1, n);
    std::vector<Work> out;
    for (std::int64_t p = 0; p < n_part; ++p) {
        Work& part = out.emplace_back();
        part.jobs.assign(galaxy.jobs.begin() + p * n / n_part, galaxy.jobs.begin() + (p + 1) * n / n_part);
        part.bytes = galaxy.bytes;
        part.seconds = galaxy.seconds * static_cast<double>(part.jobs.size()) / static_cast<double>(n);
    }
    return out;
}

} // namespace

Schedule schedule(std::span<const Job> jobs, std::int64_t n_group, std::int64_t most_bytes, bool together) {
    std::vector<Work> galaxies = galaxies_of(jobs);
    double total = 0;
    for (const Work& galaxy : galaxies) { total += galaxy.seconds; }
    const auto groups = static_cast<double>(n_group);
    Schedule out;
    if (together && n_group > 1) {
        // Below some seconds sharing a galaxy out saves nothing worth the other rounding of its sums.
        constexpr double least = 10;
        const double fair = total / groups;
        const auto is_giant = [&](const Work& galaxy) {
            const double one = galaxy.seconds / static_cast<double>(galaxy.jobs.size());
            return one > std::max(least, fair);
        };
        for (const Work& galaxy : galaxies) {
            if (!is_giant(galaxy)) { continue; }
            out.order.insert(out.order.end(), galaxy.jobs.begin(), galaxy.jobs.end());
            total -= galaxy.seconds;
        }
        out.n_together = std::ssize(out.order);
        std::erase_if(galaxies, is_giant);
    }
    // Runs of neighbours: what is left, shared out `rounds` times among the groups, is what the next one may cost.
    constexpr double rounds = 4, smallest = 100;
    const double least = total / (groups * smallest), most = total / (groups * rounds);
    double left = total;
    std::vector<Work> batches;
    Work run;
    const auto close = [&] {
        if (!run.jobs.empty()) { batches.push_back(std::move(run)); }
        run = {};
    };
    for (const Work& galaxy : galaxies) {
        const double aim = std::max(least, left / (groups * rounds));
        if (galaxy.seconds > aim || galaxy.bytes > most_bytes) {
            for (Work& part : parts_of(galaxy, most)) { batches.push_back(std::move(part)); }
            left -= galaxy.seconds;
            continue;
        }
        if (run.seconds + galaxy.seconds > aim || run.bytes + galaxy.bytes > most_bytes) { close(); }
        add(run, galaxy);
        left -= galaxy.seconds;
    }
    close();
    std::stable_sort(batches.begin(), batches.end(),
                     [](const Work& a, const Work& b) { return a.seconds > b.seconds; });
    for (const Work& batch : batches) {
        out.batches.push_back({std::ssize(out.order), std::ssize(batch.jobs)});
        out.order.insert(out.order.end(), batch.jobs.begin(), batch.jobs.end());
    }
    return out;
}

} // namespace tessera::catalog
