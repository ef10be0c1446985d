#pragma once

#include <array>
#include <functional>

#include "synthesis/row_weights.hpp"
#include "synthesis/spectra.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tessera/cube/cube_blocks.hpp"

namespace tessera {

/// What is the same for all rows of one kind: their templates, and the pixels they are seen in.
struct RowTemplates {
    const Spectra& spectra;
    VelocityGrid grid;
    const WavelengthGrid& pixels;
    double at_rest; ///< Doppler factor of row 0: 1 + redshift
};

/// Spaxels that are multiplied together: one, or up to six. Keys ascend in a panel and name its rows; weights are [key, width].
struct SpaxelGroup {
    std::int64_t width;                            ///< 1 or tile_spaxels
    std::array<std::int64_t, tile_spaxels> spaxel; ///< -1: none
    std::vector<std::uint32_t> key;
    std::vector<float> weight;
};

/// Weights of a group that go with one panel.
struct PanelSegment {
    std::int32_t group;
    std::int64_t first, end;
};

/// The Doppler rows that any weight needs, a panel of them after the other.
struct RowPanels {
    std::vector<std::int64_t> rows;                  ///< used ones, ascending, relative to the grid's first
    std::vector<std::int64_t> start{0};              ///< [panel + 1] into rows
    std::vector<std::int64_t> slot;                  ///< [row] its place in `rows`; -1: unused
    std::vector<std::vector<PanelSegment>> segments; ///< [panel]
    std::int64_t size() const { return static_cast<std::int64_t>(start.size()) - 1; }
};

/// W of some spaxels, ready for its product with the templates of any pixels.
/// Templates are made a panel at a time, for 128 pixels and as many Doppler rows as stay in the level-2 cache, and used by all
/// spaxels before the next. Spaxels with much the same rows are multiplied six at a time, the others one by one, whichever is
/// cheaper (TileKernels::cost_of_single). The order of summation depends neither on threads nor on how the pixels are cut into blocks.
class RowProduct {
public:
    /// @param lists  their `spaxel` is the row of the block that they are added to
    RowProduct(std::vector<RowList>&& lists, const RowTemplates& templates, double cost_of_single,
               const device::Host& where);
    /// block[spaxel, pixel] += sum over the spaxel's weights of weight · (template seen in the pixel): W · T, R included.
    /// @param meanwhile  called by the calling thread after each panel, every millisecond or so
    /// @par Cost  weights · pixels multiply-adds, and rows · columns · pixels · (points a pixel) once for the panels
    void add_to(const BlockView& block, const device::Host& where, const std::function<void()>& meanwhile = {}) const;

private:
    struct Task;
    void work(const Task& task, const BlockView& block, const std::function<void()>& meanwhile) const;
    void fill(const Task& task, std::int64_t panel, AlignedFloats& templates) const;
    void multiply(const Task& task, const PanelSegment& segment, const float* templates, const BlockView& block) const;

    RowTemplates templates_;
    std::vector<SpaxelGroup> groups_;
    RowPanels panels_;
};

} // namespace tessera
