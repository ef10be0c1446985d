#pragma once

#include <string>
#include <vector>

namespace tessera::catalog {

/// A word of an expression.
struct Token {
    enum class Kind { number, name, symbol, end };
    Kind kind = Kind::end;
    std::string text; ///< of a symbol: as in the grammar, "==", "and" for &&
    double value = 0; ///< of a number
    std::size_t at = 0;
};

/// An error in the text, with the place.
[[noreturn]] void refuse(const std::string& where, const std::string& text, std::size_t at, const std::string& found,
                         const std::string& expected, const std::string& cure = "");

/// The words of the text, the last of kind `end`. @throws Error(Kind::config)  a character that begins none, a broken number
std::vector<Token> tokens_of(const std::string& text, const std::string& where);

} // namespace tessera::catalog
