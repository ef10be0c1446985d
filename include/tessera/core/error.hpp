#pragma once

#include <stdexcept>
#include <string>

namespace tessera {

/// What went wrong, as the program's exit code.
enum class Kind : int {
    internal = 1, ///< anything else: a defect of the program or a failure nobody foresaw
    config = 2,   ///< the command line or the configuration
    data = 3,     ///< the input data
    resource = 4, ///< memory, device, disk
    partial = 5,  ///< some catalogue entries failed, the rest is complete
};

/// The parts of an error message. Each says one thing, in plain words; empty parts are left out.
struct ErrorText {
    Kind kind = Kind::internal;
    std::string where = {};    ///< file, dataset, key or call, e.g. "snap_099.3.hdf5:/PartType4/Masses"
    std::string found = {};    ///< what is there
    std::string expected = {}; ///< what should be there
    std::string cure = {};     ///< what the user can do
};

/// The one exception type of the program; `kind()` decides the exit code.
class Error : public std::runtime_error {
public:
    explicit Error(ErrorText text);
    /// Rebuilds an error that another rank threw from its rendered message.
    Error(Kind kind, const std::string& message);

    Kind kind() const noexcept { return kind_; }
    int exit_code() const noexcept { return static_cast<int>(kind_); }

private:
    Kind kind_;
};

/// "where: found F; expected E. cure" with empty parts left out.
std::string render(const ErrorText& text);

} // namespace tessera
