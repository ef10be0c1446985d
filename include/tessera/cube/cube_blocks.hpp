#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tessera/cube/cube.hpp"
#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

class Communicator;

/// Wavelength pixels of a block: ranges of the cube's, ascending, counted through from 0. Some may be empty.
struct WaveBlock {
    std::vector<WaveRange> pieces;
    std::vector<std::int64_t> start{0}; ///< [piece + 1] pixels of the pieces before

    WaveBlock() = default;
    explicit WaveBlock(std::vector<WaveRange> ranges);
    std::int64_t size() const { return start.back(); }
    /// What pixels [first, end) of the block are in the cube; none of them empty.
    std::vector<WaveRange> ranges(std::int64_t first, std::int64_t end) const;
};

/// Light of some rows (spaxels) in the pixels of a block, Lsun/Angstrom: a piece after the other, each [row, pixel of the piece], as it is
/// sent to the rank that keeps those wavelengths.
struct BlockView {
    float* flux = nullptr;
    std::int64_t n_row = 0;
    const WaveBlock* waves = nullptr;

    float* row(std::size_t piece, std::int64_t i) const {
        return flux + n_row * waves->start[piece] + i * waves->pieces[piece].count;
    }
    /// Adds n values to row i from pixel `first` of the block on.
    void add(std::int64_t i, std::int64_t first, const float* values, std::int64_t n) const;
};

/// The blocks that a cube is made and brought together in, the same on every rank: parts of the spaxels one after the other, in each of them
/// blocks of wavelengths. A block has a piece of every rank's slab, so that all ranks send and receive alike while it travels.
struct CubeBlocks {
    std::int64_t n_spaxel = 0, n_wave = 0;
    int n_rank = 1;
    int n_part = 1, n_wave_block = 1;

    /// Spaxels [first, end) of a part.
    WaveRange spaxels(int part) const { return slab_of(n_spaxel, part, n_part); }
    WaveBlock waves(int block) const;
    std::int64_t count() const { return std::int64_t{n_part} * n_wave_block; }
    /// Bytes of the largest block. @param n_row  rows that a rank has of all parts together
    std::int64_t bytes(std::int64_t n_row) const;
    /// Bytes of the largest rank's own piece of a block.
    std::int64_t bytes_of_piece() const;
};

/// What the number of blocks goes by. All ranks must give the same.
struct BlockSizes {
    std::int64_t n_spaxel = 0, n_wave = 0;
    int n_rank = 1;
    std::int64_t n_row = 0;      ///< spaxels that a rank makes, at most: all, or its share of them
    int n_thread = 1;            ///< of a rank: they share the tiles of a block
    std::int64_t tile = 1;       ///< pixels that are made at a time; 0: spectra are made whole
    std::int64_t least_part = 1; ///< parts at least, for what a part needs besides
    std::int64_t bytes = 0;      ///< of a block; 0: an eighth of the slab, or 8 MiB and more where that is less
    bool own_planes =
        false; ///< for make_own_planes: parts of the spaxels in all wavelengths, of which a rank's piece counts
};

/// One block for one rank and a small cube. Else blocks of about the wanted size: as many blocks of wavelengths as fill their tiles and leave every
/// thread one, then parts of the spaxels, where what all wavelengths need (templates) is made again.
CubeBlocks choose_blocks(const BlockSizes& sizes);

/// About how many blocks an exchange of a cube of that many bytes sends one after the other.
std::int64_t blocks_collected(std::int64_t cube_bytes, int n_rank);

/// Where synthesis puts its light, a block after the other: `open`, add, `close`, in the order of the blocks, part by part. All ranks open
/// and close all blocks, with or without light.
class BlockedCube {
public:
    virtual ~BlockedCube() = default;
    const CubeBlocks& blocks() const { return blocks_; }
    /// Spaxels whose light this rank makes in a part, ascending: the rows of its blocks.
    virtual std::span<const std::int64_t> rows(int part) const = 0;
    /// Zero.
    virtual BlockView open(int part, int block) = 0;
    /// To be called now and then, by the thread that opens and closes, while a block is made: the one before is on its way.
    virtual void advance() noexcept {}
    /// The open block is complete.
    virtual void close() = 0;
    /// After each close(), on all ranks alike: what `after_each` was given, which may throw on all of them.
    void check() const {
        if (check_) { check_(); }
    }
    void after_each(std::function<void()> check) { check_ = std::move(check); }
    /// Whether a block takes the light of all ranks' stars, in wavelengths that no other rank makes; else of this rank's stars.
    virtual bool of_all_ranks() const { return false; }

protected:
    explicit BlockedCube(const CubeBlocks& blocks) : blocks_(blocks) {}

private:
    CubeBlocks blocks_;
    std::function<void()> check_;
};

/// All in one block: a partial cube.
class WholeCube final : public BlockedCube {
public:
    explicit WholeCube(PartialCube& cube);
    std::span<const std::int64_t> rows(int /*part*/) const override { return rows_; }
    BlockView open(int part, int block) override;
    void close() override {}

private:
    PartialCube& cube_;
    WaveBlock waves_;
    std::vector<std::int64_t> rows_;
};

/// Blocks on their way to slabs, slab_of(n_wave, rank, size): while one is made the one before travels.
class SlabBlocks : public BlockedCube {
public:
    /// After all blocks: this rank's slab.
    virtual CubeSlab finish() = 0;

protected:
    using BlockedCube::BlockedCube;
};

/// Reduce-scatter: every rank makes all spaxels of its stars, and each rank receives the sum of its wavelengths. The order of a sum depends on the
/// ranks and their nodes alone. One rank's block goes to the slab at once. Collective.
/// @param n_y, n_x  padded field, n_y·n_x = blocks.n_spaxel
/// @param where     threads that turn what arrives
/// @par Cost    bytes sent a rank: the cube without its own slab
/// @par Memory  the slab, the block that is made, that which travels, and what arrives, as much as a block
std::unique_ptr<SlabBlocks> sum_in_blocks(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x,
                                          Communicator& comm, const device::Host& where = {});

/// A cube whose spaxels are made by their owners: each sends each rank that rank's wavelengths of its spaxels. Parts of shared spaxels are added
/// in the order of the ranks. Collective.
/// @param owners  must outlive the result
/// @par Cost    bytes sent a rank: (P-1)/P of its part of the cube
/// @par Memory  as above, the blocks of the rank's own spaxels
std::unique_ptr<SlabBlocks> collect_in_blocks(const CubeBlocks& blocks, const SpaxelOwners& owners, std::int64_t n_y,
                                              std::int64_t n_x, Communicator& comm, const device::Host& where = {});

/// A cube of which each rank makes its own wavelengths, of the stars of all ranks: nothing is left to bring together. Collective.
/// @par Memory  the slab, and the rank's piece of a block
std::unique_ptr<SlabBlocks> make_own_planes(const CubeBlocks& blocks, std::int64_t n_y, std::int64_t n_x,
                                            Communicator& comm, const device::Host& where = {});

/// A partial cube that is there already, through blocks. @return  this rank's slab
CubeSlab bring_together(const PartialCube& cube, SlabBlocks& blocks);

} // namespace tessera
