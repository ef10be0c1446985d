#include "tessera/core/options.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera {

bool Bound::holds(double value) const {
    switch (side) {
    case Side::above: return value > limit;
    case Side::at_least: return value >= limit;
    case Side::at_most: return value <= limit;
    case Side::below: return value < limit;
    }
    return false;
}

std::string Bound::text() const {
    switch (side) {
    case Side::above: return fmt::format("> {}", limit);
    case Side::at_least: return fmt::format(">= {}", limit);
    case Side::at_most: return fmt::format("<= {}", limit);
    case Side::below: return fmt::format("< {}", limit);
    }
    return {};
}

void throw_expected(const std::string& expected) { throw std::invalid_argument(expected); }

bool OptionType<bool>::parse(const Value& value) {
    if (const bool* flag = value.as_bool()) { return *flag; }
    throw_expected(name());
}

double OptionType<double>::parse(const Value& value) {
    double number = 0;
    if (value.number(number) && std::isfinite(number)) { return number; }
    throw_expected("a finite number");
}

std::int64_t OptionType<std::int64_t>::parse(const Value& value) {
    if (const auto* integer = value.as_integer()) { return *integer; }
    double number = 0;
    if (value.number(number) && number == std::floor(number) && std::abs(number) < 9.0e15) {
        return static_cast<std::int64_t>(number);
    }
    throw_expected("an integer");
}

std::string OptionType<std::string>::parse(const Value& value) {
    if (const auto* text = value.as_string()) { return *text; }
    // A file called 2024 or a name like 1e5 is text to the user.
    double number = 0;
    if (value.number(number)) { return value.text(); }
    throw_expected("text");
}

std::string nearest_name(const std::string& name, const std::vector<std::string>& names) {
    const auto distance = [&name](const std::string& other) {
        std::vector<std::size_t> row(other.size() + 1);
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 1; i <= name.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j <= other.size(); ++j) {
                const std::size_t replaced = diagonal + (name[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
            }
        }
        return row.back();
    };
    const auto best = std::min_element(names.begin(), names.end(),
                                       [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
    return best == names.end() ? std::string() : *best;
}

void OptionTable::add(Option option) {
    if (find(option.name) != nullptr) {
        throw Error({.where = option.name, .found = "an option declared twice", .expected = "once"});
    }
    options_.push_back(std::move(option));
}

const Option* OptionTable::find(const std::string& name) const {
    const auto it = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
    return it == options_.end() ? nullptr : &*it;
}

std::string OptionTable::nearest(const std::string& name) const {
    std::vector<std::string> names;
    for (const Option& option : options_) { names.push_back(option.name); }
    return nearest_name(name, names);
}

void OptionTable::set(const std::string& name, const Value& value, const std::string& where) {
    const Option* option = find(name);
    if (option == nullptr) {
        throw Error(
            {.kind = Kind::config,
             .where = where,
             .found = fmt::format("the unknown key '{}'", name),
             .cure = fmt::format("Did you mean '{}'? `tessera config describe` lists every key", nearest(name))});
    }
    const auto fail = [&](const std::string& expected) {
        throw Error({.kind = Kind::config,
                     .where = fmt::format("{}: {}", where, name),
                     .found = value.text(),
                     .expected = expected + (option->unit.empty() ? "" : fmt::format(" [{}]", option->unit)),
                     .cure = fmt::format("Meaning of {}: {}", name, option->help)});
    };
    const auto check = [&](double number) {
        for (const Bound& bound : option->bounds) {
            if (!bound.holds(number)) { fail(fmt::format("a value {}", bound.text())); }
        }
    };
    double number = 0;
    if (value.number(number)) { check(number); }
    if (const auto* list = value.as_list()) {
        for (const Value& item : *list) {
            if (item.number(number)) { check(number); }
        }
    }
    try {
        option->set(value);
    } catch (const std::invalid_argument& expected) { fail(expected.what()); }
}

void OptionTable::set_section(const std::string& prefix, const Value& tree, const std::string& where) {
    if (!prefix.empty() && find(prefix) != nullptr) { return set(prefix, tree, where); }
    const bool section = std::any_of(options_.begin(), options_.end(),
                                     [&](const Option& o) { return o.name.starts_with(prefix + "."); });
    const Value::Map* map = tree.as_map();
    if (!section) { return set(prefix, tree, where); } // unknown: `set` says so
    if (tree.is_null()) { return; }
    if (map == nullptr) {
        throw Error({.kind = Kind::config,
                     .where = fmt::format("{}: {}", where, prefix),
                     .found = tree.text(),
                     .expected = fmt::format("a section, such as {}: {{…}}", prefix),
                     .cure = fmt::format("`tessera config describe` lists the keys of '{}'", prefix)});
    }
    for (const auto& [key, value] : *map) { set_section(prefix + "." + key, value, where); }
}

void OptionTable::set_all(const Value& tree, const std::string& where, const std::vector<std::string>& skip) {
    if (tree.is_null()) { return; }
    const Value::Map* map = tree.as_map();
    if (map == nullptr) {
        throw Error({.kind = Kind::config,
                     .where = where,
                     .found = tree.text(),
                     .expected = "sections of keys, such as galaxy: {redshift: 0.1}",
                     .cure = "See configs/ for examples"});
    }
    for (const auto& [key, value] : *map) {
        if (std::find(skip.begin(), skip.end(), key) == skip.end()) { set_section(key, value, where); }
    }
}

std::string OptionTable::yaml() const {
    std::string out;
    std::string section;
    for (const Option& option : options_) {
        const auto dot = option.name.rfind('.');
        const std::string prefix = dot == std::string::npos ? "" : option.name.substr(0, dot);
        if (prefix != section && !prefix.empty()) { out += prefix + ":\n"; }
        section = prefix;
        out += fmt::format("{}{}: {}\n", prefix.empty() ? "" : "  ",
                           option.name.substr(dot == std::string::npos ? 0 : dot + 1), option.get().text());
    }
    return out;
}

} // namespace tessera
