#include "tessera/core/value.hpp"

#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "tessera/core/error.hpp"

namespace tessera {

bool Value::number(double& out) const {
    if (const auto* integer = as_integer()) {
        out = static_cast<double>(*integer);
        return true;
    }
    if (const auto* real = std::get_if<double>(&data_)) {
        out = *real;
        return true;
    }
    return false;
}

const Value* Value::find(const std::string& name) const {
    if (const Map* map = as_map()) {
        for (const auto& [key, value] : *map) {
            if (key == name) { return &value; }
        }
    }
    return nullptr;
}

namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') { out += '\\'; }
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string real_text(double value) {
    if (std::isnan(value)) { return ".nan"; }
    if (std::isinf(value)) { return value > 0 ? ".inf" : "-.inf"; }
    std::string text = fmt::format("{}", value);
    // A double that looks like an integer must read back as a double.
    if (text.find_first_of(".en") == std::string::npos) { text += ".0"; }
    return text;
}

} // namespace

std::string Value::text() const {
    struct Printer {
        std::string operator()(std::monostate) const { return "null"; }
        std::string operator()(bool value) const { return value ? "true" : "false"; }
        std::string operator()(std::int64_t value) const { return std::to_string(value); }
        std::string operator()(double value) const { return real_text(value); }
        std::string operator()(const std::string& value) const {
            const bool plain = !value.empty() && std::isalpha(static_cast<unsigned char>(value[0])) != 0 &&
                               value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                       "_-./") == std::string::npos;
            // A plain word must not read back as another type (true, null, .nan, …).
            const bool text_again = plain && parse_yaml(value, "").as_string() != nullptr;
            return text_again ? value : quoted(value);
        }
        std::string operator()(const List& list) const {
            std::string out;
            for (const Value& item : list) { out += (out.empty() ? "" : ", ") + item.text(); }
            return "[" + out + "]";
        }
        std::string operator()(const Map& map) const {
            std::string out;
            for (const auto& [key, item] : map) { out += (out.empty() ? "" : ", ") + key + ": " + item.text(); }
            return "{" + out + "}";
        }
    };
    return std::visit(Printer{}, data_);
}

namespace {

Value scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") { return {text}; } // quoted: text whatever it looks like
    if (text == "true" || text == "True" || text == "TRUE") { return {true}; }
    if (text == "false" || text == "False" || text == "FALSE") { return {false}; }
    std::int64_t integer = 0;
    const bool digits = !text.empty() && text.find_first_not_of("+-0123456789") == std::string::npos;
    if (digits && YAML::convert<std::int64_t>::decode(node, integer)) { return {integer}; }
    const bool numeric = text.find_first_of("0123456789") != std::string::npos ||
                         text.find(".inf") != std::string::npos || text == ".nan" || text == ".NaN";
    const bool hexadecimal = text.find_first_of("xX") != std::string::npos;
    double real = 0;
    if (numeric && !hexadecimal && YAML::convert<double>::decode(node, real)) { return {real}; }
    return {text};
}

Value convert(const YAML::Node& node, const std::string& where) {
    switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null: return {};
    case YAML::NodeType::Scalar: return scalar(node);
    case YAML::NodeType::Sequence: {
        Value::List list;
        for (const auto& item : node) { list.push_back(convert(item, where)); }
        return {list};
    }
    case YAML::NodeType::Map: {
        Value::Map map;
        std::set<std::string> seen;
        for (const auto& item : node) {
            const std::string key = item.first.Scalar();
            if (!seen.insert(key).second) {
                throw Error({.kind = Kind::config,
                             .where = fmt::format("{}, line {}", where, item.first.Mark().line + 1),
                             .found = fmt::format("the key '{}' a second time", key),
                             .expected = "each key once in a section",
                             .cure = "remove one of the two"});
            }
            map.emplace_back(key, convert(item.second, where));
        }
        return {map};
    }
    }
    return {};
}

} // namespace

Value parse_yaml(const std::string& text, const std::string& where) {
    try {
        return convert(YAML::Load(text), where);
    } catch (const YAML::Exception& error) {
        throw Error({.kind = Kind::config,
                     .where = error.mark.is_null() ? where
                                                   : fmt::format("{}, line {}, column {}", where, error.mark.line + 1,
                                                                 error.mark.column + 1),
                     .found = error.msg,
                     .expected = "YAML",
                     .cure = "check indentation, brackets and quotes near that place"});
    }
}

Value read_yaml(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(path, ignored);
    if (file && !folder) { text << file.rdbuf(); }
    if (!file || file.bad() || folder) {
        throw Error({.kind = Kind::config,
                     .where = path,
                     .found = folder ? "a folder" : "no readable file",
                     .expected = "a YAML file",
                     .cure = "check the path and its permissions"});
    }
    return parse_yaml(text.str(), path);
}

} // namespace tessera
