#pragma once

#include <string>

#include "tessera/pipeline/config.hpp"

namespace tessera {

class Communicator;

/// What messages, memory and arithmetic cost a rank: what the choices `auto` among ways to share the work go by.
struct MessageCosts {
    double latency = 5e-6; ///< seconds a message
    double link = 2e9;     ///< bytes a second that a rank sends, while it receives as many
    double memory = 1.5e9; ///< bytes a second that a thread turns from spectra into planes, in new memory
    double product = reference_product_rate; ///< multiply-adds a second of a thread

    /// Of the processor that SpaxelWork's seconds are of (spaxel_work).
    static constexpr double reference_product_rate = 6.0e10;
    std::string text() const; ///< in words, for the log
};

/// As configured; the rest is measured, in some milliseconds, and is the slowest rank's. The same on every rank. Collective.
MessageCosts message_costs(const ParallelOptions& options, Communicator& comm);

} // namespace tessera
