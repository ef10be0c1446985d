// Operands of expressions: signs, powers, numbers with units, names, functions, brackets.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/ranges.h>

#include "catalog/parser.hpp"
#include "tessera/core/options.hpp"

namespace tessera {

ExpressionParser::Value ExpressionParser::parse_unary() {
    if (!is("-") && !is("+")) { return parse_power(); }
    const bool minus = is("-");
    const std::size_t at = now().at, first = out_.steps_.size();
    ++i_;
    Value value;
    nested([&] { value = parse_unary(); });
    expect_number(value);
    if (minus) { emit(Code::negate); }
    return {.unit = value.unit, .at = at, .first = first, .end_text = end_of_last()};
}

ExpressionParser::Value ExpressionParser::parse_power() {
    Value base = parse_atom();
    if (!is("^")) { return base; }
    ++i_;
    expect_number(base);
    const int exponent = parse_exponent();
    emit(Code::power, exponent);
    return {.unit = catalog::power(base.unit, exponent), .at = base.at, .first = base.first, .end_text = end_of_last()};
}

int ExpressionParser::parse_exponent() {
    const int sign = take("-") ? -1 : 1;
    const Token token = now();
    constexpr double largest = 9;
    if (token.kind != Token::Kind::number || token.value != std::floor(token.value) || token.value > largest) {
        fail(token, name_of(token), "a whole number up to 9 as the power");
    }
    ++i_;
    return sign * static_cast<int>(token.value);
}

ExpressionParser::Value ExpressionParser::parse_atom() {
    const Token token = now();
    const std::size_t first = out_.steps_.size();
    if (token.kind == Token::Kind::number) {
        ++i_;
        const Unit unit = parse_unit();
        emit(Code::number, 0, token.value * unit.size);
        return {.unit = unit, .at = token.at, .first = first, .end_text = end_of_last()};
    }
    if (take("(")) {
        Value value;
        nested([&] { value = parse_or(); });
        close(token);
        value.at = token.at;
        value.end_text = end_of_last();
        return value;
    }
    if (token.kind == Token::Kind::name) { return parse_name(token); }
    fail(token, name_of(token), "a name, a number or '('");
}

void ExpressionParser::close(const Token& opening) {
    if (take(")")) { return; }
    fail(now(), name_of(now()), fmt::format("')' for the '(' at character {}", opening.at + 1));
}

Unit ExpressionParser::parse_unit() {
    Unit unit;
    int factor = 1;
    while (now().kind == Token::Kind::name && find_column(now().text) == nullptr) {
        auto next = catalog::find_unit(now().text);
        if (!next) {
            fail(now(), fmt::format("the unknown unit '{}'", now().text),
                 fmt::format("one of {}", fmt::join(catalog::known_units(), ", ")),
                 fmt::format("Did you mean '{}'?", nearest_name(now().text, catalog::known_units())));
        }
        ++i_;
        if (take("^")) { next = catalog::power(*next, parse_exponent()); }
        unit = catalog::combine(unit, *next, factor);
        const bool more = (is("/") || is("*")) && tokens_[i_ + 1].kind == Token::Kind::name &&
                          catalog::find_unit(tokens_[i_ + 1].text) && find_column(tokens_[i_ + 1].text) == nullptr;
        if (!more) { break; }
        factor = is("/") ? -1 : 1;
        ++i_;
    }
    return unit;
}

const ExpressionColumn* ExpressionParser::find_column(const std::string& name) const {
    const auto it = std::find_if(columns_.begin(), columns_.end(), [&](const auto& c) { return c.name == name; });
    return it == columns_.end() ? nullptr : &*it;
}

ExpressionParser::Value ExpressionParser::parse_name(const Token& token) {
    const std::size_t first = out_.steps_.size();
    ++i_;
    if (is("(")) { return parse_function(token); }
    if (const ExpressionColumn* column = find_column(token.text)) {
        auto& names = out_.names_;
        auto place = std::find(names.begin(), names.end(), column->name);
        if (place == names.end()) { place = names.insert(names.end(), column->name); }
        const Unit unit = catalog::unit_of(column->unit);
        emit(Code::column, static_cast<int>(place - names.begin()), unit.size);
        return {.either = column->truth, .unit = unit, .at = token.at, .first = first, .end_text = end_of_last()};
    }
    if (const auto unit = catalog::find_unit(token.text)) { // as in mass_stars / Msun
        emit(Code::number, 0, unit->size);
        return {.unit = *unit, .at = token.at, .first = first, .end_text = end_of_last()};
    }
    std::vector<std::string> known;
    for (const ExpressionColumn& column : columns_) { known.push_back(column.name); }
    fail(token, fmt::format("the unknown name '{}'", token.text), "a column of the group catalogue",
         fmt::format("Did you mean '{}'? docs/catalogues.md lists the columns", nearest_name(token.text, known)));
}

ExpressionParser::Value ExpressionParser::parse_function(const Token& name) {
    constexpr std::array functions{std::pair{"log10", Code::log10}, std::pair{"sqrt", Code::sqrt},
                                   std::pair{"abs", Code::abs}, std::pair{"min", Code::min},
                                   std::pair{"max", Code::max}};
    const auto* known = std::find_if(functions.begin(), functions.end(),
                                     [&](const auto& function) { return name.text == function.first; });
    if (known == functions.end()) {
        std::vector<std::string> names;
        for (const auto& [text, code] : functions) { names.emplace_back(text); }
        fail(name, fmt::format("the unknown function '{}'", name.text), "log10, sqrt, abs, min or max",
             fmt::format("Did you mean '{}'?", nearest_name(name.text, names)));
    }
    const std::size_t first = out_.steps_.size();
    const Token opening = now();
    ++i_;
    Value a, b;
    nested([&] { a = parse_or(); });
    expect_number(a);
    const bool two = known->second == Code::min || known->second == Code::max;
    if (two) {
        const Token comma = now();
        if (!take(",")) { fail(comma, name_of(comma), "',' and a second argument of " + name.text); }
        nested([&] { b = parse_or(); });
        expect_same(a, comma, b);
    }
    close(opening);
    Unit unit = a.unit;
    if (known->second == Code::log10) { expect_pure(a, name.text); }
    if (known->second == Code::sqrt) {
        for (int& exponent : unit.dimension) {
            if (exponent % 2 != 0) { expect_pure(a, name.text); }
            exponent /= 2;
        }
        unit.size = std::sqrt(unit.size);
    }
    emit(known->second);
    return {.unit = unit, .at = name.at, .first = first, .end_text = end_of_last()};
}

} // namespace tessera
