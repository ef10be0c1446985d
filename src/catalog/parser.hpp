// From the text of an expression to the steps of a stack machine: a parser by recursive descent that checks dimensions as it goes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "catalog/quantity.hpp"
#include "catalog/tokens.hpp"
#include "tessera/catalog/expression.hpp"

namespace tessera {

using catalog::Token;
using catalog::Unit;

class ExpressionParser {
public:
    ExpressionParser(const std::string& text, std::span<const ExpressionColumn> columns, std::string where)
        : text_(text), where_(std::move(where)), columns_(columns), tokens_(catalog::tokens_of(text, where_)) {}

    Expression parse();

private:
    using Code = Expression::Code;

    /// What a part of the text stands for. Its steps are out_.steps_[first, end of them when it was parsed).
    struct Value {
        bool statement = false;   ///< true or false, no number
        bool either = false;      ///< a column of 0 and 1: both
        Unit unit = {};           ///< its dimension; the steps give base units
        std::size_t at = 0;       ///< in the text
        std::size_t first = 0;    ///< of its steps
        std::size_t end_text = 0; ///< where it ends in the text
    };

    const Token& now() const { return tokens_[i_]; }
    bool is(const char* symbol) const { return now().kind == Token::Kind::symbol && now().text == symbol; }
    bool take(const char* symbol) {
        if (!is(symbol)) { return false; }
        ++i_;
        return true;
    }
    std::size_t end_of_last() const {
        std::size_t end = now().at;
        while (end > 0 && text_[end - 1] == ' ') { --end; }
        return end;
    }
    static std::string name_of(const Token& token) {
        return token.kind == Token::Kind::end ? "the end" : fmt::format("'{}'", token.text);
    }
    [[noreturn]] void fail(const Token& token, const std::string& found, const std::string& expected,
                           const std::string& cure = "") const {
        catalog::refuse(where_, text_, token.at, found, expected, cure);
    }
    std::string source(const Value& value) const { return text_.substr(value.at, value.end_text - value.at); }
    void emit(Code code, int index = 0, double value = 0) {
        out_.steps_.push_back({code, static_cast<std::int32_t>(index), value});
    }

    void expect_statement(const Value& value) const;
    void expect_number(const Value& value) const;
    void expect_pure(const Value& value, const std::string& function) const;
    void expect_same(const Value& a, const Token& symbol, const Value& b) const;

    // parser.cpp, loosest first
    Value parse_or();
    Value parse_and();
    Value logical(const Value& left, Code code, Value (ExpressionParser::*next)());
    Value parse_not();
    Value parse_comparison();
    std::optional<Code> comparison() const;
    Value parse_sum();
    Value parse_product();

    // operands.cpp
    Value parse_unary();
    Value parse_power();
    int parse_exponent();
    Value parse_atom();
    Value parse_name(const Token& token);
    Value parse_function(const Token& name);
    void close(const Token& opening);
    const ExpressionColumn* find_column(const std::string& name) const;
    /// The unit after a number, as far as it goes: Msun/yr, kpc^2, or nothing.
    Unit parse_unit();

    /// A text of brackets alone must not end the program by using up the stack.
    template <class Parse>
    void nested(Parse&& parse) {
        constexpr int deepest = 200;
        if (++depth_ > deepest) { fail(now(), fmt::format("{} levels of brackets", depth_), "at most 200"); }
        parse();
        --depth_;
    }

    const std::string& text_;
    std::string where_;
    std::span<const ExpressionColumn> columns_;
    std::vector<Token> tokens_;
    std::size_t i_ = 0;
    int depth_ = 0;
    Expression out_;
};

} // namespace tessera
