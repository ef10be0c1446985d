#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tessera {
class Communicator;
}

/// FITS as this program needs it: images and tables read whole, images written a range of planes at a time, keywords.
/// Shapes are slowest first, [wavelength, y, x], the reverse of NAXISn. One process reads a file, all ranks of a group may write
/// one. No CFITSIO type appears here. Paths are taken as they are: no brackets of CFITSIO's extended syntax.
namespace tessera::io {

/// One header-and-data unit of a file.
struct FitsHdu {
    std::string name; ///< EXTNAME, upper case; empty when there is none
    bool is_table = false;
    std::vector<std::int64_t> shape; ///< of an image, empty without data; [rows] of a table
};

/// A FITS file open for reading. HDUs are counted from 0, the primary.
class FitsReader {
public:
    /// @throws Error(Kind::data)  missing, unreadable, not FITS, truncated
    explicit FitsReader(const std::string& path);

    const std::vector<FitsHdu>& hdus() const;
    std::optional<int> find(const std::string& name) const; ///< by EXTNAME, whatever the case
    int index(const std::string& name) const;               ///< @throws Error(Kind::data) naming what there is

    bool has_key(int hdu, const std::string& keyword) const;
    /// Number of a keyword; nullopt when missing or text.
    std::optional<double> find_number(int hdu, const std::string& keyword) const;
    /// Text of a keyword (long strings joined); nullopt when missing.
    std::optional<std::string> find_text(int hdu, const std::string& keyword) const;
    double number(int hdu, const std::string& keyword) const; ///< @throws Error(Kind::data) missing or text

    /// All pixels of an image of any numeric type, scaled by BSCALE and BZERO; shape in hdus(). T: float, double, int32_t.
    /// @throws Error(Kind::data)  a table, no data, truncated
    template <class T>
    std::vector<T> read_image(int hdu) const;

    std::vector<std::string> columns(int hdu) const;
    /// All elements of a column, row by row. @throws Error(Kind::data)  no such column (with the nearest), text
    std::vector<double> read_column(int hdu, const std::string& column) const;
    std::vector<std::string> read_text_column(int hdu, const std::string& column) const;

    std::string where(int hdu) const; ///< "cube.fits[DATA]", for messages

private:
    struct State;
    std::shared_ptr<State> state_;
};

enum class FitsPixel { int32, float32, float64 };

/// A column of a binary table.
struct FitsColumn {
    std::string name;
    std::string unit; ///< empty for none
    std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>> values;
};

/// A FITS file that all ranks of a group write; each HDU has DATASUM and CHECKSUM. Three steps:
///
/// 1. Rank 0 alone describes it, HDU after HDU, with add_image, add_table, set and comment.
/// 2. `lay_out` gives the file its length; then each rank writes planes of any image, when it likes.
/// 3. `close` adds up the checksums and writes the headers.
///
/// Until then the file begins with zeros: it is not FITS. The same bytes for any number of ranks. Unless `close` succeeded the
/// file is removed when the writer of rank 0 goes. Memory: the headers and tables on rank 0, a piece of 1 MiB on each.
/// @throws Error(Kind::resource)  from every member: unwritable folder, full disk. From collective ones on every rank alike
class FitsWriter {
public:
    /// Replaces a file of that name. Begins with an empty primary HDU: keywords set now are its. Collective.
    /// @param comm  nullptr: this process alone
    explicit FitsWriter(const std::string& path, Communicator* comm = nullptr);

    /// Begins an image, all zeros until written; its shape [slowest … fastest].
    void add_image(const std::string& name, FitsPixel pixel, std::span<const std::int64_t> shape);
    /// Adds a table. Columns of equal length.
    void add_table(const std::string& name, std::span<const FitsColumn> columns);

    /// Sets a keyword of the HDU last begun. Longer than 8 characters: HIERARCH; long text: CONTINUE; a number that is not
    /// finite: a keyword without value; characters that FITS cannot hold become '?'.
    void set(const std::string& keyword, double value, const std::string& comment = "");
    void set(const std::string& keyword, std::int64_t value, const std::string& comment = "");
    void set(const std::string& keyword, bool value, const std::string& comment = "");
    void set(const std::string& keyword, const std::string& value, const std::string& comment = "");
    void set(const std::string& keyword, const char* value, const std::string& comment = "") {
        set(keyword, std::string(value), comment);
    }
    void comment(const std::string& text);

    /// Reserves the room for all of it. Collective.
    void lay_out();

    /// Writes planes [first, first + data.size() / plane) along the slowest axis of an image. Not collective; each pixel once, by
    /// one rank. T: float, double, int32_t, as the image has it.
    template <class T>
    void write_planes(const std::string& image, std::int64_t first, std::span<const T> data);

    /// Writes the headers and brings all to the disk. Collective.
    void close();

    static std::string library_version(); ///< "CFITSIO 4.2.0"

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace tessera::io
