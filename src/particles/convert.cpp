#include "particles/convert.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "particles/column.hpp"
#include "particles/row_check.hpp"
#include "tessera/core/hash.hpp"

namespace tessera::particles {
namespace {

std::uint64_t hash_of(const Stars& stars, std::int64_t first, std::int64_t n) {
    std::uint64_t sum = 0;
    const auto bits = [](float value) { return static_cast<std::uint64_t>(std::bit_cast<std::uint32_t>(value)); };
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(first + n); ++i) {
        WordHash star;
        star.add(bits(stars.x[i]) << 32U | bits(stars.y[i]));
        star.add(bits(stars.z[i]) << 32U | bits(stars.vx[i]));
        star.add(bits(stars.vy[i]) << 32U | bits(stars.vz[i]));
        star.add(bits(stars.initial_mass[i]) << 32U | bits(stars.mass[i]));
        star.add(bits(stars.metallicity[i]) << 32U | bits(stars.age[i]));
        sum += star.hash();
    }
    return sum;
}

} // namespace

void Converter::start(const Block& block, device::Tasks& tasks) {
    constexpr std::int64_t piece_rows =
        4096; // 160 kB of stars: they stay in a second-level cache while they are hashed
    pieces_.clear();
    for (std::int64_t first = 0; first < block.n_row; first += piece_rows) {
        const std::int64_t n = std::min(piece_rows, block.n_row - first);
        pieces_.push_back({.first = first, .n_row = n, .kept = {}, .n = n, .failure = {}});
    }
    const auto n_piece = static_cast<std::int64_t>(pieces_.size());
    if (may_drop()) {
        tasks.start(n_piece,
                    [this, &block](std::int64_t i) { choose_rows(block, pieces_[static_cast<std::size_t>(i)]); });
        tasks.wait();
    }
    for (Piece& piece : pieces_) {
        piece.to = n_;
        n_ += piece.n;
        n_dropped_ += piece.n_dropped;
    }
    // Memory first, here, where its lack can be told; then the arrays grow side by side, each page touched once.
    const std::vector<std::vector<float>*> grown = arrays(block);
    const auto n = static_cast<std::size_t>(n_);
    for (auto* array : grown) { array->reserve(static_cast<std::size_t>(n_expected_)); }
    tasks.start(static_cast<std::int64_t>(grown.size()),
                [&](std::int64_t i) { grown[static_cast<std::size_t>(i)]->resize(n); });
    tasks.wait();
    tasks.start(n_piece,
                [this, &block](std::int64_t i) { convert_piece(block, pieces_[static_cast<std::size_t>(i)]); });
}

void Converter::choose_rows(const Block& block, Piece& piece) const {
    piece.kept.reserve(static_cast<std::size_t>(piece.n_row));
    for (std::int64_t row = piece.first; row < piece.first + piece.n_row; ++row) {
        const Fate fate = fate_of(block, row);
        if (fate == Fate::particle) { piece.kept.push_back(static_cast<std::int32_t>(row)); }
        if (fate == Fate::dropped) { ++piece.n_dropped; }
    }
    piece.n = static_cast<std::int64_t>(piece.kept.size());
}

void Converter::convert_piece(const Block& block, Piece& piece) {
    try {
        if (convert(block, piece)) { return; }
        for (std::int64_t row = piece.first; row < piece.first + piece.n_row; ++row) {
            if (!may_drop() || fate_of(block, row) == Fate::particle) { check(block, row); }
        }
    } catch (...) { piece.failure = std::current_exception(); }
}

void Converter::finish() {
    for (const Piece& piece : pieces_) {
        if (piece.failure) { std::rethrow_exception(piece.failure); }
        hash_ += piece.hash;
    }
}

StarConverter::StarConverter(const Plan& plan, std::int64_t n_row, const Frame& frame, bool keep_rows, Stars& stars,
                             const FieldBox* field)
    : Converter(n_row, frame, field), plan_(plan), keep_rows_(keep_rows), stars_(stars) {
    if (plan.birth != Birth::scale_factor || !plan.info.cosmology) { return; }
    ages_.emplace(*plan.info.cosmology, plan.info.scale_factor);
    age_now_ = plan.info.cosmology->age(plan.info.scale_factor);
}

Converter::Fate Converter::fate_of(const Block& block, std::int64_t row) const {
    if (field_ == nullptr) { return Fate::particle; }
    const auto at = [&](std::int64_t i) { return block.at(any_coordinates, row, i); };
    return field_->holds({at(0), at(1), at(2)}, frame_.box.value_or(0)) ? Fate::particle : Fate::elsewhere;
}

Converter::Fate StarConverter::fate_of(const Block& block, std::int64_t row) const {
    const Fate fate = Converter::fate_of(block, row);
    if (fate == Fate::elsewhere) { return fate; }
    return plan_.drops_wind && block.at(star_birth, row) <= 0 ? Fate::dropped : Fate::particle;
}

// The last step of a run may give stars born a rounding error after the snapshot.
bool StarConverter::age_of(double birth, float& age) const {
    if (plan_.birth == Birth::age) { return AtLeastZero()(birth, age); }
    const double limit = now();
    bool good = Finite()(birth, age) && birth <= limit + 1e-4 * std::abs(limit);
    if (birth >= limit) {
        age = 0;
    } else if (plan_.birth == Birth::time) {
        age = static_cast<float>(limit - birth);
    } else {
        good = good && birth > 0;
        age = good ? static_cast<float>(std::max(0.0, age_now_ - ages_->age(birth))) : 0;
    }
    return good;
}

void StarConverter::check_birth(const Block& block, std::int64_t row) const {
    if (plan_.birth == Birth::age) {
        at_least_zero(block, star_birth, row);
        return;
    }
    const double birth = block.at(star_birth, row);
    finite(block, star_birth, row, birth);
    if (birth > now() + 1e-4 * std::abs(now())) {
        bad_value(block, star_birth, row, birth,
                  fmt::format("at most {:.9g}, that of the snapshot: a star cannot form after it", now()));
    }
    if (plan_.birth == Birth::scale_factor && birth <= 0) {
        bad_value(block, star_birth, row, birth, "a scale factor above 0");
    }
}

std::vector<std::vector<float>*> StarConverter::arrays(const Block& /*block*/) {
    if (keep_rows_) {
        stars_.row.reserve(static_cast<std::size_t>(n_expected_));
        stars_.row.resize(static_cast<std::size_t>(n_));
    }
    return {&stars_.x,    &stars_.y,           &stars_.z,  &stars_.vx, &stars_.vy, &stars_.vz, &stars_.initial_mass,
            &stars_.mass, &stars_.metallicity, &stars_.age};
}

bool StarConverter::convert(const Block& block, Piece& piece) {
    return on_rows(piece, [&](const auto& rows) {
        bool good = convert_place(block, star_coordinates, star_velocities, rows, frame_, stars_, piece.to);
        good &= convert_column(block, star_birth, 0, rows, stars_.age.data() + piece.to,
                               [this](double birth, float& age) { return age_of(birth, age); });
        float* initial_mass = stars_.initial_mass.data() + piece.to;
        good &= convert_column(block, star_initial_mass, 0, rows, initial_mass, AtLeastZero());
        if (block.has(star_mass)) {
            good &= convert_column(block, star_mass, 0, rows, stars_.mass.data() + piece.to, AtLeastZero());
        } else {
            std::copy_n(initial_mass, piece.n, stars_.mass.data() + piece.to);
        }
        good &= convert_column(block, star_metallicity, 0, rows, stars_.metallicity.data() + piece.to, MassFraction());
        for (std::int64_t i = 0; keep_rows_ && i < piece.n; ++i) {
            stars_.row[static_cast<std::size_t>(piece.to + i)] = block.first + rows[i];
        }
        piece.hash = hash_of(stars_, piece.to, piece.n);
        return good;
    });
}

void StarConverter::check(const Block& block, std::int64_t row) const {
    check_place(block, star_coordinates, star_velocities, row, frame_);
    check_birth(block, row);
    at_least_zero(block, star_initial_mass, row);
    if (block.has(star_mass)) { at_least_zero(block, star_mass, row); }
    mass_fraction(block, star_metallicity, row);
}

} // namespace tessera::particles
