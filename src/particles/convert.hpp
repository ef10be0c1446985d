#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

#include "particles/age_table.hpp"
#include "particles/particle_reader.hpp"
#include "tessera/particles/row_index.hpp"
#include "tessera/particles/stars.hpp"

namespace tessera::particles {

/// Where positions are counted from, and the periodic box.
struct Frame {
    std::array<double, 3> origin{}; ///< kpc
    std::optional<double> box;      ///< kpc
};

/// Turns blocks of stored values into particles, checking every value; a task takes some thousand rows.
class Converter : public BlockWork {
public:
    /// @param n_row  rows that this rank will read, where most of them become particles; else 0
    /// @param field  only particles in it are wanted; null: all
    Converter(std::int64_t n_row, const Frame& frame, const FieldBox* field)
        : n_expected_(n_row), frame_(frame), field_(field) {}
    void start(const Block& block, device::Tasks& tasks) final;
    void finish() final;

protected:
    /// Consecutive rows of a block, which become consecutive particles.
    struct Piece {
        std::int64_t first = 0, n_row = 0; ///< rows in the block
        std::vector<std::int32_t> kept;    ///< those that become particles, where not all do
        std::int64_t to = 0, n = 0;        ///< particles
        std::int64_t n_dropped = 0;        ///< rows that are none
        std::uint64_t hash = 0;            ///< sum over its particles
        std::exception_ptr failure;
    };
    /// What becomes of a row; asked only where `may_drop`.
    enum class Fate {
        particle,
        dropped,   ///< none, and counted: a wind cell
        elsewhere, ///< none of those wanted, and not looked at any further
    };
    virtual Fate fate_of(const Block& block, std::int64_t row) const;
    virtual bool may_drop() const { return field_ != nullptr; }
    /// The arrays that the block's particles go to.
    virtual std::vector<std::vector<float>*> arrays(const Block& block) = 0;
    /// Fills the piece's particles. @return  false where a value does not hold
    virtual bool convert(const Block& block, Piece& piece) = 0;
    /// @throws Error(Kind::data)  naming the first value of the row that does not hold
    virtual void check(const Block& block, std::int64_t row) const = 0;

    std::int64_t n_expected_; ///< particles, at most
    Frame frame_;
    const FieldBox* field_;
    std::int64_t n_ = 0; ///< particles so far, those of the block in work included
    std::int64_t n_dropped_ = 0;
    std::uint64_t hash_ = 0; ///< of the finished blocks

private:
    void choose_rows(const Block& block, Piece& piece) const;
    void convert_piece(const Block& block, Piece& piece);
    std::vector<Piece> pieces_; ///< of the block in work
};

class StarConverter final : public Converter {
public:
    StarConverter(const Plan& plan, std::int64_t n_row, const Frame& frame, bool keep_rows, Stars& stars,
                  const FieldBox* field = nullptr);
    std::int64_t n_wind() const { return n_dropped_; }
    /// Sum over stars of a hash of each one's ten numbers: the same however they are dealt out to blocks and ranks.
    std::uint64_t hash() const { return hash_; }

private:
    Fate fate_of(const Block& block, std::int64_t row) const override;
    bool may_drop() const override { return plan_.drops_wind || Converter::may_drop(); }
    std::vector<std::vector<float>*> arrays(const Block& block) override;
    bool convert(const Block& block, Piece& piece) override;
    void check(const Block& block, std::int64_t row) const override;
    void check_birth(const Block& block, std::int64_t row) const;
    double now() const { return plan_.birth == Birth::time ? plan_.snapshot_time : plan_.info.scale_factor; }
    /// Gyr. @return  whether the birth holds
    bool age_of(double birth, float& age) const;

    const Plan& plan_;
    bool keep_rows_;
    Stars& stars_;
    std::optional<AgeTable> ages_;
    double age_now_ = 0;
};

/// The temperature is that of the internal energy where the file has no temperature itself.
class GasConverter final : public Converter {
public:
    GasConverter(std::int64_t n_row, const Frame& frame, Gas& gas, const FieldBox* field = nullptr)
        : Converter(n_row, frame, field), gas_(gas) {}

private:
    std::vector<std::vector<float>*> arrays(const Block& block) override;
    bool convert(const Block& block, Piece& piece) override;
    void check(const Block& block, std::int64_t row) const override;

    Gas& gas_;
};

} // namespace tessera::particles
