#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "particles/synthetic_sums.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/device/device.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::synthetic {

/// A particle with its row in the whole snapshot and what it belongs to.
template <class Particle>
struct Drawn {
    Particle particle;
    std::int64_t row = 0;
    std::int64_t i_object = 0;
};

/// A dataset of the file: how its numbers follow from a particle.
template <class Particle>
struct Column {
    std::string name;
    int width = 1;
    io::NumberType type = io::NumberType::float32;
    std::string unit; ///< attribute `unit` (plain layout); not written when `scaling` is not empty
    std::vector<std::pair<std::string, double>> scaling; ///< attributes of the TNG layout
    std::function<void(const Drawn<Particle>&, double*)> value;
};

inline Star draw(const Population& population, const Object& object, std::int64_t row, const Star*) {
    return population.star(object, row);
}
inline Cell draw(const Population& population, const Object& object, std::int64_t row, const Cell*) {
    return population.cell(object, row);
}

/// Rows held at once on a rank: a few tens of MiB.
inline constexpr std::int64_t block_rows = std::int64_t{1} << 17;

/// Writes rows [begin, begin + n) of the snapshot as the datasets of `parent`: each rank draws an equal share of them, block
/// by block, and writes it where it belongs. Collective.
template <class Particle>
void write_columns(io::Hdf5Group parent, const Population& population, Type type, std::int64_t begin, std::int64_t n,
                   const std::vector<Column<Particle>>& columns, const device::Host& host, Sums& sums,
                   Communicator& comm) {
    std::vector<io::Hdf5Dataset> datasets;
    for (const Column<Particle>& column : columns) {
        std::vector<std::int64_t> shape{n};
        if (column.width > 1) { shape.push_back(column.width); }
        datasets.push_back(parent.create_dataset(column.name, column.type, shape));
        for (const auto& [name, number] : column.scaling) { datasets.back().set(name, number); }
        if (column.scaling.empty()) { datasets.back().set("unit", column.unit); }
    }
    const std::int64_t first = n * comm.rank() / comm.size(), last = n * (comm.rank() + 1) / comm.size();
    const std::int64_t n_block = ((n + comm.size() - 1) / comm.size() + block_rows - 1) / block_rows; // the same on all
    const auto room = static_cast<std::size_t>(std::min(block_rows, last - first));
    std::vector<Drawn<Particle>> block;
    std::vector<double> numbers;
    std::vector<float> singles;
    agree(comm, [&] { block.resize(room), numbers.resize(3 * room), singles.resize(3 * room); });
    for (std::int64_t i_block = 0; i_block < n_block; ++i_block) {
        const std::int64_t from = std::min(first + i_block * block_rows, last), m = std::min(block_rows, last - from);
        device::for_each(host, m, 1024, [&](std::int64_t i) {
            Drawn<Particle>& drawn = block[static_cast<std::size_t>(i)];
            drawn.row = begin + from + i;
            drawn.i_object = population.object_of(type, drawn.row);
            const Object& object = population.objects[static_cast<std::size_t>(drawn.i_object)];
            drawn.particle = draw(population, object, drawn.row, static_cast<const Particle*>(nullptr));
        });
        for (std::int64_t i = 0; i < m; ++i) {
            sums.add(block[static_cast<std::size_t>(i)].i_object, block[static_cast<std::size_t>(i)].particle);
        }
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const auto width = static_cast<std::size_t>(columns[c].width), length = width * static_cast<std::size_t>(m);
            const bool single = columns[c].type == io::NumberType::float32;
            device::for_each(host, m, 1024, [&](std::int64_t i) {
                double* out = numbers.data() + static_cast<std::size_t>(i) * width;
                columns[c].value(block[static_cast<std::size_t>(i)], out);
                if (single) { std::copy_n(out, width, singles.data() + static_cast<std::size_t>(i) * width); }
            });
            if (single) {
                datasets[c].template write_rows<float>(from, m, std::span<const float>(singles.data(), length));
            } else { // row numbers are exact in double
                datasets[c].template write_rows<double>(from, m, std::span<const double>(numbers.data(), length));
            }
        }
    }
}

} // namespace tessera::synthetic
