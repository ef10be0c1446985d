// W · T against a dense product in double, whichever way the lists are multiplied: in groups of six or one by one, in panels, by blocks of
// pixels, on threads.
#include "synthesis/row_product.hpp"

#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

constexpr double at_rest = 1.02;

/// Smooth positive spectra with a line each, sampled every 2 Angstrom.
Spectra random_spectra(std::int64_t n_used) {
    Spectra out;
    for (double l = 4700; l <= 5600; l += 2) { out.wavelength.push_back(l); }
    out.n_used = n_used;
    out.n_column = padded_columns(n_used);
    out.light.assign(out.wavelength.size() * static_cast<std::size_t>(out.n_column), 0.0F);
    for (std::size_t p = 0; p < out.wavelength.size(); ++p) {
        for (std::int64_t c = 0; c < n_used; ++c) {
            const double line = 4800 + 37.0 * static_cast<double>(c % 17);
            out.light[p * static_cast<std::size_t>(out.n_column) + static_cast<std::size_t>(c)] =
                static_cast<float>(1 + 0.5 * std::sin(0.01 * static_cast<double>(c) * out.wavelength[p]) -
                                   0.4 * std::exp(-0.5 * std::pow((out.wavelength[p] - line) / 4, 2)));
        }
    }
    return out;
}

/// A list with each key of `n_key` with probability `density`, in rows [first_row, end_row).
RowList random_list(std::int64_t spaxel, const Spectra& spectra, std::int64_t first_row, std::int64_t end_row,
                    double density) {
    RowList list;
    list.spaxel = spaxel;
    for (std::int64_t row = first_row; row < end_row; ++row) {
        for (std::int64_t c = 0; c < spectra.n_used; ++c) {
            const auto key = static_cast<std::uint32_t>(row * spectra.n_column + c);
            const Philox random = Philox::at(21, static_cast<std::uint64_t>(spaxel), key);
            if (random.uniform(0) >= density) { continue; }
            list.key.push_back(key);
            list.weight.push_back(static_cast<float>(2 * random.uniform(1) - 0.5)); // some are negative
        }
    }
    return list;
}

/// [spaxel][pixel], and the sum of the absolute products.
struct Dense {
    std::vector<std::vector<double>> value, absolute;
};

Dense dense_product(const std::vector<RowList>& lists, const RowTemplates& templates, std::int64_t n_spaxel) {
    const Spectra& spectra = templates.spectra;
    // Every row of T as a library of one node, seen through the slow formula.
    ssp::Library library;
    library.wavelength = spectra.wavelength;
    library.metallicity = {0.01};
    library.age = {1};
    library.flux.resize(library.wavelength.size());
    ssp::NodeWeights weights{.count = 1, .node = {}, .weight = {1.0F}};
    Dense out;
    out.value.assign(static_cast<std::size_t>(n_spaxel),
                     std::vector<double>(static_cast<std::size_t>(templates.pixels.size()), 0.0));
    out.absolute = out.value;
    std::vector<std::vector<double>> seen(static_cast<std::size_t>(templates.grid.n * spectra.n_column));
    for (const RowList& list : lists) {
        for (std::size_t e = 0; e < list.key.size(); ++e) {
            std::vector<double>& row = seen[list.key[e]];
            if (row.empty()) {
                const auto column = static_cast<std::size_t>(list.key[e] % spectra.n_column);
                for (std::size_t p = 0; p < library.flux.size(); ++p) {
                    library.flux[p] = spectra.light[p * static_cast<std::size_t>(spectra.n_column) + column];
                }
                const std::int64_t shift = templates.grid.first + list.key[e] / spectra.n_column;
                row = direct_spectrum(library, weights, 1,
                                      templates.at_rest * std::exp(static_cast<double>(shift) * templates.grid.step),
                                      templates.pixels);
            }
            auto& value = out.value[static_cast<std::size_t>(list.spaxel)];
            auto& absolute = out.absolute[static_cast<std::size_t>(list.spaxel)];
            for (std::size_t k = 0; k < row.size(); ++k) {
                value[k] += static_cast<double>(list.weight[e]) * row[k];
                absolute[k] += std::abs(static_cast<double>(list.weight[e])) * row[k];
            }
        }
    }
    return out;
}

/// cube += W · T, the pixels cut into blocks, each of them made of `n_piece` pieces.
void multiply_rows(const std::vector<RowList>& lists, const RowTemplates& templates, double cost_of_single,
                   const device::Host& where, PartialCube& cube, int n_piece = 1, int n_block = 1) {
    const RowProduct product(std::vector<RowList>(lists), templates, cost_of_single, where);
    const CubeBlocks blocks{
        .n_spaxel = cube.n_spaxel(), .n_wave = cube.n_wave(), .n_rank = n_piece, .n_wave_block = n_block};
    for (int b = 0; b < n_block; ++b) {
        const WaveBlock waves = blocks.waves(b);
        std::vector<float> flux(static_cast<std::size_t>(cube.n_spaxel() * waves.size()), 0.0F);
        const BlockView view{flux.data(), cube.n_spaxel(), &waves};
        product.add_to(view, where);
        for (std::int64_t s = 0; s < cube.n_spaxel(); ++s) {
            for (std::size_t p = 0; p < waves.pieces.size(); ++p) {
                for (std::int64_t k = 0; k < waves.pieces[p].count; ++k) {
                    cube.flux()(s, waves.pieces[p].first + k) += view.row(p, s)[k];
                }
            }
        }
    }
}

void expect_product(const std::vector<RowList>& lists, const RowTemplates& templates, std::int64_t n_spaxel) {
    const Dense truth = dense_product(lists, templates, n_spaxel);
    for (const int threads : {1, 3}) {
        for (const double cost_of_single : {0.1, 1.0, 8.0}) { // all alone, even, all together
            PartialCube cube(n_spaxel, templates.pixels.size());
            std::fill_n(cube.flux().data(), n_spaxel * templates.pixels.size(), 0.5F); // added to what is there
            multiply_rows(lists, templates, cost_of_single, {threads}, cube);
            for (std::int64_t s = 0; s < n_spaxel; ++s) {
                for (std::int64_t k = 0; k < templates.pixels.size(); ++k) {
                    const auto i = static_cast<std::size_t>(s);
                    const auto j = static_cast<std::size_t>(k);
                    // Float: bands, templates and weights each round once; sums of n terms like the root of n, here up to a few thousand.
                    ASSERT_NEAR(cube.flux()(s, k), 0.5 + truth.value[i][j], 1e-6 * (0.5 + truth.absolute[i][j]))
                        << "spaxel " << s << " pixel " << k << " threads " << threads << " cost " << cost_of_single;
                }
            }
        }
    }
}

const WavelengthGrid& ragged_pixels() {
    static const WavelengthGrid pixels = make_linear_wavelengths(4900, 5200, 1.25); // 240: two blocks, one not full
    return pixels;
}

TEST(RowProduct, OfManyWeightsIsTheDenseProduct) {
    const Spectra spectra = random_spectra(60);
    const RowTemplates templates{spectra, {2e-4, -7, 40}, ragged_pixels(), at_rest};
    std::vector<RowList> lists;
    for (std::int64_t s = 0; s < 13; ++s) { lists.push_back(random_list(s, spectra, s, s + 27, 0.7)); }
    expect_product(lists, templates, 13);
}

TEST(RowProduct, OfFewWeightsIsTheDenseProduct) {
    const Spectra spectra = random_spectra(33); // columns are padded to 48
    const RowTemplates templates{spectra, {1e-4, -200, 400}, ragged_pixels(), at_rest};
    std::vector<RowList> lists;
    for (std::int64_t s = 0; s < 20; ++s) { lists.push_back(random_list(s, spectra, 0, 400, 0.002)); }
    lists.push_back({.spaxel = 20, .key = {5}, .weight = {2.5F}}); // one weight
    lists.push_back({.spaxel = 21, .key = {}, .weight = {}});      // none
    expect_product(lists, templates, 23);                          // spaxel 22 has no list
}

TEST(RowProduct, OfOneSpaxelIsTheDenseProduct) {
    const Spectra spectra = random_spectra(16);
    const RowTemplates templates{spectra, {3e-4, 0, 9}, ragged_pixels(), at_rest};
    expect_product({random_list(0, spectra, 0, 9, 1.0)}, templates, 1);
}

TEST(RowProduct, OfWideAndNarrowListsTogetherIsTheDenseProduct) {
    const Spectra spectra = random_spectra(20);
    const RowTemplates templates{spectra, {2e-4, -50, 100}, ragged_pixels(), at_rest};
    std::vector<RowList> lists;
    for (std::int64_t s = 0; s < 17; ++s) {
        const bool wide = s % 3 == 0;
        lists.push_back(
            random_list(16 - s, spectra, wide ? 0 : 5 * s, wide ? 100 : 5 * s + 8, wide ? 0.3 : 0.9)); // unordered
    }
    expect_product(lists, templates, 17);
}

TEST(RowProduct, OfEveryNumberOfPixelsIsTheDenseProduct) {
    const Spectra spectra = random_spectra(10);
    for (const std::int64_t n : {1, 2, 127, 128, 129, 257}) {
        const WavelengthGrid pixels = make_linear_wavelengths(4900, 4900 + static_cast<double>(n) - 0.5, 1);
        ASSERT_EQ(pixels.size(), n);
        const RowTemplates templates{spectra, {2e-4, -3, 6}, pixels, at_rest};
        std::vector<RowList> lists;
        for (std::int64_t s = 0; s < 7; ++s) { lists.push_back(random_list(s, spectra, 0, 6, 0.8)); }
        expect_product(lists, templates, 7);
    }
}

TEST(RowProduct, OfNothingLeavesTheCube) {
    const Spectra spectra = random_spectra(10);
    PartialCube cube(2, ragged_pixels().size());
    multiply_rows({}, {spectra, {1e-4, 0, 4}, ragged_pixels(), at_rest}, 2, {1}, cube);
    EXPECT_EQ(cube.flux()(1, 100), 0.0F);
}

TEST(RowProduct, ThreadsDoNotChangeABit) {
    const Spectra spectra = random_spectra(60);
    const RowTemplates templates{spectra, {2e-4, 0, 40}, ragged_pixels(), at_rest};
    std::vector<RowList> lists;
    for (std::int64_t s = 0; s < 40; ++s) { lists.push_back(random_list(s, spectra, s / 2, s / 2 + 20, 0.4)); }
    PartialCube one(40, ragged_pixels().size());
    PartialCube five(40, ragged_pixels().size());
    multiply_rows(lists, templates, 2, {1}, one);
    multiply_rows(lists, templates, 2, {5}, five);
    for (std::int64_t i = 0; i < 40 * ragged_pixels().size(); ++i) {
        ASSERT_EQ(one.flux().data()[i], five.flux().data()[i]);
    }
}

TEST(RowProduct, BlocksAndPiecesDoNotChangeABit) {
    const Spectra spectra = random_spectra(60);
    const RowTemplates templates{spectra, {2e-4, 0, 40}, ragged_pixels(), at_rest};
    std::vector<RowList> lists;
    for (std::int64_t s = 0; s < 40; ++s) { lists.push_back(random_list(s, spectra, s / 2, s / 2 + 20, 0.4)); }
    PartialCube one(40, ragged_pixels().size());
    multiply_rows(lists, templates, 2, {1}, one);
    for (const auto& [n_piece, n_block] : {std::pair{1, 2}, {2, 1}, {3, 5}, {16, 4}, {300, 2}}) {
        PartialCube cut(40, ragged_pixels().size());
        multiply_rows(lists, templates, 2, {3}, cut, n_piece, n_block);
        for (std::int64_t i = 0; i < 40 * ragged_pixels().size(); ++i) {
            ASSERT_EQ(one.flux().data()[i], cut.flux().data()[i]) << n_piece << " pieces, " << n_block << " blocks";
        }
    }
}

} // namespace
} // namespace tessera
