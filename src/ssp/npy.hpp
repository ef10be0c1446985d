#pragma once

#include <string>

#include "ssp/npz.hpp"

namespace tessera::ssp {

/// An array from the bytes of an .npy file: integers and floating-point numbers of 1 to 8 bytes, either byte order, C or
/// Fortran order. Format: NumPy Enhancement Proposal 1, versions 1 to 3.
/// @throws Error(Kind::data)  no .npy, text or objects, fewer bytes than the shape needs
NpyArray parse_npy(const std::string& bytes, const std::string& where);

} // namespace tessera::ssp
