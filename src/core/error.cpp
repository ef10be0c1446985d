#include "tessera/core/error.hpp"

namespace tessera {

std::string render(const ErrorText& text) {
    std::string message = text.where;
    const auto append = [&message](const std::string& separator, const std::string& part) {
        if (part.empty()) { return; }
        if (!message.empty()) { message += separator; }
        message += part;
    };
    append(": ", text.found.empty() ? "" : "found " + text.found);
    append(text.found.empty() ? ": " : "; ", text.expected.empty() ? "" : "expected " + text.expected);
    append(". ", text.cure);
    return message;
}

Error::Error(ErrorText text) : std::runtime_error(render(text)), kind_(text.kind) {}

Error::Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

} // namespace tessera
