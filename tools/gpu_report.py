#!/usr/bin/env python3
"""Writes the section about the GPU of docs/performance.md, between its two markers.

    tools/gpu_report.py                       no GPU was at hand: says so, and gives the model's prediction alone
    tools/gpu_report.py gpu_report.json       what tools/gpu_check.sh measured, and the prediction beside it
    tools/gpu_report.py --check               exit status 1 if the page is not what this script writes without a report

The prediction is counted by `tessera_gpu_bench --model -o docs/benchmark/gpu_model.json` (--model FILE takes another), the page is
docs/performance.md (--page FILE). Exit status: 0 written, 1 a file is not as expected, 2 wrong arguments.
"""

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- gpu: written by tools/gpu_report.py -->", "<!-- gpu: end -->"
RESIDENT = ("synthesis", "reduce", "psf, lsf, noise")  # stages between the stars on the GPU and the slab there


def number(value, digits=3):
    if value is None:
        return "-"
    return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def power(n):
    exponent = len(str(n)) - 1
    lead = n / 10**exponent
    superscript = str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{superscript}" if lead == 1 else f"{lead:g}·10{superscript}"


def is_link(kernel):
    return kernel["name"] in ("copy to the device", "copy to the host")


def of(result, method, links=False):
    """Kernels between the stars on the GPU and the finished slab there, by falling limit."""
    found = [k for k in result["kernels"] if k["method"] == method and k["stage"] in RESIDENT and is_link(k) == links]
    return sorted(found, key=lambda k: -k["limit_s"])


def predicted(model, method):
    return sum(k["limit_s"] for k in of(model, method)) + sum(k["limit_s"] for k in of(model, method, links=True)
                                                              if k["stage"] != "psf, lsf, noise")


def prediction(model):
    rates = model["rates"]
    parts = ["### Prediction, not measured",
             f"{power(model['galaxy'][0]['stars'])} stars, MUSE, 25 × 25 spaxels, stars on the GPU already, from synthesis to the "
             f"noisy slab there. The sizes are those of a run on the emulation (`tessera_gpu_bench --model`, {model['ssp']}): every operation's bytes (each array once), "
             "bytes from the level-2 cache, multiply-adds and shared additions are counted, and each takes as long as the slowest of these on "
             f"a device of {rates['bytes'] / 1e12:g} TB/s, {2e-12 * rates['multiply_adds']:g} TFLOP/s in single and {2e-12 * rates['doubles']:g} in double "
             f"precision, {rates['cache_bytes'] / 1e12:g} TB/s from the cache, {rates['shared_adds'] / 1e9:g}·10⁹ shared additions a second, "
             f"{1e6 * rates['launch_s']:g} µs a launch at least. No kernel reaches its limit: 60 % of it is the aim, so the time to expect is "
             "the last line's."]
    for galaxy in model["galaxy"]:
        method = galaxy["method"]
        kernels, rows = of(model, method), []
        total = sum(k["limit_s"] for k in kernels)
        shown = [k for k in kernels if k["limit_s"] > 0.015 * total]
        for k in shown:
            work = k["work"]
            rows.append([f"{k['stage']}: {k['name'].split('/')[-1].replace('_', ' ')}", k["calls"], number(work["bytes"] / 1e9),
                         number(work["cache_bytes"] / 1e9), number((work["multiply_adds"] + work["doubles"]) / 1e9),
                         number(1e3 * k["limit_s"]), k["limited_by"]])
        rest = [k for k in kernels if k not in shown]
        links = [k for k in of(model, method, links=True) if k["stage"] != "psf, lsf, noise"]
        for name, group in (("everything else", rest), ("lists to and from the host", links)):
            rows.append([name, sum(k["calls"] for k in group), number(sum(k["work"]["bytes"] for k in group) / 1e9), "", "",
                         number(1e3 * sum(k["limit_s"] for k in group)), ""])
        whole = predicted(model, method)
        rows.append(["**at the limits**", "", "", "", "", f"**{number(1e3 * whole)}**", ""])
        rows.append(["**at 60 % of them**", "", "", "", "", f"**{number(1e3 * whole / 0.6)}**", ""])
        parts.append(f"`{method}` ({galaxy['median']['chosen']}):\n\n" +
                     table(["what", "calls", "GB", "GB from the cache", "10⁹ multiply-adds", "least time, ms", "limit"], rows))
        spaxels = [k for k in model["kernels"] if k["method"] == method and k["stage"] == "spaxels"]
        up = sum(k["work"]["bytes"] for k in spaxels if k["name"] == "copy to the device")
        down = sum(k["work"]["bytes"] for k in model["kernels"]
                   if k["method"] == method and k["stage"] == "psf, lsf, noise" and k["name"] == "copy to the host")
        parts.append(f"Before and after it: {number(up / 1e6)} MB of stars go up ({number(1e3 * up / rates['host_bytes'])} ms at "
                     f"{rates['host_bytes'] / 1e9:g} GB/s), order and spaxels {number(1e3 * sum(k['limit_s'] for k in spaxels if not is_link(k)))} ms "
                     f"beside that; {number(down / 1e6)} MB come down ({number(1e3 * down / rates['host_bytes'])} ms).")
    parts.append("Not in it: what the host decides while the GPU waits, first of all steps and bases (`synthesis/settings` of `--timings`: 0.05 s at best on the "
                 "two cores that counted this, for `exact` and `auto` alike; more cores share it). Time between marks will be longer than the sum of "
                 "kernels by that, and on few cores may be more than all of them.")
    parts.append("**What would falsify it.** A sum of kernels (`kernels_s` of the report) above the last line; a product below 60 % of SGEMM in the "
                 "same run; `deposit_star` slower than its shared additions, which would mean that stars of one spaxel get into each other's way; "
                 "`add_listed` below the cache's rate, which would mean that panels do not stay in it; time between marks much above the sum of kernels: "
                 "then launches and the host limit, not the GPU; `survey_chunk` far above its limit: its threads read stars that lie 64 apart.")
    return parts


def measured(report, model):
    result = report["benchmark"]
    roofs, parts = result["roofs"], []
    red = [step["name"] for step in report["steps"] if step["state"] == "red"]
    parts.append(f"{result['device']['name']}, {report['cores']} cores of {report['cpu']}, {report['date'][:10]}, {report['version']}; "
                 f"`tools/gpu_check.sh` took {report['seconds']} s, " + ("all green." if not red else f"red: {', '.join(red)}."))
    parts.append(f"Roofs in the same run: copy {number(roofs['copy_gb_s'])} GB/s, from the host {number(roofs['up_gb_s'])} and back "
                 f"{number(roofs['down_gb_s'])} GB/s (pinned), SGEMM {number(roofs['sgemm_tflop_s'])} TFLOP/s (8192³), "
                 f"{number(roofs['sgemm_of_synthesis_tflop_s'])} in the shape of synthesis (3721 × 961 × 2048).")
    rows = []
    for galaxy in result["galaxy"]:
        run = galaxy["median"]
        guess = predicted(model, galaxy["method"]) / 0.6 if model and galaxy["stars"] == model["galaxy"][0]["stars"] else None
        stages = run["stages_s"]
        rows.append([galaxy["method"], *(number(1e3 * stages[name]) if name in stages else "-" for name in
                                         ("spaxels", "synthesis", "reduce", "psf", "lsf", "noise", "download")),
                     f"**{number(1e3 * run['resident_s'])}**", number(1e3 * galaxy["kernels_s"]),
                     number(1e3 * guess) if guess else "-", number(1e3 * run["parts_s"].get("settings", 0)), number(1e3 * run["wall_s"]), number(1e3 * galaxy["up_s"]),
                     number(1e3 * galaxy["down_s"])])
    parts.append(f"{power(result['galaxy'][0]['stars'])} stars, MUSE, ms between marks of the compute queue, median of {result['galaxy'][0]['runs']} runs; "
                 "`resident` is synthesis to noise, with the GPU's waiting for the host; `kernels` the sum of its kernels; `settings` the host's steps and bases, within it; `wall` from stars in the "
                 "host's memory to the cube there:\n\n" +
                 table(["method", "spaxels", "synthesis", "reduce", "psf", "lsf", "noise", "download", "resident", "kernels", "predicted", "settings", "wall",
                        "copies up", "copies down"], rows))
    rows = []
    for galaxy in result["galaxy"]:
        kernels = sorted((k for k in result["kernels"] if k["method"] == galaxy["method"] and not is_link(k)), key=lambda k: -k["seconds"])
        for k in kernels[:8]:
            work, seconds = k["work"], k["seconds"]
            rows.append([galaxy["method"], k["name"], k["calls"], number(1e3 * seconds), number(work["bytes"] / seconds / 1e9),
                         number(2e-9 * work["multiply_adds"] / seconds), f"{100 * k['of_copy']:.0f}", f"{100 * k['of_product']:.0f}"])
    parts.append("The heaviest kernels beside the roofs:\n\n" + table(
        ["method", "kernel", "calls", "ms", "GB/s", "GFLOP/s", "% of copy", "% of SGEMM"], rows))
    rows = [[power(e["stars"]), e["method"], number(1e3 * e["median"]["resident_s"]), number(1e3 * e["median"]["wall_s"])] for e in result.get("stars", [])]
    if rows:
        parts.append("Numbers of stars, ms:\n\n" + table(["stars", "method", "resident", "wall"], rows))
    rows = [[e["telescope"], e["method"], number(e["galaxies_a_second"]), number(1e3 * e["median"]["wall_s"]),
             number(e["median"]["down_bytes"] / 1e6)] for e in result.get("many", [])]
    if rows:
        parts.append(f"Galaxies of {power(result['many'][0]['stars'])} stars one after the other, memory to memory:\n\n" +
                     table(["telescope", "method", "galaxies a second", "ms each", "MB down"], rows))
    return parts


def section(report, model):
    parts = []
    if report is None:
        parts.append("**No GPU was at hand**: no figure of this section is measured. What runs on one is compiled for it, and tested on an emulation "
                     "of the GPU's queues and memory. `tools/gpu_check.sh` measures it where there is one.")
    else:
        parts += measured(report, model)
    if model is not None:
        parts += prediction(model)
    return "\n\n".join(parts)


def read(path):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"gpu_report: {path}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", nargs="?", help="what tools/gpu_check.sh wrote")
    parser.add_argument("--model", default=ROOT / "docs/benchmark/gpu_model.json")
    parser.add_argument("--page", default=ROOT / "docs/performance.md", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    report = read(options.report) if options.report else None
    if report is not None and not report.get("benchmark"):
        sys.exit(f"gpu_report: {options.report} holds no benchmark: its step is {[s for s in report['steps'] if s['name'] == 'benchmark']}")
    model = read(options.model) if pathlib.Path(options.model).exists() else None
    page = options.page.read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"gpu_report: {options.page} has no section between '{BEGIN}' and '{END}'")
    before, after = page[:page.index(BEGIN)], page[page.index(END):]
    made = f"{before}{BEGIN}\n\n{section(report, model)}\n\n{after}"
    if options.check:
        sys.exit(0 if made == page else f"gpu_report: {options.page} is not what this script writes")
    options.page.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
