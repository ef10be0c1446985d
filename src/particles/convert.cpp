#include "particles/convert.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "particles/column.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/hash.hpp"

namespace tessera::particles {
namespace {

[[noreturn]] void bad_value(const Block& block, std::size_t field, std::int64_t row, double value,
                            const std::string& expected) {
    throw Error({.kind = Kind::data,
                 .where = block.place(field, row),
                 .found = fmt::format("{:.9g}", value),
                 .expected = expected,
                 .cure = "repair or remove the row"});
}

/// As float; infinities, NaN and what no float can hold are refused.
float finite(const Block& block, std::size_t field, std::int64_t row, double value) {
    if (!(std::abs(value) <= std::numeric_limits<float>::max())) {
        bad_value(block, field, row, value, "a finite number");
    }
    return static_cast<float>(value);
}

float at_least_zero(const Block& block, std::size_t field, std::int64_t row) {
    const double value = block.at(field, row);
    const float result = finite(block, field, row, value);
    if (value < 0) { bad_value(block, field, row, value, "a number of at least 0"); }
    return result;
}

float mass_fraction(const Block& block, std::size_t field, std::int64_t row) {
    const float value = at_least_zero(block, field, row);
    if (value > 1) { bad_value(block, field, row, value, "a mass fraction, 0 to 1"); }
    return value;
}

/// Offset from the origin to the nearest periodic image, in double: at 10^5 kpc a float steps by 8 pc.
std::array<float, 3> offset(const Block& block, std::size_t field, std::int64_t row, const Frame& frame) {
    std::array<float, 3> result{};
    for (std::size_t i = 0; i < 3; ++i) {
        double d = block.at(field, row, static_cast<std::int64_t>(i)) - frame.origin[i];
        if (frame.box) { d -= *frame.box * std::round(d / *frame.box); }
        result[i] = finite(block, field, row, d);
    }
    return result;
}

std::array<float, 3> vector3(const Block& block, std::size_t field, std::int64_t row) {
    return {finite(block, field, row, block.at(field, row, 0)), finite(block, field, row, block.at(field, row, 1)),
            finite(block, field, row, block.at(field, row, 2))};
}

void check_place(const Block& block, std::size_t coordinates, std::size_t velocities, std::int64_t row,
                 const Frame& frame) {
    offset(block, coordinates, row, frame);
    if (block.has(velocities)) { vector3(block, velocities, row); }
}

/// Temperature of an ideal monatomic gas of hydrogen fraction 0.76: T = 2/3 u mu m_p / k_B, mu = 4 / (1 + 3 X + 4 X x_e).
/// @param energy  (km/s)^2   @par Source  as published with the TNG data release, Nelson et al. (2019)
double temperature(double energy, double electrons) {
    constexpr double x_hydrogen = 0.76;
    constexpr double proton_mass_per_boltzmann = 1.67262192369e-24 / 1.380649e-16; // g K/erg, CODATA 2018
    const double mu = 4.0 / (1.0 + 3.0 * x_hydrogen + 4.0 * x_hydrogen * electrons);
    return 2.0 / 3.0 * energy * 1e10 * mu * proton_mass_per_boltzmann;
}

/// Calls `work` with the rows of a piece.
template <class Piece, class Work>
bool on_rows(const Piece& piece, Work&& work) {
    return piece.n == piece.n_row ? work(ConsecutiveRows{piece.first, piece.n}) : work(ListedRows{piece.kept});
}

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
        Piece piece{.first = first, .n_row = std::min(piece_rows, block.n_row - first), .kept = {}, .failure = {}};
        piece.n = piece.n_row;
        if (may_drop()) {
            for (std::int64_t row = first; row < first + piece.n_row; ++row) {
                if (!drops(block, row)) { piece.kept.push_back(static_cast<std::int32_t>(row)); }
            }
            piece.n = static_cast<std::int64_t>(piece.kept.size());
            n_dropped_ += piece.n_row - piece.n;
        }
        piece.to = n_;
        n_ += piece.n;
        pieces_.push_back(std::move(piece));
    }
    // Memory first, here, where its lack can be told; then the arrays grow side by side, each page touched once.
    const std::vector<std::vector<float>*> grown = arrays(block);
    const auto n = static_cast<std::size_t>(n_);
    for (auto* array : grown) { array->reserve(static_cast<std::size_t>(n_expected_)); }
    tasks.start(static_cast<std::int64_t>(grown.size()),
                [&](std::int64_t i) { grown[static_cast<std::size_t>(i)]->resize(n); });
    tasks.wait();
    tasks.start(static_cast<std::int64_t>(pieces_.size()),
                [this, &block](std::int64_t i) { convert_piece(block, pieces_[static_cast<std::size_t>(i)]); });
}

void Converter::convert_piece(const Block& block, Piece& piece) {
    try {
        if (convert(block, piece)) { return; }
        for (std::int64_t row = piece.first; row < piece.first + piece.n_row; ++row) {
            if (!may_drop() || !drops(block, row)) { check(block, row); }
        }
    } catch (...) { piece.failure = std::current_exception(); }
}

void Converter::finish() {
    for (const Piece& piece : pieces_) {
        if (piece.failure) { std::rethrow_exception(piece.failure); }
        hash_ += piece.hash;
    }
}

StarConverter::StarConverter(const Plan& plan, std::int64_t n_row, const Frame& frame, bool keep_rows, Stars& stars)
    : Converter(n_row), plan_(plan), frame_(frame), keep_rows_(keep_rows), stars_(stars) {
    if (plan.birth != Birth::scale_factor || !plan.info.cosmology) { return; }
    ages_.emplace(*plan.info.cosmology, plan.info.scale_factor);
    age_now_ = plan.info.cosmology->age(plan.info.scale_factor);
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

namespace {

/// The fields of gas that go into an array as they are.
struct GasColumn {
    GasField field;
    std::vector<float> Gas::* array;
};
constexpr GasColumn gas_columns[] = {{gas_mass, &Gas::mass},
                                     {gas_density, &Gas::density},
                                     {gas_metallicity, &Gas::metallicity},
                                     {gas_star_formation_rate, &Gas::star_formation_rate},
                                     {gas_temperature, &Gas::temperature}};

/// Whether the temperature must come from the internal energy.
bool has_energy_alone(const Block& block) {
    return !block.has(gas_temperature) && block.has(gas_internal_energy) && block.has(gas_electron_abundance);
}

} // namespace

std::vector<std::vector<float>*> GasConverter::arrays(const Block& block) {
    std::vector<std::vector<float>*> all{&gas_.x, &gas_.y, &gas_.z};
    if (block.has(gas_velocities)) { all.insert(all.end(), {&gas_.vx, &gas_.vy, &gas_.vz}); }
    for (const GasColumn& column : gas_columns) {
        if (block.has(column.field)) { all.push_back(&(gas_.*column.array)); }
    }
    if (has_energy_alone(block)) { all.push_back(&gas_.temperature); }
    return all;
}

bool GasConverter::convert(const Block& block, Piece& piece) {
    const ConsecutiveRows rows{piece.first, piece.n};
    bool good = convert_place(block, gas_coordinates, gas_velocities, rows, frame_, gas_, piece.to);
    for (const GasColumn& column : gas_columns) {
        if (!block.has(column.field)) { continue; }
        float* out = (gas_.*column.array).data() + piece.to;
        good &= column.field == gas_metallicity ? convert_column(block, column.field, 0, rows, out, MassFraction())
                                                : convert_column(block, column.field, 0, rows, out, AtLeastZero());
    }
    if (has_energy_alone(block)) {
        for (std::int64_t i = 0; i < piece.n; ++i) {
            const double energy = block.at(gas_internal_energy, rows[i]);
            const double electrons = block.at(gas_electron_abundance, rows[i]);
            float as_float = 0;
            good &= AtLeastZero()(energy, as_float) && AtLeastZero()(electrons, as_float);
            good &= Finite()(temperature(static_cast<double>(static_cast<float>(energy)),
                                         static_cast<double>(static_cast<float>(electrons))),
                             gas_.temperature[static_cast<std::size_t>(piece.to + i)]);
        }
    }
    return good;
}

void GasConverter::check(const Block& block, std::int64_t row) const {
    check_place(block, gas_coordinates, gas_velocities, row, frame_);
    for (const GasColumn& column : gas_columns) {
        if (!block.has(column.field)) { continue; }
        if (column.field == gas_metallicity) {
            mass_fraction(block, column.field, row);
        } else {
            at_least_zero(block, column.field, row);
        }
    }
    if (has_energy_alone(block)) {
        const double kelvin = temperature(at_least_zero(block, gas_internal_energy, row),
                                          at_least_zero(block, gas_electron_abundance, row));
        finite(block, gas_internal_energy, row, kelvin);
    }
}

} // namespace tessera::particles
