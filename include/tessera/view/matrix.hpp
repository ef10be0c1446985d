#pragma once

#include <array>

#include "tessera/core/view.hpp"

namespace tessera {

using Vector3 = std::array<double, 3>;

/// A 3×3 matrix, row-major. Points are row vectors: x' = x · M, so the columns of a rotation are the new axes in the old
/// frame.
struct Matrix3 {
    double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

    TESSERA_HD double operator()(int row, int column) const { return m[row][column]; }
    TESSERA_HD double& operator()(int row, int column) { return m[row][column]; }
};

Matrix3 operator*(const Matrix3& a, const Matrix3& b);
Matrix3 transpose(const Matrix3& a);
double determinant(const Matrix3& a);
Matrix3 matrix_of_columns(const Vector3& x, const Vector3& y, const Vector3& z);
Vector3 cross(const Vector3& a, const Vector3& b);
double dot(const Vector3& a, const Vector3& b);

/// Right-handed rotations as they act on column vectors; angle in degree. @param axis  0 x, 1 y, 2 z
Matrix3 rotation_about(int axis, double degree);

/// Rz(c) · Ry(b) · Rx(a), the matrix M of `view.rotation: [a, b, c]` (degree), applied as x' = x · M: a row vector, hence the
/// inverse of what the same matrix does to a column. @par Source  RUBIX's convention
Matrix3 euler_matrix(const Vector3& degree);

/// Rotation matrix, uniform on SO(3), from three numbers uniform on (0, 1).
/// @par Source  Shoemake (1992), "Uniform random rotations", Graphics Gems III
Matrix3 uniform_rotation(double u1, double u2, double u3);

/// Eigenvalues, ascending, and orthonormal eigenvectors of a symmetric matrix; vectors[i] belongs to values[i], signs are
/// arbitrary. @par Source  cyclic Jacobi, Golub & Van Loan (2013), section 8.5
struct SymmetricEigen {
    Vector3 values;
    std::array<Vector3, 3> vectors;
};
SymmetricEigen symmetric_eigen(Matrix3 a);

} // namespace tessera
