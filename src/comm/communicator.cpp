#include "tessera/comm/communicator.hpp"

#include <chrono>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

std::int64_t size_of(ElementType type) {
    switch (type) {
    case ElementType::byte: return 1;
    case ElementType::int32: return 4;
    case ElementType::int64: return 8;
    case ElementType::float32: return 4;
    case ElementType::float64: return 8;
    }
    return 0;
}

std::int64_t Traffic::bytes(const std::string& name) const {
    const auto it = collective.find(name);
    return it == collective.end() ? 0 : it->second.bytes;
}

namespace {

void add_device_entries(std::map<std::string, Traffic::Entry>& to, const std::map<std::string, Traffic::Entry>& from) {
    for (const auto& [name, entry] : from) {
        if (entry.device_calls == 0) { continue; }
        Traffic::Entry& sum = to[name];
        sum.calls += entry.device_calls;
        sum.bytes += entry.device_bytes;
        sum.device_calls += entry.device_calls;
        sum.device_bytes += entry.device_bytes;
    }
}

} // namespace

void Traffic::add_device_part(const Traffic& other) {
    add_device_entries(collective, other.collective);
    for (const auto& [region, entries] : other.by_region) { add_device_entries(by_region[region], entries); }
}

template <class Call>
void Communicator::counted(const char* name, std::int64_t bytes, bool on_device, Call&& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (Traffic::Entry* entry : {&traffic_.collective[name], &traffic_.by_region[Regions::instance().open()][name]}) {
        ++entry->calls;
        entry->bytes += bytes;
        if (on_device) {
            ++entry->device_calls;
            entry->device_bytes += bytes;
        }
        entry->seconds += seconds;
    }
}

void Communicator::count_between(const char* name, std::int64_t bytes) {
    traffic_.collective[name].bytes_between += bytes;
    traffic_.by_region[Regions::instance().open()][name].bytes_between += bytes;
}

namespace {

/// Memory of two kinds in one call would be read as what it is not.
void require_one_place(const char* collective, const Buffer& send, const Buffer& receive) {
    if (send.queue == receive.queue && send.type == receive.type) { return; }
    throw Error({.where = collective,
                 .found = "buffers of two places or element types",
                 .expected = "both of the host, or both of one queue, with elements of one type",
                 .cure = ""});
}

} // namespace

void Communicator::wait(device::Queue& queue) { queue.finish(); }

void Communicator::all_reduce(Buffer data, Op op) {
    // A ring reduces and gathers: each rank sends (P-1)/P of the buffer twice.
    const std::int64_t bytes = 2 * data.bytes() * (size() - 1) / size();
    counted("all_reduce", bytes, data.queue != nullptr, [&] { do_all_reduce(data, op); });
}

void Communicator::reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts) {
    require_one_place("reduce_scatter", send, receive);
    counted("reduce_scatter", send.bytes() - receive.bytes(), send.queue != nullptr,
            [&] { do_reduce_scatter(send, receive, counts); });
}

void Communicator::broadcast(Buffer data, int root) {
    counted("broadcast", rank() == root && size() > 1 ? data.bytes() : 0, data.queue != nullptr,
            [&] { do_broadcast(data, root); });
}

void Communicator::broadcast(std::string& text, int root) {
    std::vector<char> bytes(text.begin(), text.end());
    broadcast(bytes, root);
    text.assign(bytes.begin(), bytes.end());
}

void Communicator::all_gather_bytes(Buffer send, Buffer receive) {
    const std::vector<std::int64_t> counts(static_cast<std::size_t>(size()), send.count);
    counted("all_gather", send.bytes() * (size() - 1), send.queue != nullptr,
            [&] { do_all_gather(send, receive, counts); });
}

void Communicator::all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> counts) {
    require_one_place("all_gather", send, receive);
    counted("all_gather", send.bytes() * (size() - 1), send.queue != nullptr,
            [&] { do_all_gather(send, receive, counts); });
}

void Communicator::all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                              std::span<const std::int64_t> receive_counts) {
    require_one_place("all_to_all", send, receive);
    const std::int64_t own = send_counts[static_cast<std::size_t>(rank())] * size_of(send.type);
    counted("all_to_all", send.bytes() - own, send.queue != nullptr,
            [&] { do_all_to_all(send, send_counts, receive, receive_counts); });
}

/// Adds the seconds spent in it to the collective that was counted when it began.
class Communicator::Timed final : public UnderWay {
public:
    Timed(std::unique_ptr<UnderWay> messages, const char* name, Traffic& traffic)
        : messages_(std::move(messages)), name_(name), traffic_(traffic) {}
    void advance() noexcept override {
        if (messages_) { messages_->advance(); }
    }
    void finish() override {
        if (!messages_) { return; }
        const auto start = std::chrono::steady_clock::now();
        messages_->finish();
        messages_.reset();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        traffic_.collective[name_].seconds += seconds;
        traffic_.by_region[Regions::instance().open()][name_].seconds += seconds;
    }

private:
    std::unique_ptr<UnderWay> messages_;
    const char* name_;
    Traffic& traffic_;
};

namespace {

void require_host(const char* collective, const Buffer& buffer) {
    if (buffer.queue == nullptr && buffer.type == ElementType::float32) { return; }
    throw Error({.where = collective,
                 .found = "an accelerator's memory, or elements that are not float32",
                 .expected = "float32 in the host's memory",
                 .cure = ""});
}

} // namespace

std::unique_ptr<UnderWay> Communicator::start_reduce_scatter(Buffer send, Buffer receive,
                                                             std::span<const std::int64_t> counts,
                                                             std::vector<float>& room) {
    require_one_place("reduce_scatter", send, receive);
    require_host("reduce_scatter", send);
    std::unique_ptr<UnderWay> messages;
    counted("reduce_scatter", send.bytes() - receive.bytes(), false,
            [&] { messages = do_start_reduce_scatter(send, receive, counts, room); });
    return std::make_unique<Timed>(std::move(messages), "reduce_scatter", traffic_);
}

std::unique_ptr<UnderWay> Communicator::start_all_to_all(Buffer send, std::span<const std::int64_t> send_counts,
                                                         Buffer receive, std::span<const std::int64_t> receive_counts) {
    require_one_place("all_to_all", send, receive);
    require_host("all_to_all", send);
    const std::int64_t own = send_counts[static_cast<std::size_t>(rank())] * size_of(send.type);
    std::unique_ptr<UnderWay> messages;
    counted("all_to_all", send.bytes() - own, false,
            [&] { messages = do_start_all_to_all(send, send_counts, receive, receive_counts); });
    return std::make_unique<Timed>(std::move(messages), "all_to_all", traffic_);
}

std::unique_ptr<UnderWay> Communicator::do_start_reduce_scatter(Buffer send, Buffer receive,
                                                                std::span<const std::int64_t> counts,
                                                                std::vector<float>& /*room*/) {
    do_reduce_scatter(send, receive, counts);
    return nullptr;
}

std::unique_ptr<UnderWay> Communicator::do_start_all_to_all(Buffer send, std::span<const std::int64_t> send_counts,
                                                            Buffer receive,
                                                            std::span<const std::int64_t> receive_counts) {
    do_all_to_all(send, send_counts, receive, receive_counts);
    return nullptr;
}

std::int64_t Communicator::exclusive_sum(std::int64_t value) {
    const auto values = all_gather_value(value);
    std::int64_t sum = 0;
    for (int r = 0; r < rank(); ++r) { sum += values[static_cast<std::size_t>(r)]; }
    return sum;
}

void Communicator::barrier() {
    counted("barrier", 0, false, [&] { do_barrier(); });
}

bool Communicator::sleep_until_all_arrive(std::optional<double> patience) {
    bool all = true;
    counted("barrier", 0, false, [&] { all = do_sleep_until_all_arrive(patience); });
    return all;
}

namespace {

class OwnCounter final : public SharedCounter {
public:
    std::int64_t fetch_add(std::int64_t n) override { return std::exchange(value_, value_ + n); }

private:
    std::int64_t value_ = 0;
};

class SelfCommunicator final : public Communicator {
public:
    int rank() const override { return 0; }
    int size() const override { return 1; }
    std::unique_ptr<Communicator> split(int /*colour*/, int /*key*/, Others /*others*/) override {
        return make_self_communicator();
    }
    std::unique_ptr<SharedCounter> counter() override { return std::make_unique<OwnCounter>(); }
    int ranks_on_node() override { return 1; }
    int rank_on_node() override { return 0; }
    const void* native() const override { return nullptr; }

private:
    static void copy(Buffer from, Buffer to) {
        if (from.data == to.data || from.count == 0) { return; }
        if (from.queue != nullptr) {
            from.queue->copy(to.data, from.data, from.bytes());
        } else {
            std::memcpy(to.data, from.data, static_cast<std::size_t>(from.bytes()));
        }
    }
    void do_all_reduce(Buffer /*data*/, Op /*op*/) override {}
    void do_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> /*counts*/) override {
        copy(send, receive);
    }
    void do_broadcast(Buffer /*data*/, int /*root*/) override {}
    void do_all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> /*counts*/) override {
        copy(send, receive);
    }
    void do_all_to_all(Buffer send, std::span<const std::int64_t> /*send_counts*/, Buffer receive,
                       std::span<const std::int64_t> /*receive_counts*/) override {
        copy(send, receive);
    }
    void do_barrier() override {}
};

} // namespace

std::unique_ptr<Communicator> make_self_communicator() { return std::make_unique<SelfCommunicator>(); }

void agree(Communicator& comm, const std::function<void()>& work) {
    std::int32_t kind = 0;
    std::string message;
    try {
        work();
    } catch (const Error& error) {
        kind = error.exit_code();
        message = error.what();
    } catch (const std::bad_alloc&) {
        kind = static_cast<std::int32_t>(Kind::resource);
        message = render({.where = "memory",
                          .found = "an allocation that failed",
                          .cure = "Use more ranks on more nodes, a smaller field or fewer wavelengths"});
    } catch (const std::exception& error) {
        kind = static_cast<std::int32_t>(Kind::internal);
        message = error.what();
    }
    const auto kinds = comm.all_gather_value(kind);
    for (int r = 0; r < comm.size(); ++r) {
        if (kinds[static_cast<std::size_t>(r)] != 0) {
            comm.broadcast(message, r);
            throw Error(static_cast<Kind>(kinds[static_cast<std::size_t>(r)]), message);
        }
    }
}

} // namespace tessera
