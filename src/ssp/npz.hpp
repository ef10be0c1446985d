#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::ssp {

/// One array of a NumPy .npz file, in C order (slowest dimension first) whatever the file has.
struct NpyArray {
    std::vector<std::int64_t> shape; ///< empty for a scalar
    std::vector<double> values;
    std::string where; ///< "file.npz:templates"
};

/// Reads arrays of numbers from an .npz file: a zip of .npy members, stored or deflated, sizes in 32 or 64 bits.
class Npz {
public:
    /// Reads the directory. @throws Error(Kind::data)  missing, no zip, truncated
    explicit Npz(std::string path);

    bool has(const std::string& name) const;
    std::vector<std::string> names() const;
    /// @throws Error(Kind::data)  no such member, damaged (its CRC differs), not real numbers
    NpyArray read(const std::string& name) const;

private:
    struct Member {
        std::string name; ///< without ".npy"
        int method = 0;   ///< 0 stored, 8 deflated
        std::uint32_t crc = 0;
        std::uint64_t packed = 0, size = 0, header_at = 0;
    };
    std::string unpack(const Member& member) const;

    std::string path_;
    std::vector<Member> members_;
};

} // namespace tessera::ssp
