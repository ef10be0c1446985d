#include <algorithm>

#include <fmt/format.h>

#include "cube/transpose.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

namespace {

/// Spaxels [first, end) of all ranks, on their way to slabs.
struct Block {
    std::vector<std::vector<std::int64_t>> spaxels; ///< [rank]
    std::vector<float> send, received;              ///< [to or from rank][wave][spaxel]
    std::vector<std::int64_t> send_counts, receive_counts;
};

Block packed(const PartialCube& own, std::int64_t first_row, const SpaxelOwners& owners, std::int64_t first,
             std::int64_t end, int rank, const device::Host& where) {
    Block block;
    block.spaxels = owners.by_rank(first, end);
    const auto n_own = std::ssize(block.spaxels[static_cast<std::size_t>(rank)]);
    const std::int64_t n_wave = own.n_wave();
    const WaveRange slab = slab_of(n_wave, rank, owners.n_rank());
    block.send.resize(static_cast<std::size_t>(n_own * n_wave));
    const View<const float, 2> rows(own.flux().data() + first_row * n_wave, n_own, n_wave);
    std::int64_t n_received = 0;
    for (int r = 0; r < owners.n_rank(); ++r) {
        const WaveRange to = slab_of(n_wave, r, owners.n_rank());
        if (n_own > 0 && to.count > 0) {
            transpose_planes(where, rows, to.first,
                             View<float, 2>(block.send.data() + to.first * n_own, to.count, n_own));
        }
        block.send_counts.push_back(to.count * n_own);
        block.receive_counts.push_back(slab.count * std::ssize(block.spaxels[static_cast<std::size_t>(r)]));
        n_received += block.receive_counts.back();
    }
    block.received.resize(static_cast<std::size_t>(n_received));
    return block;
}

/// Every plane by one thread, ranks in their order: the sum of a shared spaxel is always the same.
void add_to(CubeSlab& slab, const Block& block, const device::Host& where) {
    device::for_each(where, slab.n_wave(), 1, [&](std::int64_t wave) {
        float* plane = slab.flux().row(wave);
        const float* from = block.received.data();
        for (const auto& spaxels : block.spaxels) {
            const auto n = std::ssize(spaxels);
            for (std::int64_t i = 0; i < n; ++i) { plane[spaxels[static_cast<std::size_t>(i)]] += from[wave * n + i]; }
            from += n * slab.n_wave();
        }
    });
}

} // namespace

std::int64_t blocks_collected(std::int64_t cube_bytes, int n_rank) {
    constexpr std::int64_t block_bytes = std::int64_t{32} << 20;
    return std::clamp<std::int64_t>(cube_bytes / n_rank / block_bytes, 1, 16);
}

CubeSlab collect_planes(PartialCube&& own, const SpaxelOwners& owners, std::int64_t n_y, std::int64_t n_x,
                        Communicator& comm, const device::Host& where) {
    PartialCube part(std::move(own)); // its memory goes with this call, whatever happens
    CubeSlab slab;
    agree(comm, [&] {
        const auto n_own = std::ssize(owners.of_rank(comm.rank()));
        if (n_y * n_x != owners.n_spaxel() || part.n_spaxel() != n_own || owners.n_rank() != comm.size()) {
            throw Error(
                {.where = "collect_planes",
                 .found = fmt::format("{} rows, {} x {} spaxels, {} ranks", part.n_spaxel(), n_y, n_x, comm.size()),
                 .expected = fmt::format("the {} spaxels that this rank owns of {}, {} ranks", n_own, owners.n_spaxel(),
                                         owners.n_rank()),
                 .cure = ""});
        }
        slab = CubeSlab(slab_of(part.n_wave(), comm.rank(), comm.size()), n_y, n_x);
    });
    const std::int64_t n_spaxel = owners.n_spaxel();
    const std::int64_t n_block =
        blocks_collected(n_spaxel * part.n_wave() * static_cast<std::int64_t>(sizeof(float)), comm.size());
    std::int64_t row = 0;
    for (std::int64_t i = 0; i < n_block; ++i) {
        Block block;
        agree(comm, [&] {
            block = packed(part, row, owners, n_spaxel * i / n_block, n_spaxel * (i + 1) / n_block, comm.rank(), where);
        });
        row += std::ssize(block.spaxels[static_cast<std::size_t>(comm.rank())]);
        comm.all_to_all(buffer(std::span<float>(block.send)), block.send_counts,
                        buffer(std::span<float>(block.received)), block.receive_counts);
        std::vector<float>().swap(block.send);
        add_to(slab, block, where);
    }
    return slab;
}

} // namespace tessera
