#include "io/hdf5_packed.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>

#include <zlib.h>

#include "tessera/device/tasks.hpp"

namespace tessera::io {

namespace {

using Bytes = std::vector<unsigned char>;

/// How a dataset is packed.
struct Packing {
    std::vector<std::int64_t> chunk;   ///< extents
    std::vector<H5Z_filter_t> filters; ///< in the order of writing
    std::size_t element = 0;           ///< bytes
    std::size_t chunk_bytes() const {
        return static_cast<std::size_t>(
                   std::accumulate(chunk.begin(), chunk.end(), std::int64_t{1}, std::multiplies<>())) *
               element;
    }
};

std::optional<Packing> packing_of(const Hdf5Object& dataset, std::size_t rank, hid_t type) {
    const Hdf5Id stored(H5Dget_type(dataset.id.get()), H5Tclose);
    const Hdf5Id creation(H5Dget_create_plist(dataset.id.get()), H5Pclose);
    if (rank == 0 || H5Tequal(stored.get(), type) <= 0 || H5Pget_layout(creation.get()) != H5D_CHUNKED) {
        return std::nullopt;
    }
    unsigned options = 0;
    if (H5Pget_chunk_opts(creation.get(), &options) < 0 || options != 0) { return std::nullopt; }
    Packing out;
    out.element = H5Tget_size(type);
    std::vector<hsize_t> chunk(rank);
    H5Pget_chunk(creation.get(), static_cast<int>(rank), chunk.data());
    out.chunk.assign(chunk.begin(), chunk.end());
    const int n_filter = H5Pget_nfilters(creation.get());
    for (int i = 0; i < n_filter; ++i) {
        unsigned flags = 0;
        std::size_t n_value = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &n_value, nullptr, 0, nullptr, nullptr);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE) { return std::nullopt; }
        out.filters.push_back(filter);
    }
    if (std::count(out.filters.begin(), out.filters.end(), H5Z_FILTER_DEFLATE) == 0) { return std::nullopt; }
    return out;
}

/// A chunk as it lies in the file.
struct RawChunk {
    std::vector<hsize_t> offset; ///< of its first element
    std::uint32_t skipped = 0;   ///< bit i: filter i was not applied to it
    Bytes bytes;
};

/// The chunks that hold rows [first, first + n), the last dimension fastest; empty where one was never written.
std::vector<RawChunk> chunks_of(const Hdf5Object& dataset, const std::vector<std::int64_t>& shape,
                                const Packing& packing, std::int64_t first, std::int64_t n) {
    std::vector<RawChunk> chunks;
    std::vector<std::int64_t> at(shape.size(), 0);
    for (at[0] = first / packing.chunk[0] * packing.chunk[0]; at[0] < first + n;) {
        RawChunk chunk{.offset = {at.begin(), at.end()}, .skipped = 0, .bytes = {}};
        hsize_t bytes = 0;
        if (H5Dget_chunk_storage_size(dataset.id.get(), chunk.offset.data(), &bytes) < 0 || bytes == 0) { return {}; }
        chunks.push_back(std::move(chunk));
        std::size_t d = at.size() - 1;
        for (at[d] += packing.chunk[d]; d > 0 && at[d] >= shape[d]; at[d] += packing.chunk[d]) { at[d--] = 0; }
    }
    return chunks;
}

bool fetch(const Hdf5Object& dataset, RawChunk& chunk) {
    hsize_t bytes = 0;
    if (H5Dget_chunk_storage_size(dataset.id.get(), chunk.offset.data(), &bytes) < 0) { return false; }
    chunk.bytes.resize(static_cast<std::size_t>(bytes));
    return H5Dread_chunk(dataset.id.get(), H5P_DEFAULT, chunk.offset.data(), &chunk.skipped, chunk.bytes.data()) >= 0;
}

/// Byte b of element i stood at b · n + i.
Bytes unshuffled(const Bytes& bytes, std::size_t element) {
    Bytes out(bytes.size());
    const std::size_t n = bytes.size() / element;
    for (std::size_t b = 0; b < element; ++b) {
        const unsigned char* from = bytes.data() + b * n;
        unsigned char* to = out.data() + b;
        for (std::size_t i = 0; i < n; ++i) { to[i * element] = from[i]; }
    }
    return out;
}

/// Undoes the filters. @return  false for a damaged chunk
bool unpack(RawChunk& chunk, const Packing& packing) {
    for (std::size_t i = packing.filters.size(); i-- > 0;) {
        if ((chunk.skipped >> i & 1U) != 0) { continue; }
        if (packing.filters[i] == H5Z_FILTER_SHUFFLE) {
            chunk.bytes = unshuffled(chunk.bytes, packing.element);
            continue;
        }
        Bytes out(packing.chunk_bytes());
        uLongf n = out.size();
        if (uncompress(out.data(), &n, chunk.bytes.data(), chunk.bytes.size()) != Z_OK || n != out.size()) {
            return false;
        }
        chunk.bytes = std::move(out);
    }
    return chunk.bytes.size() == packing.chunk_bytes();
}

/// Copies the part of a chunk that lies in rows [first, first + n) to its place among them, run by run along the last dimension.
void copy_rows(const RawChunk& chunk, const Packing& packing, const std::vector<std::int64_t>& shape,
               std::int64_t first, std::int64_t n, unsigned char* out) {
    const std::size_t rank = shape.size();
    std::vector<std::int64_t> low(rank), high(rank); // of the part, in the dataset
    for (std::size_t d = 0; d < rank; ++d) {
        const auto begin = static_cast<std::int64_t>(chunk.offset[d]);
        low[d] = d == 0 ? std::max(begin, first) : begin;
        high[d] = std::min(begin + packing.chunk[d], d == 0 ? first + n : shape[d]);
    }
    const auto run = static_cast<std::size_t>(high[rank - 1] - low[rank - 1]) * packing.element;
    for (std::vector<std::int64_t> at = low; at[0] < high[0];) {
        std::int64_t from = 0, to = 0;
        for (std::size_t d = 0; d < rank; ++d) {
            from = from * packing.chunk[d] + at[d] - static_cast<std::int64_t>(chunk.offset[d]);
            to = d == 0 ? at[0] - first : to * shape[d] + at[d];
        }
        std::memcpy(out + static_cast<std::size_t>(to) * packing.element,
                    chunk.bytes.data() + static_cast<std::size_t>(from) * packing.element, run);
        if (rank == 1) { return; }
        std::size_t d = rank - 2;
        for (++at[d]; d > 0 && at[d] >= high[d]; ++at[d]) {
            at[d] = low[d];
            --d;
        }
    }
}

} // namespace

bool read_packed(const Hdf5Object& dataset, const std::vector<std::int64_t>& shape, std::int64_t first, std::int64_t n,
                 hid_t type, void* out, const device::Host& where) {
    if (where.threads < 2 || n == 0) { return false; }
    const auto packing = packing_of(dataset, shape.size(), type);
    if (!packing) { return false; }
    std::vector<RawChunk> chunks = chunks_of(dataset, shape, *packing, first, n);
    if (chunks.size() < 2) { return false; }
    std::atomic<bool> whole = true;
    device::with_tasks(where, [&](device::Tasks& tasks) {
        const auto in_flight = static_cast<std::size_t>(4 * where.threads);
        for (std::size_t i = 0; i < chunks.size() && whole; ++i) {
            if (i % in_flight == 0) { tasks.wait(); }
            if (!fetch(dataset, chunks[i])) { whole = false; }
            tasks.start(1, [&, i](std::int64_t) {
                RawChunk chunk = std::move(chunks[i]);
                if (!whole || !unpack(chunk, *packing)) {
                    whole = false;
                    return;
                }
                copy_rows(chunk, *packing, shape, first, n, static_cast<unsigned char*>(out));
            });
        }
    });
    return whole;
}

} // namespace tessera::io
