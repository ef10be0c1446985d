#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// The cure is a sentence of its own: a capital, unless it starts with the program's name, a key or a path.
std::string sentence(std::string text) {
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
    const bool word = end != 0 && end != std::string::npos && (text[end] == ' ' || text[end] == ',');
    if (word && text.substr(0, end) != "tessera") { text[0] = static_cast<char>(text[0] - 'a' + 'A'); }
    return text;
}

} // namespace

std::string render(const ErrorText& text) {
    std::string message = text.where;
    const auto append = [&message](const std::string& separator, const std::string& part) {
        if (part.empty()) { return; }
        if (!message.empty()) { message += separator; }
        message += part;
    };
    append(": ", text.found.empty() ? "" : "found " + text.found);
    append(text.found.empty() ? ": " : "; ", text.expected.empty() ? "" : "expected " + text.expected);
    append(". ", sentence(text.cure));
    return message;
}

Error::Error(ErrorText text) : std::runtime_error(render(text)), kind_(text.kind) {}

Error::Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

} // namespace tessera
