#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera {

/// A column that an expression may name.
struct ExpressionColumn {
    std::string name;
    std::string unit;   ///< "Msun/yr", "km/s"; empty for a pure number
    bool truth = false; ///< 0 or 1, a statement by itself
};

/// A statement about the rows of a table, such as `mass_stars > 1e9 Msun and not (sfr < 0.1 Msun/yr or flag == 0)`, parsed and
/// checked once, then carried out over columns.
///
///     or, and, not        loosest first
///     < <= > >= == !=     chains as in 1 kpc < r_half < 5 kpc
///     + -   * /   -x   ^  tightest last; the power is a whole number
///     log10(x) sqrt(x) abs(x) min(x, y) max(x, y)
///
/// A number may carry a unit: 1e9 Msun, 0.1 Msun/yr, 200 km/s, 3 kpc^2. Both sides of a sum or comparison must have the same dimension.
class Expression {
public:
    /// An empty text is true of every row.
    /// @param where  for messages: "catalog.select"
    /// @throws Error(Kind::config)  a syntax error, an unknown name (with the nearest), dimensions that do not match (names both),
    ///                              a number where a statement is needed, or the reverse; always with the place in the text
    static Expression compile(const std::string& text, std::span<const ExpressionColumn> columns,
                              const std::string& where);

    /// Names of the columns in use, each once, in the order of their first use.
    const std::vector<std::string>& columns() const { return names_; }

    /// @param columns  [entry of columns()][row], in the units of the ExpressionColumns
    /// @return         [row] 0 or 1; a comparison with a value that is not a number is false
    std::vector<std::uint8_t> evaluate(const std::vector<std::span<const double>>& columns, std::int64_t n_row) const;

    /// One step of a stack machine.
    enum class Code : std::uint8_t {
        column, ///< pushes column `index` times `value`
        number, ///< pushes `value`
        negate,
        power, ///< to `index`
        log10,
        sqrt,
        abs,
        logical_not,
        add, ///< this and what follows take two and leave one
        subtract,
        multiply,
        divide,
        min,
        max,
        less,
        less_equal,
        greater,
        greater_equal,
        equal,
        not_equal,
        logical_and,
        logical_or,
    };
    struct Step {
        Code code;
        std::int32_t index = 0;
        double value = 0;
    };

private:
    friend class ExpressionParser;
    std::vector<Step> steps_;
    std::vector<std::string> names_;
};

} // namespace tessera
