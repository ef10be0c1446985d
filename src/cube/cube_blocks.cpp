#include "tessera/cube/cube_blocks.hpp"

#include <algorithm>
#include <numeric>

#include "tessera/core/error.hpp"

namespace tessera {

WaveBlock::WaveBlock(std::vector<WaveRange> ranges) : pieces(std::move(ranges)) {
    for (const WaveRange& piece : pieces) { start.push_back(start.back() + piece.count); }
}

std::vector<WaveRange> WaveBlock::ranges(std::int64_t first, std::int64_t end) const {
    std::vector<WaveRange> out;
    for (std::size_t p = 0; p < pieces.size(); ++p) {
        const WaveRange here = common({start[p], pieces[p].count}, {first, end - first});
        if (here.count > 0) { out.push_back({pieces[p].first + here.first - start[p], here.count}); }
    }
    return out;
}

void BlockView::add(std::int64_t i, std::int64_t first, const float* values, std::int64_t n) const {
    const auto after = std::upper_bound(waves->start.begin(), waves->start.end(), first);
    for (auto p = static_cast<std::size_t>(after - waves->start.begin()) - 1; n > 0; ++p) {
        const std::int64_t in_piece = first - waves->start[p];
        const std::int64_t here = std::min(n, waves->pieces[p].count - in_piece);
        float* to = row(p, i) + in_piece;
        for (std::int64_t k = 0; k < here; ++k) { to[k] += values[k]; }
        values += here;
        first += here;
        n -= here;
    }
}

WaveBlock CubeBlocks::waves(int block) const {
    std::vector<WaveRange> pieces;
    for (int rank = 0; rank < n_rank; ++rank) {
        const WaveRange slab = slab_of(n_wave, rank, n_rank);
        const WaveRange piece = slab_of(slab.count, block, n_wave_block);
        pieces.push_back({slab.first + piece.first, piece.count});
    }
    return WaveBlock(std::move(pieces));
}

std::int64_t CubeBlocks::bytes(std::int64_t n_row) const {
    // The first of each kind is the largest.
    return (n_row + n_part - 1) / n_part * waves(0).size() * static_cast<std::int64_t>(sizeof(float));
}

std::int64_t CubeBlocks::bytes_of_piece() const {
    return spaxels(0).count * waves(0).pieces.front().count * static_cast<std::int64_t>(sizeof(float));
}

namespace {

std::int64_t tiles_in(const CubeBlocks& blocks, std::int64_t tile) {
    std::int64_t n = 0;
    for (int b = 0; b < blocks.n_wave_block; ++b) { n += (blocks.waves(b).size() + tile - 1) / tile; }
    return n;
}

std::int64_t ceil_of(std::int64_t n, std::int64_t per) { return (n + per - 1) / per; }

/// Bytes of a block: an eighth of a slab, as messages are of some size. One rank sends none: what its caches hold between adding and turning.
std::int64_t wanted_bytes(std::int64_t cube_bytes, int n_rank) {
    constexpr std::int64_t least = std::int64_t{8} << 20, alone = std::int64_t{16} << 20, message = 16 << 10;
    return std::max(cube_bytes / n_rank / 8, n_rank > 1 ? std::max(least, n_rank * message) : alone);
}

} // namespace

std::int64_t blocks_collected(std::int64_t cube_bytes, int n_rank) {
    return std::max<std::int64_t>(1, ceil_of(cube_bytes / n_rank, wanted_bytes(cube_bytes, n_rank)));
}

CubeBlocks choose_blocks(const BlockSizes& sizes) {
    CubeBlocks blocks{.n_spaxel = sizes.n_spaxel, .n_wave = sizes.n_wave, .n_rank = sizes.n_rank};
    if (sizes.n_spaxel == 0 || sizes.n_wave == 0) { return blocks; }
    const std::int64_t voxel = sizeof(float);
    if (sizes.own_planes) {
        constexpr std::int64_t least = std::int64_t{16} << 20; // templates are made for each part
        const std::int64_t slab = sizes.n_spaxel * ceil_of(sizes.n_wave, sizes.n_rank) * voxel;
        const std::int64_t part = sizes.bytes > 0 ? sizes.bytes : std::max(least, slab / 8);
        blocks.n_part = static_cast<int>(std::clamp<std::int64_t>(ceil_of(slab, part), 1, sizes.n_spaxel));
        return blocks;
    }
    const std::int64_t wanted =
        sizes.bytes > 0 ? sizes.bytes : wanted_bytes(sizes.n_spaxel * sizes.n_wave * voxel, sizes.n_rank);
    const std::int64_t total = sizes.n_row * sizes.n_wave * voxel;
    if (sizes.tile > 0 && total > wanted) {
        const std::int64_t n_tile = ceil_of(sizes.n_wave, sizes.tile);
        const std::int64_t most = std::clamp<std::int64_t>(n_tile / sizes.n_thread, 1,
                                                           std::max<std::int64_t>(1, sizes.n_wave / sizes.n_rank));
        // Tiles that are not full cost as much as others: of the numbers of blocks that waste few, the first that is enough.
        for (std::int64_t n = 1; n <= most; ++n) {
            CubeBlocks tried = blocks;
            tried.n_wave_block = static_cast<int>(n);
            if (25 * (tiles_in(tried, sizes.tile) - n_tile) > n_tile) { continue; }
            blocks = tried;
            if (n * wanted >= total) { break; }
        }
    }
    const std::int64_t parts = std::max(ceil_of(total, wanted * blocks.n_wave_block), sizes.least_part);
    blocks.n_part = static_cast<int>(std::clamp<std::int64_t>(parts, 1, sizes.n_spaxel));
    return blocks;
}

namespace {

CubeBlocks one_block(const PartialCube& cube) { return {.n_spaxel = cube.n_spaxel(), .n_wave = cube.n_wave()}; }

} // namespace

WholeCube::WholeCube(PartialCube& cube)
    : BlockedCube(one_block(cube)), cube_(cube), waves_({{0, cube.n_wave()}}),
      rows_(static_cast<std::size_t>(cube.n_spaxel())) {
    std::iota(rows_.begin(), rows_.end(), std::int64_t{0});
}

BlockView WholeCube::open(int /*part*/, int /*block*/) { return {cube_.flux().data(), cube_.n_spaxel(), &waves_}; }

CubeSlab bring_together(const PartialCube& cube, SlabBlocks& blocks) {
    std::int64_t first_row = 0;
    for (int part = 0; part < blocks.blocks().n_part; ++part) {
        const std::int64_t n_row = std::ssize(blocks.rows(part));
        for (int b = 0; b < blocks.blocks().n_wave_block; ++b) {
            const BlockView block = blocks.open(part, b);
            for (std::int64_t i = 0; i < n_row; ++i) {
                for (std::size_t p = 0; p < block.waves->pieces.size(); ++p) {
                    const WaveRange piece = block.waves->pieces[p];
                    std::copy_n(cube.flux().row(first_row + i) + piece.first, piece.count, block.row(p, i));
                }
            }
            blocks.close();
        }
        first_row += n_row;
    }
    return blocks.finish();
}

} // namespace tessera
