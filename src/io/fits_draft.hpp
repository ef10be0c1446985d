// What a FITS file is to be: headers, and tables whole, made by CFITSIO in memory. Images are described alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/fits.hpp"

namespace tessera::io {

constexpr std::int64_t fits_block = 2880; ///< headers and data fill whole blocks of so many bytes

/// One HDU as it will stand in the file.
struct FitsPart {
    std::string name;
    std::string header = {}; ///< whole blocks; DATASUM and CHECKSUM are there, to be filled in
    std::string table = {};  ///< data of a table, whole blocks
    bool is_image = false;
    FitsPixel pixel = FitsPixel::float32;
    std::int64_t plane = 0; ///< pixels of a step along the slowest axis
    std::int64_t rows = 0;  ///< steps along it
};

std::int64_t size_of(FitsPixel pixel); ///< bytes

/// Begins with an empty primary HDU; set() is of the HDU last begun. Members as FitsWriter's.
class FitsDraft {
public:
    explicit FitsDraft(const std::string& path); ///< the file that messages name
    void add_image(const std::string& name, FitsPixel pixel, std::span<const std::int64_t> shape);
    void add_table(const std::string& name, std::span<const FitsColumn> columns);
    void set(const std::string& keyword, double value, const std::string& comment);
    void set(const std::string& keyword, std::int64_t value, const std::string& comment);
    void set(const std::string& keyword, bool value, const std::string& comment);
    void set(const std::string& keyword, const std::string& value, const std::string& comment);
    void comment(const std::string& text);
    /// All HDUs in order. The draft is used up.
    std::vector<FitsPart> finish();

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace tessera::io
