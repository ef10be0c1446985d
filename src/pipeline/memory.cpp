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

namespace tessera {

std::int64_t CubeForecast::bytes_per_rank() const {
    return std::accumulate(memory.begin(), memory.end(), std::int64_t{0},
                           [](std::int64_t sum, const auto& item) { return sum + item.second; });
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

std::vector<std::pair<std::string, std::int64_t>> memory_plan(const Plan& plan, int n_rank) {
    const auto share = [n_rank](std::int64_t n) { return (n + n_rank - 1) / n_rank; };
    const SnapshotInfo& info = plan.snapshot->info();
    const std::int64_t star_bytes =
        plan.config.output.stages ? 60 : 48; // ten floats, spaxel, velocity; rows and stage lists
    const std::int64_t plane = plan.field.n_padded() * 4;
    const std::int64_t partial = plane * plan.pixels.size();
    const std::int64_t slab = plan.field.n_x * plan.field.n_y * 4 * share(plan.pixels.size());
    std::vector<std::pair<std::string, std::int64_t>> items;
    items.emplace_back("stars", share(info.n_star_rows) * star_bytes);
    items.emplace_back("gas", plan.config.simulation.gas ? share(info.n_gas_rows) * 44 : 0);
    items.emplace_back("SSP library", plan.library.n_node() * plan.library.n_wave() * 4);
    items.emplace_back("synthesis",
                       synthesis_bytes(share(info.n_star_rows), plan.library, plan.pixels, plan.config.galaxy.redshift,
                                       plan.config.synthesis, plan.where.threads));
    items.emplace_back("partial cube", partial);
    // While it is transposed the partial cube is there twice; then the slab of the padded field.
    items.emplace_back("reduction",
                       partial + (plan.config.parallel.reduction == Reduction::allreduce ? 0 : share(partial)));
    items.emplace_back("slabs between the stages", slab * (plan.config.output.stages ? 7 : 4));
    items.emplace_back("maps", plan.field.n_padded() * 8 * 16);
    items.emplace_back("program, MPI, libraries", std::int64_t{80} << 20);
    return items;
}

void check_memory(const Plan& plan, Communicator& comm) {
    const auto items = memory_plan(plan, comm.size());
    std::int64_t needed = 0;
    const std::pair<std::string, std::int64_t>* largest = &items.front();
    for (const auto& item : items) {
        needed += item.second;
        if (item.second > largest->second) { largest = &item; }
    }
    const std::int64_t available = available_memory(comm);
    if (needed <= available) { return; }
    const double gigabyte = 1e9;
    throw Error({.kind = Kind::resource,
                 .where = "memory",
                 .found = fmt::format("{:.2f} GB available to each of {} ranks on this node",
                                      static_cast<double>(available) / gigabyte, comm.ranks_on_node()),
                 .expected = fmt::format("{:.2f} GB a rank, most of it for the {} ({:.2f} GB)",
                                         static_cast<double>(needed) / gigabyte, largest->first,
                                         static_cast<double>(largest->second) / gigabyte),
                 .cure = "Use fewer ranks on a node and more nodes, a smaller telescope.field_of_view or fewer "
                         "wavelengths; `tessera cube --dry-run` shows the items"});
}

} // namespace tessera
