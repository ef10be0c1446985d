#include "tessera/view/matrix.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tessera/core/random.hpp"
#include "tests/view/galaxies.hpp"

namespace tessera {
namespace {

void expect_rotation(const Matrix3& m) {
    const Matrix3 unit = m * transpose(m);
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { EXPECT_NEAR(unit(i, j), i == j ? 1 : 0, 1e-14); }
    }
    EXPECT_NEAR(determinant(m), 1, 1e-14);
}

TEST(RotationAbout, TurnsTheNextAxisIntoTheOneAfter) {
    for (int axis = 0; axis < 3; ++axis) {
        const Matrix3 m = rotation_about(axis, 90);
        const int first = (axis + 1) % 3, second = (axis + 2) % 3;
        for (int i = 0; i < 3; ++i) {
            EXPECT_NEAR(m(i, first), i == second ? 1 : 0, 1e-15);
        } // column = image of e_first
        expect_rotation(m);
    }
}

TEST(EulerMatrix, IsTheProductRzRyRx) {
    const double a = 0.3, b = -0.7, c = 2.1, degree = 180 / 3.14159265358979323846; // written out
    const double ca = std::cos(a), sa = std::sin(a), cb = std::cos(b), sb = std::sin(b), cc = std::cos(c),
                 sc = std::sin(c);
    const double expected[3][3] = {{cc * cb, cc * sb * sa - sc * ca, cc * sb * ca + sc * sa},
                                   {sc * cb, sc * sb * sa + cc * ca, sc * sb * ca - cc * sa},
                                   {-sb, cb * sa, cb * ca}};
    const Matrix3 m = euler_matrix({a * degree, b * degree, c * degree});
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { EXPECT_NEAR(m(i, j), expected[i][j], 1e-14); }
    }
    expect_rotation(m);
}

// Entries of a rotation uniform on SO(3): mean 0, mean square 1/3, and the angle a has density (1 - cos a)/π, so that the
// mean trace is 0 with variance 1. Each limit is five standard errors of 20000 draws.
TEST(UniformRotation, EntriesHaveTheMomentsOfTheUniformMeasure) {
    constexpr int n = 20000;
    Matrix3 mean, square;
    double trace = 0, trace_square = 0;
    for (int i = 0; i < 3; ++i) { mean(i, i) = square(i, i) = 0; }
    for (int k = 0; k < n; ++k) {
        const Philox a = Philox::at(11, 3, static_cast<std::uint64_t>(2 * k)),
                     b = Philox::at(11, 3, static_cast<std::uint64_t>(2 * k + 1));
        const Matrix3 m = uniform_rotation(a.uniform(0), a.uniform(1), b.uniform(0));
        if (k < 100) { expect_rotation(m); }
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) {
                mean(i, j) += m(i, j) / n;
                square(i, j) += m(i, j) * m(i, j) / n;
            }
        }
        const double t = m(0, 0) + m(1, 1) + m(2, 2);
        trace += t / n;
        trace_square += t * t / n;
    }
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            EXPECT_NEAR(mean(i, j), 0, 5 * std::sqrt(1.0 / 3 / n));
            EXPECT_NEAR(square(i, j), 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
        }
    }
    EXPECT_NEAR(trace, 0, 5 / std::sqrt(n));
    EXPECT_NEAR(trace_square, 1, 5 * std::sqrt(2.0 / n)); // fourth moment of the trace is 3
}

TEST(SymmetricEigen, RecoversValuesAndAxes) {
    const Matrix3 axes = euler_matrix({20, 50, -70});
    for (const Vector3 values : {Vector3{1, 2, 5}, {1, 1, 3}, {0, 0, 0}, {-2, 1e-9, 1e9}, {4, 4, 4}}) {
        Matrix3 a;
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) {
                a(i, j) = 0;
                for (int k = 0; k < 3; ++k) {
                    a(i, j) += axes(i, k) * values[static_cast<std::size_t>(k)] * axes(j, k);
                }
            }
        }
        const SymmetricEigen found = symmetric_eigen(a);
        const double scale = std::max(std::abs(values[0]), std::abs(values[2]));
        for (std::size_t k = 0; k < 3; ++k) {
            EXPECT_NEAR(found.values[k], values[k], 1e-14 * scale);
            const Vector3& v = found.vectors[k];
            EXPECT_NEAR(dot(v, v), 1, 1e-14);
            EXPECT_NEAR(dot(v, found.vectors[(k + 1) % 3]), 0, 1e-14);
            const Vector3 av = test::times(v, a); // a is symmetric
            for (std::size_t d = 0; d < 3; ++d) { EXPECT_NEAR(av[d], values[k] * v[d], 4e-15 * scale); }
        }
    }
}

} // namespace
} // namespace tessera
