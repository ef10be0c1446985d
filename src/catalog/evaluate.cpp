// The stack machine of expressions: every step over a block of rows at a time, so that loops are plain and data stays in cache.
#include <algorithm>
#include <cmath>

#include "tessera/catalog/expression.hpp"

namespace tessera {

namespace {

constexpr std::int64_t block = 1024;
using Code = Expression::Code;

/// Loops of one step. `a` is what is replaced, `b` the operand above it.
template <class Function>
void each(double* a, std::int64_t n, Function&& function) {
    for (std::int64_t i = 0; i < n; ++i) { a[i] = function(a[i]); }
}
template <class Function>
void both(double* a, const double* b, std::int64_t n, Function&& function) {
    for (std::int64_t i = 0; i < n; ++i) { a[i] = function(a[i], b[i]); }
}

/// Carries out one step on rows [first, first + n). @param a  where its result goes, and its operand where it takes one; of two
/// operands the second follows a block later
void apply(const Expression::Step& step, const std::vector<std::span<const double>>& columns, std::int64_t first,
           double* a, std::int64_t n) {
    const double* b = a + block;
    switch (step.code) {
    case Code::column: {
        const double* values = columns[static_cast<std::size_t>(step.index)].data() + first;
        for (std::int64_t i = 0; i < n; ++i) { a[i] = values[i] * step.value; }
        return;
    }
    case Code::number: std::fill_n(a, n, step.value); return;
    case Code::negate: return each(a, n, [](double x) { return -x; });
    case Code::power: return each(a, n, [&](double x) { return std::pow(x, step.index); });
    case Code::log10: return each(a, n, [](double x) { return std::log10(x); });
    case Code::sqrt: return each(a, n, [](double x) { return std::sqrt(x); });
    case Code::abs: return each(a, n, [](double x) { return std::abs(x); });
    case Code::logical_not: return each(a, n, [](double x) { return x != 0 ? 0.0 : 1.0; });
    case Code::add: return both(a, b, n, [](double x, double y) { return x + y; });
    case Code::subtract: return both(a, b, n, [](double x, double y) { return x - y; });
    case Code::multiply: return both(a, b, n, [](double x, double y) { return x * y; });
    case Code::divide: return both(a, b, n, [](double x, double y) { return x / y; });
    case Code::min: return both(a, b, n, [](double x, double y) { return std::fmin(x, y); });
    case Code::max: return both(a, b, n, [](double x, double y) { return std::fmax(x, y); });
    case Code::less: return both(a, b, n, [](double x, double y) { return x < y ? 1.0 : 0.0; });
    case Code::less_equal: return both(a, b, n, [](double x, double y) { return x <= y ? 1.0 : 0.0; });
    case Code::greater: return both(a, b, n, [](double x, double y) { return x > y ? 1.0 : 0.0; });
    case Code::greater_equal: return both(a, b, n, [](double x, double y) { return x >= y ? 1.0 : 0.0; });
    case Code::equal: return both(a, b, n, [](double x, double y) { return x == y ? 1.0 : 0.0; });
    case Code::not_equal: return both(a, b, n, [](double x, double y) { return x < y || x > y ? 1.0 : 0.0; });
    case Code::logical_and: return both(a, b, n, [](double x, double y) { return x != 0 && y != 0 ? 1.0 : 0.0; });
    case Code::logical_or: return both(a, b, n, [](double x, double y) { return x != 0 || y != 0 ? 1.0 : 0.0; });
    }
}

/// What a step does to the number of operands on the stack.
std::int64_t growth(Code code) {
    if (code == Code::column || code == Code::number) { return 1; }
    return code >= Code::add ? -1 : 0;
}

} // namespace

std::vector<std::uint8_t> Expression::evaluate(const std::vector<std::span<const double>>& columns,
                                               std::int64_t n_row) const {
    std::vector<std::uint8_t> out(static_cast<std::size_t>(n_row), 1);
    if (steps_.empty()) { return out; }
    std::int64_t depth = 0, deepest = 0;
    for (const Step& step : steps_) { deepest = std::max(deepest, depth += growth(step.code)); }
    std::vector<double> stack(static_cast<std::size_t>(deepest * block));
    for (std::int64_t first = 0; first < n_row; first += block) {
        const std::int64_t n = std::min(block, n_row - first);
        depth = 0;
        for (const Step& step : steps_) {
            depth += growth(step.code);
            apply(step, columns, first, stack.data() + (depth - 1) * block, n);
        }
        for (std::int64_t i = 0; i < n; ++i) {
            out[static_cast<std::size_t>(first + i)] = stack[static_cast<std::size_t>(i)] != 0 ? 1 : 0;
        }
    }
    return out;
}

} // namespace tessera
