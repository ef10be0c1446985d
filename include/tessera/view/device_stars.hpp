#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tessera/cube/spaxel_owners.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/view/matrix.hpp"
#include "tessera/view/projection.hpp"
#include "tessera/view/spaxel_stars.hpp"

namespace tessera {

/// SpaxelStars in an accelerator's memory. `start` is kept on both sides: the host plans with it. Several fields of one shape, each with a
/// galaxy of its own, stand one after the other: spaxel s of field f is number f n + s of the n n_field there are.
struct DeviceSpaxelStars {
    std::int64_t n_field = 1;
    std::vector<std::int64_t> start{0};  ///< [spaxel + 1]
    device::Buffer<std::int64_t> starts; ///< the same
    device::Buffer<float> los_velocity;  ///< km/s, positive = receding
    device::Buffer<float> initial_mass;  ///< Msun formed
    device::Buffer<float> mass;          ///< Msun now
    device::Buffer<float> metallicity;   ///< mass fraction
    device::Buffer<float> age;           ///< Gyr

    std::int64_t n_spaxel() const { return static_cast<std::int64_t>(start.size()) - 1; } ///< of all fields
    std::int64_t n_spaxel_of_field() const { return n_spaxel() / n_field; }
    std::int64_t size() const { return start.back(); }
};

/// A galaxy for a field of its own.
struct FieldStars {
    Stars& stars; ///< relative to the galaxy, not rotated yet; all but `row` is taken
    const Matrix3& rotation;
    Projection& projection; ///< counts and ranges of all ranks, as project gives; `spaxel` only where it is to be kept
};

/// Stars that go up at a time.
inline constexpr std::int64_t stars_of_a_block = std::int64_t{1} << 17;

/// Rotates, projects and orders stars by spaxel on the accelerator: the same spaxels, bit for bit, and the same order as rotate,
/// project and order_by_spaxel. The stars go up once, in blocks, while the blocks before are worked on; their host memory is
/// freed when the last block is on its way. Collective.
/// @param stars     relative to the galaxy, not rotated yet; `row` is left alone
/// @param out       counts and ranges of all ranks, as project gives; `spaxel` only with `keep_spaxels`
/// @param block     stars that go up at a time: twice 40 bytes each, pinned, and as much of the accelerator's memory
/// @throws Error(Kind::config)  as project. Error(Kind::resource)  too little memory: some 50 bytes a star are needed, beside the blocks
DeviceSpaxelStars order_on_device(device::Accelerator& accelerator, Stars&& stars, const Matrix3& rotation,
                                  const SpatialGrid& grid, bool keep_spaxels, Projection& out,
                                  const device::Host& where, Communicator& comm, std::int64_t block = stars_of_a_block);

/// The same for several galaxies, each on a field of that shape: sorted all at once.
DeviceSpaxelStars order_on_device(device::Accelerator& accelerator, std::span<const FieldStars> fields,
                                  const SpatialGrid& grid, bool keep_spaxels, const device::Host& where,
                                  Communicator& comm, std::int64_t block = stars_of_a_block);

/// As for the host: each star to the rank that makes its spaxel, in the order in which one rank alone would have them. Collective.
/// @param stars    of this rank, ordered by spaxel; consumed
/// @param host     counts and agreement; @param devices  the same ranks, for the accelerators' memory
/// @par Memory  12 bytes a star beside the 20 of the stars
DeviceSpaxelStars exchange_by_spaxel(device::Accelerator& accelerator, DeviceSpaxelStars&& stars,
                                     const SpaxelOwners& owners, Communicator& host, Communicator& devices);

/// The host's stars, as they are, to the accelerator.
DeviceSpaxelStars to_device(device::Accelerator& accelerator, const SpaxelStars& stars);

} // namespace tessera
