#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/plan.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/cube_blocks.hpp"
#include "tessera/instrument/convolve.hpp"

namespace tessera {

std::int64_t peak_memory(const std::vector<MemoryItem>& items) {
    using Phase = MemoryItem::Phase;
    const auto sum = [&items](Phase phase) {
        std::int64_t bytes = 0;
        for (const MemoryItem& item : items) { bytes += item.phase == phase ? item.bytes : 0; }
        return bytes;
    };
    return sum(Phase::always) + std::max({sum(Phase::reading), sum(Phase::gas), sum(Phase::synthesis),
                                          sum(Phase::reduction), sum(Phase::instrument), sum(Phase::writing)});
}

namespace {

/// Kilobytes of a line such as "MemAvailable:   123456 kB"; -1 when it is not there.
std::int64_t meminfo(const std::string& name) {
    std::ifstream file("/proc/meminfo");
    for (std::string key; file >> key;) {
        std::int64_t value = 0;
        file >> value;
        if (key == name + ":") { return value; }
        file.ignore(256, '\n');
    }
    return -1;
}

/// Bytes left under the control group's limit (version 2, then 1); -1 without a limit.
std::int64_t group_limit() {
    const auto read = [](const char* path) {
        std::ifstream file(path);
        std::int64_t value = -1;
        return file >> value ? value : -1;
    };
    for (const auto& [limit_file, used_file] :
         {std::pair{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
          std::pair{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"}}) {
        const std::int64_t limit = read(limit_file);
        const std::int64_t used = read(used_file);
        if (limit > 0 && used >= 0 && limit < (std::int64_t{1} << 60)) {
            return std::max<std::int64_t>(limit - used, 0);
        }
    }
    return -1;
}

} // namespace

std::int64_t available_memory(Communicator& comm) {
    std::int64_t bytes = meminfo("MemAvailable") * 1024;
    if (bytes < 0) { bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }
    const std::int64_t group = group_limit();
    if (group >= 0) { bytes = std::min(bytes, group); }
    if (const char* set = std::getenv("TESSERA_MEMORY_LIMIT"); set != nullptr) {
        bytes = std::min(bytes, static_cast<std::int64_t>(std::atoll(set)));
    }
    return comm.all_reduce_value(bytes / comm.ranks_on_node(), Op::min);
}

std::vector<MemoryItem> memory_plan(const Plan& plan, const Communicator& comm) {
    return memory_plan(plan, comm, plan.reduction);
}

std::vector<MemoryItem> memory_plan(const Plan& plan, const Communicator& comm, Reduction reduction) {
    return memory_plan(plan, {.n_rank = comm.size(),
                              .mpi = comm.native() != nullptr,
                              .reduction = reduction,
                              .convolution = plan.convolution});
}

std::vector<MemoryItem> memory_plan(const Plan& plan, const MemoryCase& of) {
    using Phase = MemoryItem::Phase;
    const int n_rank = of.n_rank;
    const Reduction reduction = of.reduction;
    const auto share = [n_rank](std::int64_t n) { return (n + n_rank - 1) / n_rank; };
    const SnapshotInfo& info = plan.snapshot->info();
    const bool stages = plan.config.output.stages;
    const std::int64_t n_star = share(plan.n_star_rows()),
                       n_gas = plan.config.simulation.gas ? share(plan.n_gas_rows()) : 0;
    const std::int64_t n_row = std::max<std::int64_t>(info.n_star_rows + info.n_gas_rows, 1);
    const auto blocks = [&](std::int64_t n, std::int64_t row_bytes) {
        return 2 * std::min(n, rows_read_at_once) * row_bytes;
    };
    const bool whole = reduction == Reduction::allreduce && n_rank > 1;
    const std::int64_t cube = plan.field.n_padded() * plan.pixels.size() * 4;
    const bool exchange = reduction == Reduction::exchange && n_rank > 1;
    const std::int64_t n_made = exchange ? share(plan.field.n_padded()) : plan.field.n_padded();
    const bool weights = reduction == Reduction::weights && n_rank > 1;
    const CubeBlocks cut = plan.blocks(reduction, n_rank, plan.where.threads);
    const std::int64_t padded_slab = plan.field.n_padded() * share(plan.pixels.size()) * 4;
    const std::int64_t slab = plan.field.n_x * plan.field.n_y * share(plan.pixels.size()) * 4;
    const std::int64_t rows = stages ? 12 : 0; // row in the input and spaxel, to the end
    std::vector<MemoryItem> items;
    items.push_back({"program, libraries, MPI", of.mpi ? 36'000'000 : 25'000'000, Phase::always});
    items.push_back({"SSP library", plan.library.n_node() * plan.library.n_wave() * 4, Phase::always});
    for (const ParticleType type : both_types) {
        const char* name = type == ParticleType::gas ? "index of gas" : "index of stars";
        if (plan.index[type]) { items.push_back({name, plan.index[type]->bytes(), Phase::always}); }
    }
    items.push_back({"stages: list of stars", n_star * rows, Phase::always});
    items.push_back({"reading: stars", n_star * 40, Phase::reading});
    items.push_back({"reading: two blocks", blocks(n_star, info.bytes_to_read / n_row), Phase::reading});
    const std::int64_t ordered = n_star * 20; // all of them in the field, at most
    items.push_back({"gas: stars by spaxel", ordered, Phase::gas});
    items.push_back({"gas: cells, spaxels, two blocks", n_gas * 20 + blocks(n_gas, 16), Phase::gas});
    items.push_back({"synthesis: stars by spaxel", ordered, Phase::synthesis});
    items.push_back(
        {"synthesis: templates, lists",
         synthesis_bytes(weights ? plan.n_star_rows() : n_star, plan.field.n_padded(), plan.library, plan.pixels,
                         plan.config.galaxy.redshift, plan.config.synthesis, plan.where.threads, weights),
         Phase::synthesis});
    if (whole) {
        items.push_back({"synthesis: partial cube", cube, Phase::synthesis});
        items.push_back({"reduction: partial cube", cube, Phase::reduction});
        // MPI receives into about as much as the slab that comes afterwards.
        items.push_back({"reduction: slab, what arrives", 2 * padded_slab, Phase::reduction});
    } else {
        items.push_back({"synthesis: slab of the cube", padded_slab, Phase::synthesis});
        // One is made; with more ranks another travels, and as much arrives.
        items.push_back({"synthesis: blocks of the cube",
                         weights ? cut.bytes_of_piece() : (n_rank > 1 ? 3 : 1) * cut.bytes(n_made), Phase::synthesis});
    }
    const bool noise = plan.config.noise.kind != NoiseKind::none;
    const bool shared = of.convolution == ConvolutionLayout::distributed && !plan.psf.is_identity();
    const std::int64_t planes = shared
                                    ? distributed_scratch(plan.psf, plan.field.n_y, plan.field.n_x, plan.pixels.size(),
                                                          n_rank, plan.where.threads)
                                    : convolution_scratch(plan.psf, plan.field.n_y, plan.field.n_x, plan.where.threads);
    const std::int64_t ghosts = lsf_scratch(plan.lsf, plan.field.n_x * plan.field.n_y, n_rank, plan.where.threads);
    // One slab from stage to stage; beside it the variance, when the margin is gone.
    items.push_back({"instrument: slab, variance", std::max(padded_slab, noise ? 2 * slab : 0), Phase::instrument});
    items.push_back({"instrument: planes, ghosts", std::max(planes, ghosts), Phase::instrument});
    items.push_back({"instrument: stages", stages ? 3 * slab : 0, Phase::instrument});
    // The mask goes in blocks, and so do planes that have a margin.
    constexpr std::int64_t written_at_once = std::int64_t{8} << 20;
    items.push_back({"writing: slab, variance, blocks",
                     (1 + (noise ? 1 : 0) + (stages ? 3 : 0)) * slab + written_at_once, Phase::writing});
    // Sums over the stars, which synthesis counts among its own; rank 0 makes the maps of them, some at a time.
    const std::int64_t map = plan.field.n_padded() * 8;
    items.push_back({"instrument: sums for maps", 8 * map, Phase::instrument});
    items.push_back({"writing: maps of rank 0", 20 * map, Phase::writing});
    return items;
}

int least_ranks(const Plan& plan, std::int64_t available) {
    std::vector<Reduction> reductions{plan.config.parallel.reduction};
    if (reductions.front() == Reduction::automatic) { reductions.push_back(Reduction::exchange); }
    std::vector<ConvolutionLayout> layouts{plan.convolution};
    if (plan.config.parallel.convolution == ConvolutionLayout::automatic && !plan.accelerator) {
        layouts = {ConvolutionLayout::slab, ConvolutionLayout::distributed};
    }
    const auto fits = [&](int n_rank) {
        for (const Reduction reduction : reductions) {
            for (const ConvolutionLayout layout : layouts) {
                const MemoryCase of{.n_rank = n_rank, .mpi = n_rank > 1, .reduction = reduction, .convolution = layout};
                if (peak_memory(memory_plan(plan, of)) <= available) { return true; }
            }
        }
        return false;
    };
    constexpr int most = 1 << 20;
    int enough = 1;
    while (enough < most && !fits(enough)) { enough *= 2; }
    if (enough >= most) { return 0; }
    int too_few = enough / 2;
    while (enough - too_few > 1) {
        const int middle = too_few + (enough - too_few) / 2;
        (fits(middle) ? enough : too_few) = middle;
    }
    return enough;
}

std::int64_t device_memory(const Plan& plan, const Communicator& comm, Reduction reduction, std::int64_t n_other,
                           std::int64_t n_star_other) {
    const auto share = [&](std::int64_t n) { return (n + comm.size() - 1) / comm.size(); };
    const std::int64_t stars = share(plan.n_star_rows() + n_star_other) * 50; // while they are ordered: the most
    const bool exchange = reduction == Reduction::exchange && comm.size() > 1;
    const std::int64_t partial =
        (1 + n_other) * (exchange ? share(plan.field.n_padded()) : plan.field.n_padded()) * plan.pixels.size() * 4;
    const std::int64_t padded_slab = plan.field.n_padded() * share(plan.pixels.size()) * 4;
    const std::int64_t slab = plan.field.n_x * plan.field.n_y * share(plan.pixels.size()) * 4;
    // On their way and there; for RUBIX's resampling also their prefix sums, in double.
    const std::int64_t copies = plan.config.synthesis.resampling == Resampling::rubix ? 3 : 2;
    const std::int64_t templates = copies * plan.library.n_node() * plan.library.n_wave() * 4;
    // With exchange the slab twice: what the ranks sent, and the sum of it.
    const std::int64_t reduced = comm.size() > 1 ? partial + (exchange ? 2 : 1) * padded_slab : partial;
    constexpr std::int64_t least_room = std::int64_t{64} << 20; // for row weights and panels
    const std::int64_t waiting = n_other > 0 ? partial : 0;     // while the cubes are observed, one after the other
    // Into and out of the PSF; with its ghost planes, and out of the LSF.
    const std::int64_t ghosts = std::min(comm.size() > 1 ? 2 * plan.lsf.half_width() : 0, plan.pixels.size()) *
                                plan.field.n_x * plan.field.n_y * 4;
    return std::max({stars, stars / 3 * 2 + templates + partial + least_room, reduced,
                     waiting + std::max(padded_slab + slab, 2 * (slab + ghosts))});
}

namespace {

void check_device_memory(const Plan& plan, Communicator& comm) {
    if (!plan.accelerator) { return; }
    const std::int64_t needed = device_memory(plan, comm, plan.reduction);
    const std::int64_t available = plan.accelerator->free_share();
    if (needed <= available) { return; }
    const device::AcceleratorInfo& info = plan.accelerator->info();
    throw Error(
        {.kind = Kind::resource,
         .where = fmt::format("memory of {} {} ({})", info.kind, info.index, info.name),
         .found = fmt::format("{:.3g} GB free", static_cast<double>(available) * 1e-9),
         .expected = fmt::format("at least {:.3g} GB for the stars and cubes of this rank, {:.3g} GB more",
                                 static_cast<double>(needed) * 1e-9, static_cast<double>(needed - available) * 1e-9),
         .cure = "Use more ranks with a GPU each, a smaller telescope.field_of_view or fewer wavelengths, or "
                 "parallel.device: cpu"});
}

} // namespace

void check_memory(const Plan& plan, Communicator& comm) {
    agree(comm, [&] { check_device_memory(plan, comm); });
    const auto items = memory_plan(plan, comm);
    const std::int64_t needed = peak_memory(items);
    const MemoryItem& largest =
        *std::max_element(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    const std::int64_t available = available_memory(comm);
    if (needed <= available) { return; }
    const int least = least_ranks(plan, available), on_node = comm.ranks_on_node();
    const std::string more =
        least > 0
            ? fmt::format("Use at least {} ranks with as much memory each ({} on each node like this one: {} nodes)",
                          least, on_node, (least + on_node - 1) / on_node)
            : std::string("Use fewer ranks on a node, so that each has more of its memory");
    const double gigabyte = 1e9;
    throw Error(
        {.kind = Kind::resource,
         .where = "memory",
         .found = fmt::format("{:.3g} GB available to each of {} ranks on this node",
                              static_cast<double>(available) / gigabyte, on_node),
         .expected = fmt::format("{:.3g} GB a rank ({}: {:.3g} GB)", static_cast<double>(needed) / gigabyte,
                                 largest.name, static_cast<double>(largest.bytes) / gigabyte),
         .cure =
             more +
             ", or a smaller telescope.field_of_view or fewer wavelengths; `tessera cube --dry-run` shows the items"});
}

} // namespace tessera
