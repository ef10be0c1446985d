// Statements, comparisons, sums and products.
#include "catalog/parser.hpp"

#include <array>

#include <fmt/ranges.h>

namespace tessera {

Expression ExpressionParser::parse() {
    if (now().kind == Token::Kind::end) { return std::move(out_); }
    const Value all = parse_or();
    if (now().kind != Token::Kind::end) {
        fail(now(), name_of(now()), "and, or, a comparison, or the end",
             now().kind == Token::Kind::name ? fmt::format("the units are {}", fmt::join(catalog::known_units(), ", "))
                                             : "");
    }
    expect_statement(all);
    return std::move(out_);
}

void ExpressionParser::expect_statement(const Value& value) const {
    if (value.statement || value.either) { return; }
    catalog::refuse(where_, text_, value.at,
                    fmt::format("the number '{}' ({})", source(value), catalog::text_of(value.unit.dimension)),
                    "a statement", "compare it with something, as in n_stars > 100");
}

void ExpressionParser::expect_number(const Value& value) const {
    if (!value.statement) { return; }
    catalog::refuse(where_, text_, value.at, fmt::format("the statement '{}'", source(value)), "a number");
}

void ExpressionParser::expect_pure(const Value& value, const std::string& function) const {
    expect_number(value);
    if (value.unit.dimension == catalog::pure_number) { return; }
    catalog::refuse(where_, text_, value.at,
                    fmt::format("'{}' in {}", source(value), catalog::text_of(value.unit.dimension)),
                    "a pure number as the argument of " + function,
                    fmt::format("divide it by a unit, as in {}(mass_stars / Msun)", function));
}

void ExpressionParser::expect_same(const Value& a, const Token& symbol, const Value& b) const {
    expect_number(a);
    expect_number(b);
    if (a.unit.dimension == b.unit.dimension) { return; }
    const bool bare = b.unit.dimension == catalog::pure_number && !b.either;
    fail(symbol,
         fmt::format("'{}' in {} {} '{}' in {}", source(a), catalog::text_of(a.unit.dimension), symbol.text, source(b),
                     catalog::text_of(b.unit.dimension)),
         "the same dimension on both sides",
         bare ? fmt::format("write {} {}", source(b), catalog::text_of(a.unit.dimension)) : "");
}

ExpressionParser::Value ExpressionParser::parse_or() {
    Value left = parse_and();
    while (is("or")) { left = logical(left, Code::logical_or, &ExpressionParser::parse_and); }
    return left;
}

ExpressionParser::Value ExpressionParser::parse_and() {
    Value left = parse_not();
    while (is("and")) { left = logical(left, Code::logical_and, &ExpressionParser::parse_not); }
    return left;
}

ExpressionParser::Value ExpressionParser::logical(const Value& left, Code code, Value (ExpressionParser::*next)()) {
    ++i_;
    expect_statement(left);
    expect_statement((this->*next)());
    emit(code);
    return {.statement = true, .at = left.at, .first = left.first, .end_text = end_of_last()};
}

ExpressionParser::Value ExpressionParser::parse_not() {
    if (!is("not")) { return parse_comparison(); }
    const std::size_t at = now().at, first = out_.steps_.size();
    ++i_;
    nested([&] { expect_statement(parse_not()); });
    emit(Code::logical_not);
    return {.statement = true, .at = at, .first = first, .end_text = end_of_last()};
}

std::optional<Expression::Code> ExpressionParser::comparison() const {
    if (now().kind != Token::Kind::symbol) { return std::nullopt; }
    constexpr std::array codes{std::pair{"<", Code::less},    std::pair{"<=", Code::less_equal},
                               std::pair{">", Code::greater}, std::pair{">=", Code::greater_equal},
                               std::pair{"==", Code::equal},  std::pair{"!=", Code::not_equal}};
    for (const auto& [symbol, code] : codes) {
        if (now().text == symbol) { return code; }
    }
    return std::nullopt;
}

ExpressionParser::Value ExpressionParser::parse_comparison() {
    Value left = parse_sum();
    const Value whole = left;
    std::size_t left_end = out_.steps_.size();
    int n = 0;
    for (auto code = comparison(); code; code = comparison(), ++n) {
        const Token symbol = now();
        ++i_;
        if (n > 0) { // the middle of a chain once more: a < b < c is a < b and b < c
            const std::vector<Expression::Step> again(out_.steps_.begin() + static_cast<std::ptrdiff_t>(left.first),
                                                      out_.steps_.begin() + static_cast<std::ptrdiff_t>(left_end));
            out_.steps_.insert(out_.steps_.end(), again.begin(), again.end());
        }
        const Value right = parse_sum();
        const std::size_t right_end = out_.steps_.size();
        expect_same(left, symbol, right);
        emit(*code);
        if (n > 0) { emit(Code::logical_and); }
        left = right;
        left_end = right_end;
    }
    if (n == 0) { return left; }
    return {.statement = true, .at = whole.at, .first = whole.first, .end_text = end_of_last()};
}

ExpressionParser::Value ExpressionParser::parse_sum() {
    Value left = parse_product();
    while (is("+") || is("-")) {
        const Token symbol = now();
        ++i_;
        const Value right = parse_product();
        expect_same(left, symbol, right);
        emit(symbol.text == "+" ? Code::add : Code::subtract);
        left = {.unit = left.unit, .at = left.at, .first = left.first, .end_text = end_of_last()};
    }
    return left;
}

ExpressionParser::Value ExpressionParser::parse_product() {
    Value left = parse_unary();
    while (is("*") || is("/")) {
        const bool divide = is("/");
        ++i_;
        const Value right = parse_unary();
        expect_number(left);
        expect_number(right);
        emit(divide ? Code::divide : Code::multiply);
        left = {.unit = catalog::combine(left.unit, right.unit, divide ? -1 : 1),
                .at = left.at,
                .first = left.first,
                .end_text = end_of_last()};
    }
    return left;
}

Expression Expression::compile(const std::string& text, std::span<const ExpressionColumn> columns,
                               const std::string& where) {
    return ExpressionParser(text, columns, where).parse();
}

} // namespace tessera
