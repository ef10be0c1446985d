"""Results as markdown tables and figures. Nothing is measured here: `tools/benchmark.py --redraw results.json` does it again."""

import math

COLOURS = {"auto": "#000000", "exact": "#0072b2", "binned": "#d55e00", "compressed": "#009e73", "RUBIX": "#cc79a7"}
MARKERS = {"auto": "x", "exact": "o", "binned": "s", "compressed": "D", "RUBIX": "v"}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def number(value, digits=3):
    """Three significant digits without an exponent where that is short."""
    if value is None:
        return ""
    if value == 0 or not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def power(n):
    """10^n as 10ⁿ, other numbers with thin separation."""
    exponent = math.log10(n)
    if abs(exponent - round(exponent)) < 1e-9:
        return "10" + str(round(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{n:,}".replace(",", " ")


def both(value, scale=1):
    return f"{number(value['median'] * scale)} ({number(value['min'] * scale)})"


def head_lines(result):
    m = result["machine"]
    caches = ", ".join(f"{name} {size}" for name, size in m["caches"].items())
    memory = f"{m['memory_bytes'] / 2**30:.0f} GiB" if m["memory_bytes"] else "unknown"
    lines = [f"{result['date']}, {result['version'][0]}, sources at {result['revision'][:12] or 'no git revision'}.",
             f"{m['cpu']}, {m['cores_allowed']} of {m['cores']} cores, {', '.join(m['vector']) or 'no AVX2'}; {caches}; memory {memory}; "
             f"{m['system']}.", f"Load before the start: {m['load_average'][0]:.2f}."]
    if result["launcher"]:
        lines.append(f"Launched by `{' '.join(result['launcher'])}`: CPU time and memory are then those that the launcher reports.")
    return lines


def sweep_tables(entries):
    """A table a sweep: median, and the minimum in brackets."""
    from .sweeps import SWEEPS

    out = []
    for sweep, meaning in SWEEPS.items():
        found = [entry for entry in entries if entry["sweep"] == sweep]
        if not found:
            continue
        n_star = {entry["stars"] for entry in found}
        title = f"### {meaning[0].upper()}{meaning[1:]}" + (f" ({power(n_star.pop())} stars)" if len(n_star) == 1 else "")
        rows = []
        for entry in found:
            facts = entry["provenance"]
            label = power(entry["stars"]) if sweep == "stars" else entry["label"]
            rows.append([label, entry["method"] + (f" ({facts['method']})" if facts["method"] != entry["method"] else ""),
                         both(entry["wall_s"]), both(entry["cpu_s"]), both(entry["stages"]["all"]), both(entry["stages"]["synthesis"]),
                         number(entry["peak_rss_bytes"]["median"] / 2**20), number(facts.get("error_rms")),
                         number(facts.get("error_max")), entry["n"], f"{100 * entry['others']:.0f}"])
        head = [sweep, "method", "wall, s", "CPU, s", "all stages, s", "synthesis, s", "peak memory, MiB", "error rms", "error max",
                "runs", "others, %"]
        out.append(title + "\n\n" + table(head, rows))
    return out


def rubix_tables(rubix):
    rows, calls = [], []
    for entry in rubix["pairs"]:
        r = entry["rubix"]
        label = [power(entry["stars"]), entry["interpolation"]]
        calls.append(label + [number(r["import_s"] + r["prepare_s"]), number(r["first"]["min"]), number(r["again"]["min"]),
                              both(r["compiled"]), number(1e3 * r["compiled"]["min"] / entry["stars"]),
                              number(r["peak_rss_bytes"] / 2**20), number(entry["largest_difference"]),
                              f"{100 * r['compiled']['others']:.0f}"])
        for ours in entry["tessera"]:
            rows.append(label + [ours["method"] + (", preset rubix" if ours["preset"] == "rubix" else ""), both(ours["wall_s"]),
                                 both(ours["stages"]["all"]), number(ours["ratio_first_call"]), number(ours["ratio_process"]),
                                 number(ours["ratio_stages"]), f"{100 * ours['others']:.0f}"])
    slopes = [[s["interpolation"], f"{power(s['from'])} to {power(s['to'])}",
               s["method"] + (", preset rubix" if s["preset"] == "rubix" else ""), number(s["rubix_ms"]), number(s["tessera_ms"]),
               number(s["ratio"])] for s in rubix["per_star"]]
    head = ["stars", "look-up", "import and read, s", "first call, s", "second call, s", "compiled call, s", "compiled, ms a star",
            "peak memory, MiB", "largest difference to tessera, preset rubix", "others, %"]
    out = ["### RUBIX\n\n" + table(head, calls),
           "### tessera, and RUBIX's time over tessera's\n\n" +
           table(["stars", "look-up", "method", "process, s", "all stages, s", "first call / process", "compiled call / process",
                  "compiled call / all stages", "others, %"], rows)]
    if slopes:
        out.append("### A further star\n\n" + table(["look-up", "between stars", "method", "RUBIX, ms", "tessera synthesis, ms",
                                                     "ratio"], slopes))
    return out


def public_table(results):
    rows = [[entry["name"], entry["particles"], entry["method"], both(entry["wall_s"]), both(entry["cpu_s"]),
             number(entry["peak_rss_bytes"]["median"] / 2**20), number(entry["stars"] / entry["wall_s"]["min"] / 1e6),
             *(number(entry["deviations"][name]) for name in ("bands", "pixels", "blocks")),
             "passed" if entry["passed"] else "FAILED", f"{100 * entry['others']:.0f}"] for entry in results]
    return "### Public set\n\n" + table(["stars", "particles", "method", "wall, s", "CPU, s", "peak memory, MiB", "Mstars/s",
                                         "bands", "pixels", "blocks", "light", "others, %"], rows)


def markdown(result):
    """All tables of a result."""
    parts = ["\n".join(head_lines(result)),
             "Median, and the minimum in brackets. Runs during which other processes took more than 5 % of the machine are left out "
             "where there are others; `others` is the largest share among those that count."]
    parts += sweep_tables(result.get("sweeps", []))
    if "rubix" in result:
        parts += rubix_tables(result["rubix"])
    if "public" in result:
        parts.append(public_table(result["public"]))
    return "\n\n".join(parts) + "\n"


def curve(axes, method, x, y, **more):
    more.setdefault("ls", "--" if method == "auto" else "-")
    axes.plot(x, y, color=COLOURS.get(method, "#777777"), marker=MARKERS.get(method, "."), ms=5, lw=1.3, label=method, **more)


def methods_of(entries):
    return list(dict.fromkeys(entry["method"] for entry in entries))


def save(figure, path):
    for axes in figure.axes:
        axes.grid(True, which="major", lw=0.4, alpha=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    return path


def figures(result, folder):
    """SVG figures of whatever the result holds; their paths."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "tessera", "font.family": "sans-serif",
                         "legend.frameon": False, "figure.constrained_layout.use": True})
    entries, out = result.get("sweeps", []), []

    def of(sweep):
        return [entry for entry in entries if entry["sweep"] == sweep]

    if of("stars"):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharex=True)
        for ax, value, title in ((axes[0], lambda e: e["wall_s"]["min"], "whole process, s"),
                                 (axes[1], lambda e: e["stages"]["synthesis"]["min"], "synthesis, s")):
            for method in methods_of(of("stars")):
                found = [entry for entry in of("stars") if entry["method"] == method]
                curve(ax, method, [entry["stars"] for entry in found], [value(entry) for entry in found])
            ax.set(xscale="log", yscale="log", xlabel="stars", title=title)
        linear = [entry for entry in result.get("rubix", {}).get("pairs", []) if entry["interpolation"] == "linear"]
        if linear:
            curve(axes[0], "RUBIX", [e["stars"] for e in linear], [e["rubix"]["first"]["min"] for e in linear], ls=":")
            axes[0].lines[-1].set_label("RUBIX, first call")
            curve(axes[0], "RUBIX", [e["stars"] for e in linear], [e["rubix"]["compiled"]["min"] for e in linear])
            axes[0].lines[-1].set_label("RUBIX, compiled call")
        axes[0].legend(fontsize=8)
        out.append(save(figure, folder / "benchmark_stars.svg"))
        plt.close(figure)
    if of("tolerance"):
        figure, ax = plt.subplots(figsize=(4.6, 3.4))
        for method in methods_of(of("tolerance")):
            found = [entry for entry in of("tolerance") if entry["method"] == method]
            curve(ax, method, [entry["stages"]["synthesis"]["min"] for entry in found],
                  [entry["provenance"]["error_rms"] for entry in found])
            for entry in found:
                ax.annotate(f"{entry['tolerance']:g}", (entry["stages"]["synthesis"]["min"], entry["provenance"]["error_rms"]),
                            textcoords="offset points", xytext=(5, 3), fontsize=7)
        ax.set(xscale="log", yscale="log", xlabel=f"synthesis of {power(of('tolerance')[0]['stars'])} stars, s",
               ylabel="measured rms error")
        ax.legend(fontsize=8)
        out.append(save(figure, folder / "benchmark_error.svg"))
        plt.close(figure)
    if of("wavelengths") and of("spaxels"):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
        for ax, sweep, title in ((axes[0], "wavelengths", "wavelength pixels"), (axes[1], "spaxels", "spaxels")):
            for method in methods_of(of(sweep)):
                found = [entry for entry in of(sweep) if entry["method"] == method]
                curve(ax, method, [entry[sweep] for entry in found], [entry["stages"]["all"]["min"] for entry in found])
            ax.set(xlabel=title, ylabel="all stages, s", ylim=(0, None))
        axes[0].legend(fontsize=8)
        out.append(save(figure, folder / "benchmark_cube.svg"))
        plt.close(figure)
    return out
