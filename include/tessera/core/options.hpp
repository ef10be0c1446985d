#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/value.hpp"

namespace tessera {

/// Units of options, as printed in the reference page.
namespace unit {
inline constexpr const char* none = "";
inline constexpr const char* angstrom = "Angstrom";
inline constexpr const char* arcsec = "arcsec";
inline constexpr const char* degree = "degree";
inline constexpr const char* gyr = "Gyr";
inline constexpr const char* km_s = "km/s";
inline constexpr const char* km_s_mpc = "km/s/Mpc";
inline constexpr const char* kpc = "kpc";
inline constexpr const char* second = "s";
inline constexpr const char* spaxel = "spaxel";
} // namespace unit

/// A limit on a number: the option's value must be above, at least, at most or below `limit`.
struct Bound {
    enum class Side { above, at_least, at_most, below };
    Side side;
    double limit;
    bool holds(double value) const;
    std::string text() const; ///< "> 0", ">= 1"
};
inline Bound above(double limit) { return {Bound::Side::above, limit}; }
inline Bound at_least(double limit) { return {Bound::Side::at_least, limit}; }
inline Bound at_most(double limit) { return {Bound::Side::at_most, limit}; }
inline Bound below(double limit) { return {Bound::Side::below, limit}; }

/// How a C++ type is read from and printed to a Value. Specialise for a type of your own:
///   static std::string name();                 what the reference page says: "number", "linear | cubic"
///   static T parse(const Value&);              throws std::invalid_argument(what was expected)
///   static Value print(const T&);
template <class T>
struct OptionType;

/// One option, type-erased: everything that readers, `config describe` and provenance need.
struct Option {
    std::string name; ///< "psf.fwhm"
    std::string unit;
    std::string help;
    std::string type;
    std::vector<Bound> bounds;
    std::function<void(const Value&)> set; ///< throws std::invalid_argument; bounds are checked by the table
    std::function<Value()> get;
};

/// The options of a run, in the order of their declaration; filled by the `describe` functions of the option structs:
///   struct PsfOptions { double fwhm = 0.8;
///       template <class Visitor> void describe(Visitor& key) { key("psf.fwhm", fwhm, unit::arcsec, "…", above(0)); } };
/// The table keeps references to the structs: they must outlive it.
class OptionTable {
public:
    template <class T, class... Bounds>
    void operator()(std::string name, T& field, const char* unit, std::string help, Bounds... bounds) {
        add({std::move(name),
             unit,
             std::move(help),
             OptionType<T>::name(),
             {bounds...},
             [&field](const Value& value) { field = OptionType<T>::parse(value); },
             [&field] { return OptionType<T>::print(field); }});
    }

    const std::vector<Option>& options() const { return options_; }
    const Option* find(const std::string& name) const;
    /// The declared name nearest to `name` (edit distance), to suggest in an error.
    std::string nearest(const std::string& name) const;

    /// Sets one option. @param where  file or "--set", for the message.
    /// @throws Error(Kind::config)  unknown name (with the nearest), wrong type, out of bounds
    void set(const std::string& name, const Value& value, const std::string& where);
    /// Sets every leaf of a tree of sections. Names in `skip` are left alone at the top level.
    /// A leaf is whatever is declared: `galaxy.centre: [0,0,0]` is one option. `section: null` leaves the section alone.
    void set_all(const Value& tree, const std::string& where, const std::vector<std::string>& skip = {});
    /// The present values as YAML text, one section after the other: reading it back gives the same values.
    std::string yaml() const;

private:
    void add(Option option);
    void set_section(const std::string& prefix, const Value& tree, const std::string& where);
    std::vector<Option> options_;
};

/// All options of a configuration as a table; it refers to the configuration, which must outlive it.
template <class Config>
OptionTable option_table(Config& config) {
    OptionTable table;
    config.describe(table);
    return table;
}

/// The nearest of `names` to `name` by edit distance; empty when there are none.
std::string nearest_name(const std::string& name, const std::vector<std::string>& names);

template <>
struct OptionType<bool> {
    static std::string name() { return "true | false"; }
    static bool parse(const Value& value);
    static Value print(bool value) { return {value}; }
};
template <>
struct OptionType<double> {
    static std::string name() { return "number"; }
    static double parse(const Value& value);
    static Value print(double value) { return {value}; }
};
template <>
struct OptionType<std::int64_t> {
    static std::string name() { return "integer"; }
    static std::int64_t parse(const Value& value);
    static Value print(std::int64_t value) { return {value}; }
};
template <>
struct OptionType<std::string> {
    static std::string name() { return "text"; }
    static std::string parse(const Value& value);
    static Value print(const std::string& value) { return {value}; }
};
template <class T>
struct OptionType<std::optional<T>> {
    static std::string name() { return OptionType<T>::name() + " | null"; }
    static std::optional<T> parse(const Value& value) {
        if (value.is_null()) { return std::nullopt; }
        return OptionType<T>::parse(value);
    }
    static Value print(const std::optional<T>& value) { return value ? OptionType<T>::print(*value) : Value(); }
};
template <class T, std::size_t N>
struct OptionType<std::array<T, N>> {
    static std::string name() { return "list of " + std::to_string(N) + " " + OptionType<T>::name() + "s"; }
    static std::array<T, N> parse(const Value& value);
    static Value print(const std::array<T, N>& value) {
        Value::List list;
        for (const T& item : value) { list.push_back(OptionType<T>::print(item)); }
        return {list};
    }
};

/// A list of any length; may be empty.
template <class T>
struct OptionType<std::vector<T>> {
    static std::string name() { return "list of " + OptionType<T>::name(); }
    static std::vector<T> parse(const Value& value);
    static Value print(const std::vector<T>& value) {
        Value::List list;
        for (const T& item : value) { list.push_back(OptionType<T>::print(item)); }
        return {list};
    }
};

/// An enum becomes an option type by a specialisation that lists its words:
///   template <> struct EnumWords<PsfProfile> { static constexpr std::array words{
///       std::pair{PsfProfile::gaussian, std::string_view("gaussian")}, …}; };
template <class E>
struct EnumWords;

template <class E>
std::string_view word(E value) {
    for (const auto& [candidate, text] : EnumWords<E>::words) {
        if (candidate == value) { return text; }
    }
    return "?";
}

[[noreturn]] void throw_expected(const std::string& expected);

template <class E>
    requires requires { EnumWords<E>::words; }
struct OptionType<E> {
    static std::string name() {
        std::string all;
        for (const auto& [candidate, text] : EnumWords<E>::words) {
            all += (all.empty() ? "" : " | ") + std::string(text);
        }
        return all;
    }
    static E parse(const Value& value) {
        if (const std::string* text = value.as_string()) {
            for (const auto& [candidate, candidate_text] : EnumWords<E>::words) {
                if (*text == candidate_text) { return candidate; }
            }
        }
        throw_expected(name());
    }
    static Value print(E value) { return {std::string(word(value))}; }
};

template <class T, std::size_t N>
std::array<T, N> OptionType<std::array<T, N>>::parse(const Value& value) {
    const Value::List* list = value.as_list();
    if (list == nullptr || list->size() != N) { throw_expected(name()); }
    std::array<T, N> out;
    for (std::size_t i = 0; i < N; ++i) { out[i] = OptionType<T>::parse((*list)[i]); }
    return out;
}

template <class T>
std::vector<T> OptionType<std::vector<T>>::parse(const Value& value) {
    const Value::List* list = value.as_list();
    if (list == nullptr) { throw_expected(name()); }
    std::vector<T> out;
    for (const Value& item : *list) { out.push_back(OptionType<T>::parse(item)); }
    return out;
}

} // namespace tessera
