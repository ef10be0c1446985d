#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "synthesis/method_choice.hpp"
#include "synthesis/row_product.hpp"
#include "synthesis/spectra.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

class Communicator;

/// What the sums of one run share.
struct RowInput {
    const ssp::Library& library;
    const ssp::Interpolator& interpolator;
    const WavelengthGrid& pixels;
    double redshift;
    Doppler doppler;
    VelocityRanges velocities;
    device::Host where;
};

/// One way to make spectra: templates, and the velocity step of their rows.
struct RowKind {
    const Spectra* spectra = nullptr;
    double step = 0;
    const ssp::Compression* compression = nullptr; ///< null: the spectra are nodes
};

/// Rows that the stars of some spaxels touch, whatever the rank.
VelocityGrid rows_touched(const RowInput& input, double step, const std::vector<std::int64_t>& spaxels);

/// W of some spaxels, a batch of them after the other, for one block of wavelengths after the other. Batches are made in the first block, kept
/// as far as `limits.kept` goes, and made again in each of the other blocks beyond that: always the same.
class SpaxelLight {
public:
    /// What its parts share; must outlive it.
    struct Source {
        const SpaxelStars& stars;
        const RowInput& input;
        RowKind kind;
        const NodeColumns&
            columns; ///< that the deposit adds up; for a kind without compression also the columns of its spectra
        double cost_of_single;
        WeightLimits limits = {};
        /// Null: W of this rank's stars. Else of the stars of all these ranks, which do the same together: add_to is collective.
        Communicator* ranks = nullptr;
        std::span<const std::int64_t> n_star = {}; ///< [spaxel] of all `ranks`
    };
    struct Spaxel {
        std::int64_t spaxel, row; ///< row of the blocks
    };
    /// @param n_block  of wavelengths that add_to will be called for; `kept` counts all weights that are kept, of other parts as well
    SpaxelLight(const Source& source, std::vector<Spaxel> spaxels, int n_block, std::int64_t& kept);
    ~SpaxelLight();
    SpaxelLight(const SpaxelLight&) = delete;
    SpaxelLight& operator=(const SpaxelLight&) = delete;

    /// Deposit where needed, and product.
    /// @param done       called after every batch with the number of its stars
    /// @param meanwhile  called now and then by the calling thread
    void add_to(const BlockView& block, const std::function<void(std::int64_t)>& done,
                const std::function<void()>& meanwhile = {});

private:
    struct Batch;
    std::vector<RowList> lists_of(std::size_t first, std::size_t end) const;
    std::size_t next_few(std::size_t first) const;
    Batch make_next(std::size_t first) const;
    std::int64_t n_star_of(std::int64_t spaxel) const;

    Source source_;
    std::vector<Spaxel> spaxels_;
    Deposit deposit_;
    RowTemplates templates_;
    bool once_; ///< nothing need be kept
    std::int64_t& kept_;
    std::vector<Batch> batches_; ///< as far as they were made
};

/// Largest possible number of row weights that so many stars of a spaxel may have.
std::int64_t most_weights(std::int64_t n_star, const RowInput& input, const RowKind& kind, std::int64_t n_column,
                          std::int64_t spaxel);

} // namespace tessera
