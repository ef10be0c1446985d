#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tessera/core/options.hpp"
#include "tessera/view/matrix.hpp"

namespace tessera {

/// How the galaxy's centre is found. `automatic`: `file` where the input knows the centre, else `shrinking_sphere`.
enum class CentreKind { automatic, point, file, mass, shrinking_sphere, median };
struct CentreChoice {
    CentreKind kind = CentreKind::automatic;
    Vector3 point{}; ///< kpc, physical, in the box frame of the input; used when kind is point
};

/// How the systemic velocity is found. `automatic`: `file` where the input knows it, else `median`.
enum class VelocityKind { automatic, point, file, median, mass };
struct VelocityChoice {
    VelocityKind kind = VelocityKind::automatic;
    Vector3 point{}; ///< km/s, peculiar; used when kind is point
};

/// How the galaxy is turned before it is projected along z.
enum class RotationKind { none, euler, matrix, face_on, edge_on, random };
struct RotationChoice {
    RotationKind kind = RotationKind::none;
    Vector3 angles{}; ///< degree; used when kind is euler
    Matrix3 matrix;   ///< x' = x · M; used when kind is matrix
};

/// "shrinking-sphere" and so on, as the options spell it.
std::string word_of(CentreKind kind);
std::string word_of(VelocityKind kind);
std::string word_of(RotationKind kind);

template <>
struct OptionType<CentreChoice> {
    static std::string name() { return "auto | file | mass | shrinking-sphere | median | list of 3 numbers"; }
    static CentreChoice parse(const Value& value);
    static Value print(const CentreChoice& value);
};
template <>
struct OptionType<VelocityChoice> {
    static std::string name() { return "auto | file | median | mass | list of 3 numbers"; }
    static VelocityChoice parse(const Value& value);
    static Value print(const VelocityChoice& value);
};
template <>
struct OptionType<RotationChoice> {
    static std::string name() { return "none | face-on | edge-on | random | list of 3 angles | 3x3 matrix"; }
    static RotationChoice parse(const Value& value);
    static Value print(const RotationChoice& value);
};

/// Where the galaxy stands: its distance, its centre and its own motion.
struct GalaxyOptions {
    double redshift = 0.05;
    CentreChoice centre;
    VelocityChoice velocity;
    double velocity_radius = 10;

    template <class Visitor>
    void describe(Visitor& key) {
        key("galaxy.redshift", redshift, unit::none, "observed redshift: distance, angular scale, wavelength",
            above(0));
        key("galaxy.centre", centre, unit::kpc,
            "centre, physical, box frame; auto: the input's own (file), else shrinking-sphere of the stars");
        key("galaxy.velocity", velocity, unit::km_s,
            "systemic velocity; auto: the input's own (file), else median of the stars within velocity_radius");
        key("galaxy.velocity_radius", velocity_radius, unit::kpc, "stars within it give the median or mass velocity",
            above(0));
    }
};

/// From where the galaxy is seen. The observer sits at z = -infinity: positive v_z recedes.
struct ViewOptions {
    RotationChoice rotation;
    std::int64_t seed = 1;

    template <class Visitor>
    void describe(Visitor& key) {
        key("view.rotation", rotation, unit::degree,
            "Euler angles [a, b, c], x' = x Rz(c) Ry(b) Rx(a) with x a row vector, or a matrix M, x' = x M; "
            "face-on, edge-on: by the stars within the half-mass radius; random: uniform, by view.seed");
        key("view.seed", seed, unit::none, "seed of a random rotation", at_least(0));
    }
};

} // namespace tessera
