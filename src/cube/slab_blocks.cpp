// Blocks of a cube on their way to slabs: summed over the ranks, collected from the owners of spaxels, or there already.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "cube/transpose.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/cube_blocks.hpp"

namespace tessera {

namespace {

/// All spaxels of the field, from 0.
std::vector<std::int64_t> all_spaxels(const CubeBlocks& blocks) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(blocks.n_spaxel));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
}

std::span<const std::int64_t> rows_of(const std::vector<std::int64_t>& all, WaveRange spaxels) {
    return {all.data() + spaxels.first, static_cast<std::size_t>(spaxels.count)};
}

struct Block {
    int part = 0;
    WaveBlock waves;
    std::vector<float> flux; ///< [piece][row][pixel]
};

/// What summing and collecting share: one block is made while the one before travels.
class Travelling : public SlabBlocks {
public:
    BlockView open(int part, int block) final {
        made_.part = part;
        made_.waves = waves_made(block);
        const std::int64_t n_row = std::ssize(rows(part));
        made_.flux.assign(static_cast<std::size_t>(n_row * made_.waves.size()), 0.0F);
        return {made_.flux.data(), n_row, &made_.waves};
    }

    void advance() noexcept final {
        if (messages_) { messages_->advance(); }
    }

    void close() final {
        arrive();
        if (stays()) {
            unpack(made_);
            return;
        }
        std::swap(made_, travels_);
        messages_ = send(travels_);
    }

    CubeSlab finish() final {
        arrive();
        return std::move(slab_);
    }

protected:
    Travelling(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x, Communicator& comm,
               const device::Host& where)
        : SlabBlocks(blocks), comm_(comm), where_(where) {
        agree(comm, [&] {
            if (n_y * n_x != blocks.n_spaxel || blocks.n_rank != comm.size()) {
                throw Error(
                    {.where = "blocks of a cube",
                     .found = fmt::format("{} x {} spaxels, {} ranks", n_y, n_x, comm.size()),
                     .expected = fmt::format("those of the blocks: {}, {} ranks", blocks.n_spaxel, blocks.n_rank),
                     .cure = ""});
            }
            slab_ = CubeSlab(slab_of(blocks.n_wave, comm.rank(), comm.size()), n_y, n_x);
        });
    }
    /// This rank's piece of a block.
    WaveRange kept(const Block& block) const { return block.waves.pieces[static_cast<std::size_t>(comm_.rank())]; }
    float* plane(std::int64_t wave) { return slab_.flux().row(wave - slab_.range().first); }
    /// All rows of a block's part, [row, pixel] of these wavelengths, to the slab's planes.
    void turn(const Block& block, WaveRange waves, const std::vector<float>& light) {
        if (waves.count == 0) { return; }
        const WaveRange spaxels = blocks().spaxels(block.part);
        transpose_planes(where_, View<const float, 2>(light.data(), spaxels.count, waves.count), 0, waves.count,
                         plane(waves.first) + spaxels.first, n_spaxel());
    }
    std::int64_t n_spaxel() const { return blocks().n_spaxel; }
    Communicator& comm() const { return comm_; }
    const device::Host& where() const { return where_; }

    /// The derived classes' destructors end the messages before what they read and write goes.
    void end_messages() { messages_.reset(); }

private:
    /// The wavelengths that this rank makes of a block.
    virtual WaveBlock waves_made(int block) const { return blocks().waves(block); }
    /// Nobody else needs to see a block: it goes to the slab as it is.
    virtual bool stays() const { return false; }
    virtual std::unique_ptr<UnderWay> send(Block& block) = 0;
    /// The block has arrived: its light goes to the slab.
    virtual void unpack(const Block& block) = 0;
    void arrive() {
        if (!messages_) { return; }
        messages_->finish();
        messages_.reset();
        unpack(travels_);
    }

    Communicator& comm_;
    device::Host where_;
    Block made_, travels_;
    CubeSlab slab_;
    std::unique_ptr<UnderWay> messages_;
};

class Summed final : public Travelling {
public:
    Summed(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x, Communicator& comm, const device::Host& where)
        : Travelling(blocks, n_y, n_x, comm, where), all_(all_spaxels(blocks)) {}
    ~Summed() override { end_messages(); }
    std::span<const std::int64_t> rows(int part) const override { return rows_of(all_, blocks().spaxels(part)); }

private:
    bool stays() const override { return comm().size() == 1; }

    std::unique_ptr<UnderWay> send(Block& block) override {
        const std::int64_t n_row = blocks().spaxels(block.part).count;
        std::vector<std::int64_t> counts;
        for (const WaveRange& piece : block.waves.pieces) { counts.push_back(n_row * piece.count); }
        received_.resize(static_cast<std::size_t>(n_row * kept(block).count));
        return comm().start_reduce_scatter(buffer(std::span<float>(block.flux)), buffer(std::span<float>(received_)),
                                           counts, room_);
    }

    void unpack(const Block& block) override { turn(block, kept(block), stays() ? block.flux : received_); }

    std::vector<std::int64_t> all_; ///< spaxels
    std::vector<float> received_;   ///< [row, pixel of this rank's piece]
    std::vector<float> room_;
};

class Own final : public Travelling {
public:
    Own(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x, Communicator& comm, const device::Host& where)
        : Travelling(blocks, n_y, n_x, comm, where), all_(all_spaxels(blocks)) {}
    std::span<const std::int64_t> rows(int part) const override { return rows_of(all_, blocks().spaxels(part)); }
    bool of_all_ranks() const override { return true; }

private:
    WaveBlock waves_made(int block) const override {
        return WaveBlock({blocks().waves(block).pieces[static_cast<std::size_t>(comm().rank())]});
    }
    bool stays() const override { return true; }
    std::unique_ptr<UnderWay> send(Block& /*block*/) override { return nullptr; }
    void unpack(const Block& block) override { turn(block, block.waves.pieces.front(), block.flux); }

    std::vector<std::int64_t> all_; ///< spaxels
};

class Collected final : public Travelling {
public:
    Collected(const CubeBlocks& blocks, const SpaxelOwners& owners, std::int64_t n_y, std::int64_t n_x,
              Communicator& comm, const device::Host& where)
        : Travelling(blocks, n_y, n_x, comm, where), owners_(owners) {
        agree(comm, [&] {
            if (owners.n_spaxel() != blocks.n_spaxel || owners.n_rank() != comm.size()) {
                throw Error({.where = "collected blocks",
                             .found = fmt::format("owners of {} spaxels, {} ranks", owners.n_spaxel(), owners.n_rank()),
                             .expected = fmt::format("{}, {}", blocks.n_spaxel, comm.size()),
                             .cure = ""});
            }
            own_ = owners.of_rank(comm.rank());
        });
    }
    ~Collected() override { end_messages(); }
    std::span<const std::int64_t> rows(int part) const override {
        const WaveRange spaxels = blocks().spaxels(part);
        const auto first = std::lower_bound(own_.begin(), own_.end(), spaxels.first);
        return {first, std::lower_bound(first, own_.end(), spaxels.end())};
    }

private:
    std::unique_ptr<UnderWay> send(Block& block) override {
        const WaveRange spaxels = blocks().spaxels(block.part);
        senders_ = owners_.by_rank(spaxels.first, spaxels.end());
        const std::int64_t n_row = std::ssize(senders_[static_cast<std::size_t>(comm().rank())]);
        std::vector<std::int64_t> send_counts, receive_counts;
        std::int64_t n_received = 0;
        for (std::size_t r = 0; r < senders_.size(); ++r) {
            send_counts.push_back(n_row * block.waves.pieces[r].count);
            receive_counts.push_back(std::ssize(senders_[r]) * kept(block).count);
            n_received += receive_counts.back();
        }
        received_.resize(static_cast<std::size_t>(n_received));
        return comm().start_all_to_all(buffer(std::span<float>(block.flux)), send_counts,
                                       buffer(std::span<float>(received_)), receive_counts);
    }

    /// Every plane by one thread, ranks in their order: the sum of a shared spaxel is always the same. In squares of 64, as a transpose.
    void unpack(const Block& block) override {
        const WaveRange waves = kept(block);
        constexpr std::int64_t square = 64;
        const std::int64_t grain = std::clamp<std::int64_t>(waves.count / where().threads, 1, square);
        device::for_each(where(), (waves.count + grain - 1) / grain, 1, [&](std::int64_t i) {
            const std::int64_t wave0 = i * grain, wave1 = std::min(wave0 + grain, waves.count);
            const float* from = received_.data();
            for (const auto& spaxels : senders_) {
                const auto n = std::ssize(spaxels);
                for (std::int64_t row0 = 0; row0 < n; row0 += square) {
                    const std::int64_t row1 = std::min(row0 + square, n);
                    for (std::int64_t wave = wave0; wave < wave1; ++wave) {
                        float* to = plane(waves.first + wave);
                        for (std::int64_t row = row0; row < row1; ++row) {
                            to[spaxels[static_cast<std::size_t>(row)]] += from[row * waves.count + wave];
                        }
                    }
                }
                from += n * waves.count;
            }
        });
    }

    const SpaxelOwners& owners_;
    std::vector<std::int64_t> own_;                  ///< spaxels of this rank
    std::vector<std::vector<std::int64_t>> senders_; ///< [rank] spaxels of the part that travels
    std::vector<float> received_;                    ///< [rank][its spaxel, pixel of this rank's piece]
};

} // namespace

std::unique_ptr<SlabBlocks> sum_in_blocks(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x,
                                          Communicator& comm, const device::Host& where) {
    return std::make_unique<Summed>(blocks, n_y, n_x, comm, where);
}

std::unique_ptr<SlabBlocks> collect_in_blocks(const CubeBlocks& blocks, const SpaxelOwners& owners, std::int64_t n_y,
                                              std::int64_t n_x, Communicator& comm, const device::Host& where) {
    return std::make_unique<Collected>(blocks, owners, n_y, n_x, comm, where);
}

std::unique_ptr<SlabBlocks> make_own_planes(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x,
                                            Communicator& comm, const device::Host& where) {
    return std::make_unique<Own>(blocks, n_y, n_x, comm, where);
}

} // namespace tessera
