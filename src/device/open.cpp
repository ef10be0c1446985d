#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/device/device.hpp"

namespace tessera::device {

namespace {

/// N of "cuda:N"; -1 without one. @throws Error(Kind::config)  not a number
int asked_index(std::string_view asked) {
    if (asked == "cuda") { return -1; }
    const std::string_view digits = asked.starts_with("cuda:") ? asked.substr(5) : std::string_view();
    int index = -1;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (digits.empty() || code != std::errc() || end != digits.data() + digits.size() || index < 0) {
        throw Error({.kind = Kind::config,
                     .where = "parallel.device",
                     .found = fmt::format("'{}'", asked),
                     .expected = "auto, cpu, cuda, cuda:N with N counted from 0, or emulated"});
    }
    return index;
}

} // namespace

void check_device_name(std::string_view asked) {
    if (asked != "auto" && asked != "cpu" && asked != "emulated") { static_cast<void>(asked_index(asked)); }
}

std::unique_ptr<Accelerator> open_accelerator(std::string_view asked, int rank_on_node, int threads) {
    if (asked == "cpu") { return nullptr; }
    if (asked == "emulated") {
        EmulationOptions options{.threads = threads};
        if (const char* set = std::getenv("TESSERA_EMULATED_MEMORY"); set != nullptr) {
            options.memory = std::atoll(set);
        }
        return emulate(options);
    }
    const bool required = asked != "auto";
    const int index = required ? asked_index(asked) : -1;
    const int count = static_cast<int>(gpus().size());
    if (!required && count == 0) { return nullptr; }
    // With one GPU made visible to each rank by the launcher, every rank has a number 0 of its own.
    return open_cuda(index >= 0 ? index : count > 0 ? rank_on_node % count : 0);
}

std::shared_ptr<Accelerator> AcceleratorSlot::open(std::string_view asked, int rank_on_node, int threads) {
    const bool same = asked == asked_ && rank_on_node == rank_on_node_ && threads == threads_;
    if (accelerator_ && same) { return accelerator_; }
    accelerator_ = open_accelerator(asked, rank_on_node, threads);
    asked_ = asked;
    rank_on_node_ = rank_on_node;
    threads_ = threads;
    return accelerator_;
}

} // namespace tessera::device
