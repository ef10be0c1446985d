#include "catalog/tokens.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::catalog {

namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What people write, and what it is called in the grammar; longer ones first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> symbols{
    {{"<=", "<="}, {">=", ">="}, {"==", "=="}, {"!=", "!="}, {"&&", "and"}, {"||", "or"}, {"**", "^"},
     {"<", "<"},   {">", ">"},   {"+", "+"},   {"-", "-"},   {"*", "*"},    {"/", "/"},   {"^", "^"},
     {"(", "("},   {")", ")"},   {",", ","},   {"!", "not"}, {"=", "="},    {"&", "&"}}};

} // namespace

void refuse(const std::string& where, const std::string& text, std::size_t at, const std::string& found,
            const std::string& expected, const std::string& cure) {
    throw Error({.kind = Kind::config,
                 .where = fmt::format("{}, character {} of '{}'", where, at + 1, text),
                 .found = found,
                 .expected = expected,
                 .cure = cure});
}

std::vector<Token> tokens_of(const std::string& text, const std::string& where) {
    std::vector<Token> out;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (std::isspace(static_cast<unsigned char>(c)) != 0) {
            ++at;
        } else if (is_digit(c) || (c == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) {
            Token token{.kind = Token::Kind::number, .text = {}, .value = 0, .at = at};
            const auto [end, status] = std::from_chars(text.data() + at, text.data() + text.size(), token.value);
            const auto next = static_cast<std::size_t>(end - text.data());
            if (status != std::errc() || !std::isfinite(token.value) ||
                (next < text.size() && (text[next] == '.' || is_digit(text[next])))) {
                refuse(where, text, at, "a broken number", "one such as 1e9 or 0.5");
            }
            token.text = text.substr(at, next - at);
            out.push_back(token);
            at = next;
        } else if (is_letter(c)) {
            std::size_t next = at;
            while (next < text.size() && (is_letter(text[next]) || is_digit(text[next]))) { ++next; }
            const std::string word = text.substr(at, next - at);
            const bool keyword = word == "and" || word == "or" || word == "not";
            out.push_back(
                {.kind = keyword ? Token::Kind::symbol : Token::Kind::name, .text = word, .value = 0, .at = at});
            at = next;
        } else {
            bool known = false;
            for (const auto& [written, name] : symbols) {
                if (text.compare(at, written.size(), written) != 0) { continue; }
                if (name == "=") { refuse(where, text, at, "'='", "a comparison", "write == for equality"); }
                if (name == "&") { refuse(where, text, at, "'&'", "and"); }
                out.push_back({.kind = Token::Kind::symbol, .text = std::string(name), .value = 0, .at = at});
                at += written.size();
                known = true;
                break;
            }
            if (!known) {
                refuse(where, text, at, fmt::format("'{}'", c), "a name, a number or an operator",
                       "docs/catalogues.md explains expressions");
            }
        }
    }
    out.push_back({.kind = Token::Kind::end, .text = {}, .value = 0, .at = text.size()});
    return out;
}

} // namespace tessera::catalog
