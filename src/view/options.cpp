#include "tessera/view/options.hpp"

#include <cmath>
#include <utility>

namespace tessera {

namespace {

constexpr std::array centre_words{
    std::pair{CentreKind::automatic, "auto"}, std::pair{CentreKind::file, "file"},
    std::pair{CentreKind::mass, "mass"},      std::pair{CentreKind::shrinking_sphere, "shrinking-sphere"},
    std::pair{CentreKind::median, "median"},
};
constexpr std::array velocity_words{
    std::pair{VelocityKind::automatic, "auto"},
    std::pair{VelocityKind::file, "file"},
    std::pair{VelocityKind::median, "median"},
    std::pair{VelocityKind::mass, "mass"},
};
constexpr std::array rotation_words{
    std::pair{RotationKind::none, "none"},
    std::pair{RotationKind::face_on, "face-on"},
    std::pair{RotationKind::edge_on, "edge-on"},
    std::pair{RotationKind::random, "random"},
};

template <class Words, class Kind>
bool find_word(const Words& words, const Value& value, Kind& out) {
    const std::string* text = value.as_string();
    if (text == nullptr) { return false; }
    for (const auto& [kind, name] : words) {
        if (*text == name) {
            out = kind;
            return true;
        }
    }
    return false;
}

template <class Words, class Kind>
std::string word_among(const Words& words, Kind kind, const char* other) {
    for (const auto& [candidate, name] : words) {
        if (candidate == kind) { return name; }
    }
    return other;
}

bool find_vector(const Value& value, Vector3& out) {
    const Value::List* list = value.as_list();
    if (list == nullptr || list->size() != 3) { return false; }
    for (std::size_t i = 0; i < 3; ++i) {
        if (!(*list)[i].number(out[i]) || !std::isfinite(out[i])) { return false; }
    }
    return true;
}

Value list_of(const Vector3& vector) { return {Value::List{vector[0], vector[1], vector[2]}}; }

bool find_matrix(const Value& value, Matrix3& out) {
    const Value::List* rows = value.as_list();
    if (rows == nullptr || rows->size() != 3) { return false; }
    for (std::size_t i = 0; i < 3; ++i) {
        Vector3 row;
        if (!find_vector((*rows)[i], row)) { return false; }
        for (std::size_t j = 0; j < 3; ++j) { out.m[i][j] = row[j]; }
    }
    return true;
}

} // namespace

std::string word_of(CentreKind kind) { return word_among(centre_words, kind, "given"); }
std::string word_of(VelocityKind kind) { return word_among(velocity_words, kind, "given"); }
std::string word_of(RotationKind kind) {
    return word_among(rotation_words, kind, kind == RotationKind::euler ? "Euler angles" : "matrix");
}

CentreChoice OptionType<CentreChoice>::parse(const Value& value) {
    CentreChoice out;
    if (find_word(centre_words, value, out.kind)) { return out; }
    out.kind = CentreKind::point;
    if (find_vector(value, out.point)) { return out; }
    throw_expected(name());
}

Value OptionType<CentreChoice>::print(const CentreChoice& value) {
    return value.kind == CentreKind::point ? list_of(value.point) : Value(word_of(value.kind));
}

VelocityChoice OptionType<VelocityChoice>::parse(const Value& value) {
    VelocityChoice out;
    if (find_word(velocity_words, value, out.kind)) { return out; }
    out.kind = VelocityKind::point;
    if (find_vector(value, out.point)) { return out; }
    throw_expected(name());
}

Value OptionType<VelocityChoice>::print(const VelocityChoice& value) {
    return value.kind == VelocityKind::point ? list_of(value.point) : Value(word_of(value.kind));
}

RotationChoice OptionType<RotationChoice>::parse(const Value& value) {
    RotationChoice out;
    if (find_word(rotation_words, value, out.kind)) { return out; }
    out.kind = RotationKind::euler;
    if (find_vector(value, out.angles)) { return out; }
    out.kind = RotationKind::matrix;
    if (find_matrix(value, out.matrix)) { return out; }
    throw_expected(name());
}

Value OptionType<RotationChoice>::print(const RotationChoice& value) {
    if (value.kind == RotationKind::euler) { return list_of(value.angles); }
    if (value.kind != RotationKind::matrix) { return {word_of(value.kind)}; }
    Value::List rows;
    for (const auto& row : value.matrix.m) { rows.push_back(list_of({row[0], row[1], row[2]})); }
    return {rows};
}

} // namespace tessera
