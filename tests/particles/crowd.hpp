#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tessera/particles/row_index.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/particles/tiny_snapshots.hpp"

namespace tessera::test {

/// A crowded box of 20 subhaloes over 3 chunks, one of them without stars.
class Crowd {
public:
    explicit Crowd(const std::string& name, std::int64_t n_star = 12000) : folder(scratch("crowd-" + name)) {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = (folder / "box").string();
        options.n_star = n_star;
        options.n_subhalo = 20;
        options.seed = 3;
        options.box_size = 700;
        make_snapshot(options, world());
        input.path = options.path;
        input.gas = false;
    }
    std::shared_ptr<SnapshotIndex> snapshot() const {
        std::vector<std::int64_t> ids(10);
        for (std::size_t i = 0; i < ids.size(); ++i) { ids[i] = static_cast<std::int64_t>(i); }
        return index_snapshot(input, ids, world());
    }
    std::shared_ptr<const RowIndex> index() const {
        const auto galaxies = snapshot();
        return find_field_index(*galaxies, folder.string(), world()).stars;
    }
    std::string file() const { return (folder / "snap_099.star_index.h5").string(); }
    std::string chunk(int i) const { return input.path + fmt::format("/snapdir_099/snap_099.{}.hdf5", i); }

    std::filesystem::path folder;
    SnapshotOptions input;
};

} // namespace tessera::test
