#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tessera {

/// A tree of plain values: what a YAML file, a `--set` argument or an option holds.
class Value {
public:
    using List = std::vector<Value>;
    using Map = std::vector<std::pair<std::string, Value>>; ///< in the order of the file

    Value() = default;
    Value(bool value) : data_(value) {}
    Value(int value) : data_(static_cast<std::int64_t>(value)) {}
    Value(std::int64_t value) : data_(value) {}
    Value(double value) : data_(value) {}
    Value(std::string value) : data_(std::move(value)) {}
    Value(const char* value) : data_(std::string(value)) {}
    Value(List value) : data_(std::move(value)) {}
    Value(Map value) : data_(std::move(value)) {}

    bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
    const bool* as_bool() const { return std::get_if<bool>(&data_); }
    const std::int64_t* as_integer() const { return std::get_if<std::int64_t>(&data_); }
    const std::string* as_string() const { return std::get_if<std::string>(&data_); }
    const List* as_list() const { return std::get_if<List>(&data_); }
    const Map* as_map() const { return std::get_if<Map>(&data_); }
    Map* as_map() { return std::get_if<Map>(&data_); }
    /// An integer or a floating-point number as double; false if it is neither.
    bool number(double& out) const;
    /// Member `name` of a map; nullptr when absent or not a map.
    const Value* find(const std::string& name) const;

    /// One line of YAML: `0.5`, `"text"`, `[1, 2]`, `null`. Reading it back gives the same value.
    std::string text() const;

private:
    std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data_;
};

/// Reads YAML text. @param where  the file's name, for messages.
/// @throws Error(Kind::config)  broken YAML (line and column in the text), a key twice, anchors that do not resolve
Value parse_yaml(const std::string& text, const std::string& where);

/// Reads a YAML file. @throws Error(Kind::config)  also when the file is missing or unreadable
Value read_yaml(const std::string& path);

} // namespace tessera
