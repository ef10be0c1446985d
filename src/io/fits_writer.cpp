// A FITS file by all ranks. Planes go to their place in the file by plain writes at an offset, which every file system has and which
// name their errors; CFITSIO, which writes from one process, makes the headers. These come last: what is not complete begins with
// zeros, and nothing takes it for FITS.
#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include <fitsio.h>
#include <fmt/format.h>

#include "io/disk_room.hpp"
#include "io/fits_checksum.hpp"
#include "io/fits_draft.hpp"
#include "io/writable.hpp"
#include "io/write_at.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits.hpp"

namespace tessera::io {

namespace {

std::int64_t whole_blocks(std::int64_t bytes) { return (bytes + fits_block - 1) / fits_block * fits_block; }

template <class T>
constexpr FitsPixel pixel_of() {
    if constexpr (std::is_same_v<T, float>) { return FitsPixel::float32; }
    if constexpr (std::is_same_v<T, double>) { return FitsPixel::float64; }
    return FitsPixel::int32;
}

} // namespace

struct FitsWriter::State {
    /// An HDU's data in the file. All ranks know all.
    struct Image {
        std::string name;
        FitsPixel pixel = FitsPixel::float32;
        std::int64_t plane = 0, rows = 0;
        std::int64_t header_at = 0, data_at = 0; ///< bytes from the beginning of the file
        std::int64_t sum = 0;                    ///< of the words that this rank wrote, folded
    };
    std::string path;
    Communicator* comm = nullptr; ///< nullptr: this process alone
    std::unique_ptr<FitsDraft> draft;
    std::vector<FitsPart> parts; ///< rank 0's
    std::vector<Image> images;   ///< an entry an HDU
    std::int64_t size = 0;
    int descriptor = -1;
    bool complete = false;
    std::vector<char> swapped; ///< a piece of what is being written, in the order of FITS

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (descriptor >= 0) { ::close(descriptor); }
        if (is_root() && !complete) { ::unlink(path.c_str()); }
    }
    bool is_root() const { return comm == nullptr || comm->is_root(); }

    template <class Work>
    void together(Work&& work) {
        if (comm == nullptr) {
            work();
        } else {
            agree(*comm, work);
        }
    }

    void place_parts() {
        parts = draft->finish();
        draft.reset();
        for (const FitsPart& part : parts) {
            Image image{part.name, part.pixel, part.plane, part.rows, size, 0, 0};
            image.data_at = size + static_cast<std::int64_t>(part.header.size());
            const std::int64_t data = part.is_image ? whole_blocks(part.rows * part.plane * size_of(part.pixel))
                                                    : static_cast<std::int64_t>(part.table.size());
            size = image.data_at + data;
            images.push_back(image);
        }
        if (const int reason = reserve_room(path, 0, size)) { throw_disk_failure(path, "making room for it", reason); }
        if (::truncate(path.c_str(), size) != 0) { throw_disk_failure(path, "making room for it", errno); }
    }

    /// What rank 0 knows of the places, to all.
    void share_places() {
        if (comm == nullptr) { return; }
        std::string names;
        std::vector<std::int64_t> numbers;
        for (const Image& image : images) {
            names += image.name + '\n';
            numbers.insert(numbers.end(), {static_cast<std::int64_t>(image.pixel), image.plane, image.rows,
                                           image.header_at, image.data_at});
        }
        comm->broadcast(names, 0);
        comm->broadcast(numbers, 0);
        if (comm->is_root()) { return; }
        for (std::size_t i = 0, begin = 0; i < numbers.size(); i += 5) {
            const std::size_t end = names.find('\n', begin);
            images.push_back({names.substr(begin, end - begin), static_cast<FitsPixel>(numbers[i]), numbers[i + 1],
                              numbers[i + 2], numbers[i + 3], numbers[i + 4], 0});
            begin = end + 1;
        }
    }

    void write_headers() {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            FitsPart& part = parts[i];
            const Image& image = images[i];
            const std::string where = fmt::format("{}[{}]", path, part.name);
            set_checksums(part.header, folded(static_cast<std::uint64_t>(image.sum) + sum_of_words(part.table)));
            part.header += part.table;
            write_at(descriptor, part.header.data(), static_cast<std::int64_t>(part.header.size()), image.header_at,
                     where);
        }
    }
};

FitsWriter::FitsWriter(const std::string& path, Communicator* comm) : state_(std::make_shared<State>()) {
    state_->path = path;
    state_->comm = comm != nullptr && comm->size() > 1 ? comm : nullptr;
    state_->together([&] {
        if (!state_->is_root()) { return; }
        try_to_create(path);
        state_->draft = std::make_unique<FitsDraft>(path);
    });
}

void FitsWriter::add_image(const std::string& name, FitsPixel pixel, std::span<const std::int64_t> shape) {
    state_->draft->add_image(name, pixel, shape);
}
void FitsWriter::add_table(const std::string& name, std::span<const FitsColumn> columns) {
    state_->draft->add_table(name, columns);
}
void FitsWriter::set(const std::string& keyword, double value, const std::string& comment) {
    state_->draft->set(keyword, value, comment);
}
void FitsWriter::set(const std::string& keyword, std::int64_t value, const std::string& comment) {
    state_->draft->set(keyword, value, comment);
}
void FitsWriter::set(const std::string& keyword, bool value, const std::string& comment) {
    state_->draft->set(keyword, value, comment);
}
void FitsWriter::set(const std::string& keyword, const std::string& value, const std::string& comment) {
    state_->draft->set(keyword, value, comment);
}
void FitsWriter::comment(const std::string& text) { state_->draft->comment(text); }

void FitsWriter::lay_out() {
    state_->together([&] {
        if (state_->is_root()) { state_->place_parts(); }
    });
    state_->share_places();
    state_->together([&] { state_->descriptor = open_to_write(state_->path); });
}

template <class T>
void FitsWriter::write_planes(const std::string& name, std::int64_t first, std::span<const T> data) {
    const auto image = std::find_if(state_->images.begin(), state_->images.end(),
                                    [&](const State::Image& candidate) { return candidate.name == name; });
    const std::string where = fmt::format("{}[{}]", state_->path, name);
    const std::int64_t n = static_cast<std::int64_t>(data.size());
    if (image == state_->images.end() || image->pixel != pixel_of<T>() || first < 0 ||
        first * image->plane + n > image->rows * image->plane) {
        throw Error({.where = where,
                     .found = fmt::format("{} pixels of {} bytes from plane {}", n, sizeof(T), first),
                     .expected = "planes of an image of this file"});
    }
    constexpr std::int64_t size = sizeof(T), piece = (std::int64_t{1} << 20) / size; // stays in the cache
    state_->swapped.resize(piece * size);
    for (std::int64_t begin = 0; begin < n; begin += piece) {
        const std::int64_t count = std::min(piece, n - begin);
        const std::uint64_t sum = to_big_endian(data.data() + begin, count, size, state_->swapped.data());
        if (sum == 0) { continue; } // zeros, which the file holds already
        image->sum = folded(static_cast<std::uint64_t>(image->sum) + folded(sum));
        write_at(state_->descriptor, state_->swapped.data(), count * size,
                 image->data_at + (first * image->plane + begin) * size, where);
    }
}
template void FitsWriter::write_planes<float>(const std::string&, std::int64_t, std::span<const float>);
template void FitsWriter::write_planes<double>(const std::string&, std::int64_t, std::span<const double>);
template void FitsWriter::write_planes<std::int32_t>(const std::string&, std::int64_t, std::span<const std::int32_t>);

void FitsWriter::close() {
    if (state_->comm != nullptr) {
        std::vector<std::int64_t> sums;
        for (const State::Image& image : state_->images) { sums.push_back(image.sum); }
        state_->comm->all_reduce(sums, Op::sum);
        for (std::size_t i = 0; i < sums.size(); ++i) { state_->images[i].sum = sums[i]; }
    }
    state_->together([&] {
        if (state_->is_root()) { state_->write_headers(); }
        bring_to_disk(state_->descriptor, state_->path);
        const int failure = ::close(state_->descriptor) == 0 ? 0 : errno;
        state_->descriptor = -1;
        if (failure != 0) { throw_disk_failure(state_->path, "closing it", failure); }
    });
    state_->complete = true;
}

std::string FitsWriter::library_version() {
    float version = 0;
    fits_get_version(&version);
    return fmt::format("CFITSIO {}.{}.{}", CFITSIO_MAJOR, CFITSIO_MINOR, CFITSIO_MICRO);
}

} // namespace tessera::io
