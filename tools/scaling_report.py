#!/usr/bin/env python3
"""Merges studies of `tessera scaling` into one Markdown page.

  tools/scaling_report.py study.json [more.json ...] [-o page.md]

Studies of the same kind, galaxy, threads and configuration become one table, though they were made by several jobs: the
efficiency is then against the smallest number of ranks of them all. Needs Python 3.8 and nothing else.
Exit status: 0 written, 2 a file that is not a study.
"""
import argparse
import json
import os
import statistics
import sys


def fail(message):
    print("scaling_report: " + message, file=sys.stderr)
    raise SystemExit(2)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            study = json.load(file)
        if study["schema"] != 1:
            raise ValueError("schema %r, not 1" % study["schema"])
        for key in ("kind", "points", "place", "galaxy", "limiting_stage", "runs"):
            study[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail("%s: not a study of `tessera scaling strong|weak`: %s" % (path, error))
    study["path"] = path
    return study


def group_key(study):
    return (study["kind"], study["galaxy"], study["place"]["threads_a_rank"], study["config"])


def cell(text):
    return str(text).replace("|", "\\|")


def row(*cells):
    return "| " + " | ".join(cell(c) for c in cells) + " |\n"


def header(*cells):
    return row(*cells) + "|" + "---|" * len(cells) + "\n"


def efficiency(kind, base, point):
    ratio = base["seconds"]["median"] / point["seconds"]["median"]
    return ratio if kind == "weak" else ratio * base["ranks"] / point["ranks"]


def allowed(study, point, base):
    """What runs side by side, which exchange nothing, reach on so many ranks: against one rank in their own study."""
    pairs = [p for p in study.get("side_by_side", []) if p["ranks"] == point["ranks"]]
    if not pairs or base["ranks"] != 1:
        return ""
    return "%.2f" % (statistics.median(p["seconds_alone"] for p in pairs)
                     / statistics.median(p["seconds_at_once"] for p in pairs))


def bytes_sent(stage):
    return sum(stage["bytes_max"].values())


def points_table(studies):
    """Every reduction on every number of ranks, of all jobs."""
    kind = studies[0]["kind"]
    points = [(p["reduction"], p["ranks"], i, p) for i, s in enumerate(studies) for p in s["points"]]
    points.sort(key=lambda item: item[:3])
    base = {}
    for reduction, _, _, point in points:
        base.setdefault(reduction, point)
    text = header("reduction", "ranks", "nodes", "median s", "min to max s", "efficiency", "allowed",
                  "limits: longest stage", "MB sent a rank", "study")
    for reduction, ranks, i, point in points:
        stages = [s for s in point["stages"] if "/" not in s["stage"] and s["stage"] != "total"]
        longest = max(stages, key=lambda s: s["mean_over_ranks"])
        whole = [s for s in point["stages"] if s["stage"] == "total"][0]
        seconds = point["seconds"]
        text += row(reduction, ranks, point["nodes"], "%.4g" % seconds["median"],
                    "%.4g to %.4g" % (seconds["min"], seconds["max"]),
                    "%.2f" % efficiency(kind, base[reduction], point), allowed(studies[i], point, base[reduction]),
                    "%s, %.4g s" % (longest["stage"], longest["mean_over_ranks"]),
                    "%.3f" % (bytes_sent(whole) * 1e-6), i + 1)
    return text


def stages_table(studies):
    """The stages of the fastest reduction on the most ranks."""
    most = max(p["ranks"] for s in studies for p in s["points"])
    last = min((p for s in studies for p in s["points"] if p["ranks"] == most), key=lambda p: p["seconds"]["median"])
    text = "\nStages of %s on %d ranks:\n\n" % (last["reduction"], most)
    text += header("stage", "mean s", "slowest s", "imbalance", "in collectives s", "MB sent a rank")
    for stage in last["stages"]:
        text += row(stage["stage"], "%.4g" % stage["mean_over_ranks"], "%.4g" % stage["seconds"]["median"],
                    "%.2f" % stage["imbalance"], "%.4g" % stage["waiting_mean"], "%.3f" % (bytes_sent(stage) * 1e-6))
    return text


def section(studies, folder):
    first = studies[0]
    text = "\n## %s scaling: %s\n\n" % (first["kind"].capitalize(), first["galaxy"])
    for i, study in enumerate(studies):
        place = study["place"]
        text += "%d. `%s`: %s, %s; %d threads a rank, %d repeats, device %s\n" % (
            i + 1, os.path.basename(study["path"]), study["date"], place["processor"], place["threads_a_rank"],
            study["repeats"], place["device"])
    text += "\n" + points_table(studies) + stages_table(studies) + "\n"
    for i, study in enumerate(studies):
        text += "%d. %s\n" % (i + 1, study["limiting_stage"])
        figure = os.path.splitext(study["path"])[0] + ".svg"
        if os.path.exists(figure):
            text += "\n   ![study %d](%s)\n\n" % (i + 1, os.path.relpath(figure, folder).replace(" ", "%20"))
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="+", metavar="study.json")
    parser.add_argument("-o", "--output", metavar="page.md", help="file to write [standard output]")
    given = parser.parse_args()
    studies = [read(path) for path in given.studies]
    folder = os.path.dirname(os.path.abspath(given.output)) if given.output else os.getcwd()
    groups = {}
    for study in studies:
        groups.setdefault(group_key(study), []).append(study)
    versions = sorted({study["version"] for study in studies})
    text = "# Scaling studies\n\n%d studies; %s.\n" % (len(studies), ", ".join(versions))
    if len(versions) > 1:
        text += "\n**Made by more than one version of the program.**\n"
    for group in groups.values():
        text += section(group, folder)
    published = studies[0].get("published", [])
    if published:
        text += "\nFor 6·10⁶ stars and a MUSE cube the literature gives " + " and ".join(
            "%.4g s (%s)" % (p["seconds"], p["what"]) for p in published) + ": %s.\n" % published[0]["caveat"]
    if given.output:
        with open(given.output, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
