#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/test_support.hpp"

namespace tessera::test {

/// Files below src/ and include/ with one of these extensions, sorted.
inline std::vector<std::filesystem::path> sources(const std::vector<std::string>& extensions) {
    std::vector<std::filesystem::path> files;
    for (const char* root : {"include", "src"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(source_dir() / root)) {
            const bool wanted = std::ranges::find(extensions, entry.path().extension().string()) != extensions.end();
            if (entry.is_regular_file() && wanted) { files.push_back(entry.path()); }
        }
    }
    std::ranges::sort(files);
    return files;
}

/// The text of a file in which comments and the contents of strings are blanks: what is found in it is code, at its place.
inline std::string code_of(const std::string& text, bool keep_strings = false) {
    std::string out = text;
    enum class In { code, line_comment, comment, string, character };
    In in = In::code;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        const bool digit_separator = c == '\'' && i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1])) != 0;
        switch (in) {
        case In::code:
            if (c == '/' && next == '/') {
                in = In::line_comment;
            } else if (c == '/' && next == '*') {
                in = In::comment;
            } else if (c == '"') {
                in = In::string;
            } else if (c == '\'' && !digit_separator) {
                in = In::character;
            }
            break;
        case In::line_comment:
            if (c == '\n') { in = In::code; }
            break;
        case In::comment:
            if (c == '*' && next == '/') {
                out[i] = out[i + 1] = ' ';
                ++i;
                in = In::code;
                continue;
            }
            break;
        case In::string:
        case In::character:
            if (c == '\\') {
                if (!keep_strings) { out[i] = out[i + 1] = ' '; }
                ++i;
                continue;
            }
            if (c == (in == In::string ? '"' : '\'')) {
                in = In::code;
                continue;
            }
            if (!keep_strings) { out[i] = ' '; }
            continue;
        }
        if ((in == In::line_comment || in == In::comment) && c != '\n') { out[i] = ' '; }
    }
    return out;
}

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::string place(const std::filesystem::path& file, const std::string& text, std::size_t at) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return std::filesystem::relative(file, source_dir()).string() + ":" + std::to_string(line);
}

} // namespace tessera::test
