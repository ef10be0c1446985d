#include "tessera/view/matrix.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/constants.hpp"

namespace tessera {

Matrix3 operator*(const Matrix3& a, const Matrix3& b) {
    Matrix3 out;
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { out(i, j) = a(i, 0) * b(0, j) + a(i, 1) * b(1, j) + a(i, 2) * b(2, j); }
    }
    return out;
}

Matrix3 transpose(const Matrix3& a) {
    Matrix3 out;
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { out(i, j) = a(j, i); }
    }
    return out;
}

double determinant(const Matrix3& a) {
    return a(0, 0) * (a(1, 1) * a(2, 2) - a(1, 2) * a(2, 1)) - a(0, 1) * (a(1, 0) * a(2, 2) - a(1, 2) * a(2, 0)) +
           a(0, 2) * (a(1, 0) * a(2, 1) - a(1, 1) * a(2, 0));
}

Matrix3 matrix_of_columns(const Vector3& x, const Vector3& y, const Vector3& z) {
    Matrix3 out;
    for (int i = 0; i < 3; ++i) {
        const auto at = static_cast<std::size_t>(i);
        out(i, 0) = x[at];
        out(i, 1) = y[at];
        out(i, 2) = z[at];
    }
    return out;
}

Vector3 cross(const Vector3& a, const Vector3& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Matrix3 rotation_about(int axis, double degree) {
    const double angle = degree * constants::pi / 180.0;
    const int first = (axis + 1) % 3, second = (axis + 2) % 3;
    Matrix3 out;
    out(first, first) = out(second, second) = std::cos(angle);
    out(second, first) = std::sin(angle);
    out(first, second) = -std::sin(angle);
    return out;
}

Matrix3 euler_matrix(const Vector3& degree) {
    return rotation_about(2, degree[2]) * rotation_about(1, degree[1]) * rotation_about(0, degree[0]);
}

Matrix3 uniform_rotation(double u1, double u2, double u3) {
    const double a = std::sqrt(1 - u1), b = std::sqrt(u1);
    const double x = a * std::sin(2 * constants::pi * u2), y = a * std::cos(2 * constants::pi * u2);
    const double z = b * std::sin(2 * constants::pi * u3), w = b * std::cos(2 * constants::pi * u3);
    Matrix3 out;
    const double rows[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                               {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                               {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    std::copy(&rows[0][0], &rows[0][0] + 9, &out.m[0][0]);
    return out;
}

namespace {

/// One Jacobi rotation in the plane (p, q) that makes a(p, q) zero; `vectors` has the eigenvectors as columns.
void annihilate(Matrix3& a, Matrix3& vectors, int p, int q) {
    if (a(p, q) == 0) { return; }
    const double theta = (a(q, q) - a(p, p)) / (2 * a(p, q));
    const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
    const double c = 1 / std::hypot(t, 1.0), s = t * c;
    Matrix3 turn;
    turn(p, p) = turn(q, q) = c;
    turn(p, q) = s;
    turn(q, p) = -s;
    a = transpose(turn) * a * turn;
    a(p, q) = a(q, p) = 0;
    vectors = vectors * turn;
}

} // namespace

SymmetricEigen symmetric_eigen(Matrix3 a) {
    Matrix3 vectors;
    // Converges quadratically: 6 sweeps reach rounding for any 3×3; 20 costs nothing.
    for (int sweep = 0; sweep < 20; ++sweep) {
        annihilate(a, vectors, 0, 1);
        annihilate(a, vectors, 0, 2);
        annihilate(a, vectors, 1, 2);
    }
    std::array<int, 3> order{0, 1, 2};
    std::sort(order.begin(), order.end(), [&](int i, int j) { return a(i, i) < a(j, j); });
    SymmetricEigen out{};
    for (std::size_t k = 0; k < 3; ++k) {
        out.values[k] = a(order[k], order[k]);
        out.vectors[k] = {vectors(0, order[k]), vectors(1, order[k]), vectors(2, order[k])};
    }
    return out;
}

} // namespace tessera
