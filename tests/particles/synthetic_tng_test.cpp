// Synthetic snapshots in TNG's layout: catalogue, offsets and particles agree with each other and with our own reader.
#include <memory>
#include <numeric>
#include <set>

#include "tessera/cosmology/cosmology.hpp"
#include "tessera/particles/snapshot.hpp"
#include "tests/particles/synthetic_support.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::length;
using test::Vector;

constexpr double h = 0.6774, box = 35000;

SyntheticOptions box_options(const std::string& name) {
    SyntheticOptions options;
    options.layout = SyntheticLayout::tng;
    options.path = (test::scratch(name) / "box").string();
    options.n_star = 60001;
    options.n_gas = 9001;
    options.n_subhalo = 14;
    options.n_chunk = 4;
    options.seed = 3;
    return options;
}

/// A made snapshot, all chunks put together.
struct Made {
    explicit Made(const SyntheticOptions& options) : base(options.path), n_chunk(options.n_chunk.value_or(3)) {
        for (std::int64_t c = 0; c < n_chunk; ++c) {
            chunks.push_back(
                io::Hdf5File::open((base / "snapdir_099" / ("snap_099." + std::to_string(c) + ".hdf5")).string()));
            tables.push_back(io::Hdf5File::open(
                (base / "groups_099" / ("fof_subhalo_tab_099." + std::to_string(c) + ".hdf5")).string()));
        }
        offsets.push_back(io::Hdf5File::open((base / "postprocessing/offsets/offsets_099.hdf5").string()));
    }
    std::vector<double> stars(const std::string& field) const { return all(chunks, "PartType4", field); }
    std::vector<double> gas(const std::string& field) const { return all(chunks, "PartType0", field); }
    std::vector<double> subhaloes(const std::string& field) const { return all(tables, "Subhalo", field); }
    std::vector<double> groups(const std::string& field) const { return all(tables, "Group", field); }
    std::vector<double> offset(const std::string& group, const std::string& field) const {
        return all(offsets, group, field);
    }

    static std::vector<double> all(const std::vector<io::Hdf5Group>& files, const std::string& group,
                                   const std::string& field) {
        std::vector<double> out;
        for (const io::Hdf5Group& file : files) {
            if (!file.has_dataset(group + "/" + field)) { continue; }
            const auto part = file.dataset(group + "/" + field).read_all<double>();
            out.insert(out.end(), part.begin(), part.end());
        }
        return out;
    }

    fs::path base;
    std::int64_t n_chunk;
    std::vector<io::Hdf5Group> chunks, tables, offsets;
};

/// One box, made once and looked at by many tests; its files are closed before the program ends.
class SyntheticTng : public testing::Test {
protected:
    static const Made& made() {
        if (!snapshot_) {
            const SyntheticOptions options = box_options("tng-box");
            make_snapshot(options, test::world());
            snapshot_ = std::make_unique<Made>(options);
        }
        return *snapshot_;
    }
    static void TearDownTestSuite() { snapshot_.reset(); }

private:
    static std::unique_ptr<Made> snapshot_;
};
std::unique_ptr<Made> SyntheticTng::snapshot_;

std::size_t at(double row) { return static_cast<std::size_t>(row); }

TEST_F(SyntheticTng, FilesAreTheSameByteForByteOnAnyNumberOfRanks) {
    test::expect_same_bytes_as_on_one_rank(box_options("tng-bytes"), test::scratch("tng-bytes"));
}

TEST_F(SyntheticTng, ChunksAddUpToWhatWasAskedFor) {
    const Made& snapshot = made();
    std::int64_t n_star = 0, n_gas = 0;
    for (const io::Hdf5Group& chunk : snapshot.chunks) {
        const auto header = chunk.group("Header");
        const auto here = header.integers("NumPart_ThisFile");
        EXPECT_EQ(header.integers("NumPart_Total"), (std::vector<std::int64_t>{9001, 0, 0, 0, 60001, 0}));
        EXPECT_EQ(header.integers("NumPart_Total_HighWord"), std::vector<std::int64_t>(6, 0));
        EXPECT_EQ(header.number("NumFilesPerSnapshot"), 4);
        for (const auto& [group, t] : {std::pair{"PartType0", std::size_t{0}}, {"PartType4", std::size_t{4}}}) {
            ASSERT_EQ(chunk.has_group(group), here[t] > 0) << "a type that a chunk lacks has no group there";
            if (here[t] == 0) { continue; }
            for (const std::string& field : chunk.group(group).names()) {
                EXPECT_EQ(chunk.dataset(std::string(group) + "/" + field).n_row(), here[t]) << field;
            }
        }
        n_gas += here[0], n_star += here[4];
    }
    EXPECT_EQ(n_star, 60001);
    EXPECT_EQ(n_gas, 9001);
    EXPECT_FALSE(snapshot.chunks[2].has_group("PartType4")) << "of three or more chunks one has no stars";
    const auto ids = snapshot.stars("ParticleIDs"), gas_ids = snapshot.gas("ParticleIDs");
    std::set<double> different(ids.begin(), ids.end());
    different.insert(gas_ids.begin(), gas_ids.end());
    EXPECT_EQ(different.size(), 69002U);
}

TEST_F(SyntheticTng, WindIsTwoInAThousandAndHasNoBirthMass) {
    const auto born = made().stars("GFM_StellarFormationTime"), mass = made().stars("GFM_InitialMass");
    std::size_t n_wind = 0;
    for (std::size_t i = 0; i < born.size(); ++i) {
        ASSERT_EQ(born[i] <= 0, mass[i] == 0);
        n_wind += born[i] <= 0 ? 1U : 0U;
        ASSERT_LE(born[i], 1);
    }
    EXPECT_NEAR(static_cast<double>(n_wind), 0.002 * 60001, 5 * std::sqrt(0.002 * 60001));
}

TEST_F(SyntheticTng, OffsetsArePrefixSumsOfTheCatalogue) {
    const Made& snapshot = made();
    const auto first_subhalo = snapshot.groups("GroupFirstSub"), n_subhalo = snapshot.groups("GroupNsubs");
    const auto group_length = snapshot.groups("GroupLenType"), length_of = snapshot.subhaloes("SubhaloLenType");
    const auto group_begin = snapshot.offset("Group", "SnapByType"), begin = snapshot.offset("Subhalo", "SnapByType");
    ASSERT_EQ(length_of.size(), 6 * 14U);
    std::size_t n_seen = 0, n_empty = 0, largest = 0;
    for (const std::size_t t : {std::size_t{0}, std::size_t{4}}) {
        double row = 0;
        n_seen = 0;
        for (std::size_t g = 0; g < first_subhalo.size(); ++g) {
            EXPECT_EQ(group_begin[6 * g + t], row);
            double inside = row;
            if (n_subhalo[g] == 0) {
                EXPECT_EQ(first_subhalo[g], -1);
                ++n_empty;
            } else {
                EXPECT_EQ(first_subhalo[g], static_cast<double>(n_seen));
            }
            for (std::size_t k = 0; k < at(n_subhalo[g]); ++k, ++n_seen) {
                EXPECT_EQ(begin[6 * n_seen + t], inside);
                inside += length_of[6 * n_seen + t];
                EXPECT_EQ(snapshot.subhaloes("SubhaloGrNr")[n_seen], static_cast<double>(g));
            }
            largest = std::max(largest, at(n_subhalo[g]));
            row += group_length[6 * g + t];
            if (t == 4 && n_subhalo[g] > 0) { EXPECT_LT(inside, row) << "unbound particles end a group"; }
        }
        EXPECT_EQ(n_seen, 14U);
        EXPECT_LT(row, t == 4 ? 60001 : 9001) << "particles of no group end the snapshot";
    }
    EXPECT_GE(n_empty, 2U);
    EXPECT_GE(largest, 2U);
}

TEST_F(SyntheticTng, OffsetsOfFilesAreWhereTheChunksBegin) {
    const Made& snapshot = made();
    const auto by_type = snapshot.offset("FileOffsets", "SnapByType");
    const auto subhalo = snapshot.offset("FileOffsets", "Subhalo"), group = snapshot.offset("FileOffsets", "Group");
    std::array<double, 4> before{}; // gas, stars, subhaloes, groups
    for (std::size_t c = 0; c < 4; ++c) {
        EXPECT_EQ((std::array{by_type[6 * c], by_type[6 * c + 4], subhalo[c], group[c]}), before) << c;
        const auto rows = snapshot.chunks[c].group("Header").integers("NumPart_ThisFile");
        const auto header = snapshot.tables[c].group("Header");
        const std::array<double, 4> here{double(rows[0]), double(rows[4]), header.number("Nsubgroups_ThisFile"),
                                         header.number("Ngroups_ThisFile")};
        for (std::size_t i = 0; i < 4; ++i) { before[i] += here[i]; }
        EXPECT_EQ(header.number("Nsubgroups_Total"), 14);
        EXPECT_EQ(header.number("NumFiles"), 4);
    }
    // At least one subhalo lies in two chunk files.
    const auto begin = snapshot.offset("Subhalo", "SnapByType"), n = snapshot.subhaloes("SubhaloLenType");
    bool crosses = false;
    for (std::size_t i = 0; i < 14; ++i) {
        const double edge = by_type[6 + 4];
        crosses = crosses || (begin[6 * i + 4] < edge && begin[6 * i + 4] + n[6 * i + 4] > edge);
    }
    EXPECT_TRUE(crosses);
}

/// Offset from a subhalo's centre to the nearest image, ckpc/h.
Vector offset_from(const Vector& position, const Vector& centre) {
    Vector out;
    for (std::size_t d = 0; d < 3; ++d) {
        out[d] = position[d] - centre[d];
        out[d] -= box * std::round(out[d] / box);
    }
    return out;
}

TEST_F(SyntheticTng, CatalogueIsTheSumOfItsParticles) {
    const Made& snapshot = made();
    const auto begin = snapshot.offset("Subhalo", "SnapByType"), n = snapshot.subhaloes("SubhaloLenType");
    const auto mass = snapshot.stars("Masses"), born = snapshot.stars("GFM_StellarFormationTime");
    const auto cell_mass = snapshot.gas("Masses"), rate = snapshot.gas("StarFormationRate");
    const auto metals = snapshot.stars("GFM_Metallicity");
    const auto position = test::vectors(snapshot.stars("Coordinates")),
               cell_position = test::vectors(snapshot.gas("Coordinates"));
    const auto velocity = test::vectors(snapshot.stars("Velocities")),
               cell_velocity = test::vectors(snapshot.gas("Velocities"));
    const auto mass_type = snapshot.subhaloes("SubhaloMassType"), half = snapshot.subhaloes("SubhaloHalfmassRadType");
    const auto in_radius = snapshot.subhaloes("SubhaloMassInRadType"), sfr = snapshot.subhaloes("SubhaloSFR");
    const auto metallicity = snapshot.subhaloes("SubhaloStarMetallicity"),
               dispersion = snapshot.subhaloes("SubhaloVelDisp");
    const auto centre = test::vectors(snapshot.subhaloes("SubhaloPos")),
               mean = test::vectors(snapshot.subhaloes("SubhaloVel"));
    const auto middle = test::vectors(snapshot.subhaloes("SubhaloCM")),
               spin = test::vectors(snapshot.subhaloes("SubhaloSpin"));
    for (std::size_t s = 0; s < 14; ++s) {
        SCOPED_TRACE(s);
        double stars = 0, gas = 0, formed = 0, all_rate = 0, square = 0;
        Vector momentum{}, moment{}, angular{};
        std::vector<double> radius, star_mass, star_metals;
        const auto add = [&](const Vector& x, const Vector& v, double m) {
            const Vector r = offset_from(x, centre[s]), w{v[0] - mean[s][0], v[1] - mean[s][1], v[2] - mean[s][2]};
            const Vector l = test::cross(r, w); // about SubhaloPos; the difference to SubhaloCM is second order
            for (std::size_t d = 0; d < 3; ++d) {
                momentum[d] += m * v[d], moment[d] += m * r[d], angular[d] += m * l[d];
            }
            square += m * test::dot(w, w);
            return length(r);
        };
        for (std::size_t i = at(begin[6 * s + 4]); i < at(begin[6 * s + 4] + n[6 * s + 4]); ++i) {
            const double r = add(position[i], velocity[i], mass[i]);
            (born[i] > 0 ? stars : gas) += mass[i]; // in TNG the mass of wind counts as gas, its number as stars
            if (born[i] <= 0) { continue; }
            radius.push_back(r), star_mass.push_back(mass[i]), star_metals.push_back(metals[i]);
        }
        for (std::size_t i = at(begin[6 * s]); i < at(begin[6 * s] + n[6 * s]); ++i) {
            add(cell_position[i], cell_velocity[i], cell_mass[i]);
            gas += cell_mass[i], all_rate += rate[i];
        }
        // Single precision of the terms and of the sum; the fixed-point steps are finer.
        EXPECT_NEAR(mass_type[6 * s + 4] / stars, 1, 1e-6);
        EXPECT_NEAR(mass_type[6 * s] / gas, 1, 1e-6);
        EXPECT_NEAR(sfr[s], all_rate, 1e-6 * all_rate + 1e-7);
        const double total = stars + gas;
        for (std::size_t d = 0; d < 3; ++d) {
            EXPECT_NEAR(mean[s][d], momentum[d] / total, 1e-3);
            // Positions of up to 35000 in single precision: 2e-3.
            const double to_middle = middle[s][d] - centre[s][d];
            EXPECT_NEAR(to_middle - box * std::round(to_middle / box), moment[d] / total, 8e-3);
            EXPECT_NEAR(spin[s][d], angular[d] / total, 1e-3 * length(spin[s]) + 0.1);
        }
        EXPECT_NEAR(dispersion[s] / std::sqrt(square / total / 3), 1, 1e-5);
        // Shells of 0.01 % in radius, but few stars: between two of them the radius is anything.
        EXPECT_NEAR(half[6 * s + 4] / test::half_mass_radius(radius, star_mass), 1, 0.02);
        double within = 0;
        for (std::size_t i = 0; i < radius.size(); ++i) {
            if (radius[i] > 2 * half[6 * s + 4]) { continue; }
            within += star_mass[i], formed += star_mass[i] * star_metals[i];
        }
        EXPECT_NEAR(in_radius[6 * s + 4] / within, 1, 0.01);
        EXPECT_NEAR(metallicity[s] / (formed / within), 1, 0.01);
    }
}

TEST_F(SyntheticTng, MassesFollowAPowerLawAndGroupsHoldTheirSubhaloes) {
    const Made& snapshot = made();
    const auto mass = snapshot.subhaloes("SubhaloMassType"), group = snapshot.subhaloes("SubhaloGrNr");
    const auto group_mass = snapshot.groups("GroupMassType"), group_length = snapshot.groups("GroupLen");
    std::vector<double> sorted, in_groups(group_mass.size() / 6, 0.0);
    for (std::size_t s = 0; s < 14; ++s) {
        sorted.push_back(mass[6 * s + 4]);
        in_groups[at(group[s])] += mass[6 * s + 4];
    }
    std::sort(sorted.rbegin(), sorted.rend());
    // Quantiles (k + 1/2)/14 of dN/dM ~ M^-1.9 over a factor of 300; stars are counted in whole numbers of 0.5 to 1.5.
    const auto quantile = [](double u) { return std::pow(1 + (1 - u) * (std::pow(300, -0.9) - 1), 1 / -0.9); };
    EXPECT_NEAR(sorted[0] / sorted[7] / (quantile(0.5 / 14) / quantile(7.5 / 14)), 1, 0.1);
    for (std::size_t g = 0; g < in_groups.size(); ++g) {
        EXPECT_GE(group_mass[6 * g + 4], in_groups[g] * (1 - 1e-6));
        EXPECT_GT(group_length[g], 0);
    }
}

TEST_F(SyntheticTng, GalaxyLiesAcrossThePeriodicEdgeAndAllInTheBox) {
    const Made& snapshot = made();
    const auto position = test::vectors(snapshot.stars("Coordinates"));
    const auto n = snapshot.subhaloes("SubhaloLenType");
    std::size_t low = 0, high = 0;
    for (std::size_t i = 0; i < position.size(); ++i) {
        for (const double x : position[i]) {
            ASSERT_GE(x, 0);
            ASSERT_LE(x, box);
        }
        if (i < at(n[4])) { // the first subhalo
            low += position[i][0] < 50 ? 1U : 0U;
            high += position[i][0] > box - 50 ? 1U : 0U;
        }
    }
    EXPECT_GT(low, at(0.1 * n[4]));
    EXPECT_GT(high, at(0.1 * n[4]));
}

TEST_F(SyntheticTng, OurReaderFindsTheGalaxyThatWasBuilt) {
    const Made& snapshot = made();
    SnapshotOptions options{.format = SnapshotFormat::automatic,
                            .path = snapshot.base.string(),
                            .snapshot = 99,
                            .subhalo = {},
                            .gas = true};
    const auto n = snapshot.subhaloes("SubhaloLenType"), mass = snapshot.subhaloes("SubhaloMassType");
    for (const std::int64_t s : {0, 1, 13}) {
        SCOPED_TRACE(s);
        options.subhalo = s;
        const auto input = open_snapshot(options, test::world());
        EXPECT_EQ(input->info().format, SnapshotFormat::tng);
        ASSERT_TRUE(input->info().galaxy.centre);
        ReadReport report;
        const Stars stars = input->read_stars(*input->info().galaxy.centre, false, report);
        const Gas gas = input->read_gas(*input->info().galaxy.centre, report);
        const auto i = static_cast<std::size_t>(6 * s);
        EXPECT_EQ(report.n_star + report.n_wind_dropped, static_cast<std::int64_t>(n[i + 4]));
        EXPECT_EQ(report.n_gas, static_cast<std::int64_t>(n[i]));

        std::vector<double> sums(5, 0.0); // mass, its angular momentum, the oldest age
        double oldest = 0, farthest = 0;
        const auto velocity = *input->info().galaxy.velocity;
        for (std::size_t k = 0; k < stars.x.size(); ++k) {
            const Vector r{stars.x[k], stars.y[k], stars.z[k]};
            const Vector v{stars.vx[k] - velocity[0], stars.vy[k] - velocity[1], stars.vz[k] - velocity[2]};
            const Vector l = test::cross(r, v);
            sums[0] += stars.mass[k];
            for (std::size_t d = 0; d < 3; ++d) { sums[d + 1] += stars.mass[k] * l[d]; }
            oldest = std::max(oldest, double(stars.age[k])), farthest = std::max(farthest, length(r));
        }
        test::world().all_reduce(sums, Op::sum);
        EXPECT_NEAR(sums[0] / (mass[i + 4] * 1e10 / h), 1, 1e-5);
        const Vector spin{sums[1], sums[2], sums[3]}, normal = disc_normal(box_options("tng-normal"), s);
        // 0.4 of the rotation is random motion: 0.4/sqrt(n) rad, five times.
        EXPECT_GT(test::dot(spin, normal) / length(spin), std::cos(5 * 0.4 / std::sqrt(n[i + 4])));
        EXPECT_LT(oldest, 0.92 * Cosmology(67.74, 0.3089).age(1));
        EXPECT_LT(farthest, 100); // kpc: no star on the other side of the box
    }
}

TEST_F(SyntheticTng, AtARedshiftUnitsAndAgesAreThoseOfTheSnapshot) {
    SyntheticOptions options = box_options("tng-redshift");
    options.redshift = 1;
    options.n_subhalo = 2;
    options.n_chunk.reset();
    options.n_gas = 0;
    make_snapshot(options, test::world());
    const Made snapshot(options);
    const auto header = snapshot.chunks[0].group("Header");
    EXPECT_EQ(header.number("Time"), 0.5);
    EXPECT_EQ(header.number("Redshift"), 1);
    EXPECT_EQ(snapshot.chunks.size(), 3U);
    EXPECT_FALSE(snapshot.chunks[0].has_group("PartType0"));
    for (const double a : snapshot.stars("GFM_StellarFormationTime")) { ASSERT_LE(a, 0.5 * (1 + 1e-6)); }

    const auto input =
        open_snapshot({.format = SnapshotFormat::tng, .path = options.path, .snapshot = 99, .subhalo = 0, .gas = false},
                      test::world());
    ReadReport report;
    const Stars stars = input->read_stars(*input->info().galaxy.centre, false, report);
    // The galaxy is of the physical size and speed that its mass gives: mean 3-D radius and speed below these.
    std::vector<double> sums(3, 0.0);
    const auto velocity = *input->info().galaxy.velocity;
    for (std::size_t k = 0; k < stars.x.size(); ++k) {
        sums[0] += 1;
        sums[1] += length({stars.x[k], stars.y[k], stars.z[k]});
        sums[2] += length({stars.vx[k] - velocity[0], stars.vy[k] - velocity[1], stars.vz[k] - velocity[2]});
        ASSERT_LT(stars.age[k], Cosmology(67.74, 0.3089).age(0.5));
        ASSERT_GE(stars.age[k], 0);
    }
    test::world().all_reduce(sums, Op::sum);
    const double n = snapshot.subhaloes("SubhaloLenType")[4], size = std::pow(n * 5e5 / 5e10, 0.25);
    EXPECT_NEAR(sums[1] / sums[0], (0.8 * 2 + 0.2 * 0.7) * 3.5 * size, 0.5 * size); // disc: 2 h; bulge: about 0.7 h
    EXPECT_NEAR(sums[2] / sums[0], 0.9 * 220 * size, 30 * size);
}

TEST_F(SyntheticTng, ParticlesDoNotDependOnTheNumberOfChunks) {
    SyntheticOptions options = box_options("tng-chunks");
    options.n_star = 3000;
    options.n_chunk = 1;
    make_snapshot(options, test::world());
    const auto one = Made(options).stars("Coordinates");
    options.n_chunk = 7;
    make_snapshot(options, test::world());
    EXPECT_EQ(Made(options).stars("Coordinates"), one);
}

TEST_F(SyntheticTng, AsManySubhaloesAsStarsIsNoTrouble) {
    SyntheticOptions options = box_options("tng-poor");
    options.n_star = 40;
    options.n_gas = 3;
    options.n_subhalo = 40; // most are dark
    options.n_chunk = 9;
    make_snapshot(options, test::world());
    const Made snapshot(options);
    const auto n = snapshot.subhaloes("SubhaloLenType"), half = snapshot.subhaloes("SubhaloHalfmassRadType");
    for (std::size_t s = 0; s < 40; ++s) {
        if (n[6 * s + 4] == 0) { EXPECT_EQ(half[6 * s + 4], 0); }
    }
    EXPECT_EQ(snapshot.stars("Masses").size(), 40U);
    for (const double v : snapshot.subhaloes("SubhaloVel")) { EXPECT_TRUE(std::isfinite(v)); }
}

TEST_F(SyntheticTng, AGiantHasTheShareThatIsAskedFor) {
    SyntheticOptions options = box_options("tng-giant");
    options.n_star = 20000;
    options.n_subhalo = 200;
    options.largest_fraction = 0.8;
    make_snapshot(options, test::world());
    const auto n = Made(options).subhaloes("SubhaloLenType");
    double largest = 0, all = 0;
    for (std::size_t s = 0; s < n.size() / 6; ++s) {
        largest = std::max(largest, n[6 * s + 4]);
        all += n[6 * s + 4];
    }
    EXPECT_NEAR(largest / all, 0.8, 201.0 / all); // ends of shares are rounded
}

} // namespace
} // namespace tessera
