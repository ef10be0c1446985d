#!/usr/bin/env python3
"""Measures tessera: whole runs of `tessera cube`, in turns, with median and minimum; RUBIX beside it; the public benchmark set.

    tools/benchmark.py --quick                 a minute: 10^3 to 10^5 stars, look-up, tolerance
    tools/benchmark.py -o results              every sweep, 10^3 to 10^7 stars, every method of this build
    tools/benchmark.py --sweeps none --rubix   RUBIX and tessera in turns on the same stars and library
    tools/benchmark.py --public --largest 1e6  the public set: checksums, expected light, a table to send

Needs numpy, h5py and matplotlib: --install makes an environment for them in build/python-benchmark. How to read the results:
docs/benchmark.md. Exit status: 0 done, 1 a run or a check failed, 2 an argument is wrong, 77 packages are missing.

results.json: {schema: 1, date (UTC), version [lines of tessera --version], revision (of the sources), launcher [words], machine {cpu,
cores, cores_allowed, vector, caches, memory_bytes, system, python, load_average}, arguments, ssp, sweeps, rubix, public}
  run      {wall_s, cpu_s, peak_rss_bytes, others (share of the machine that other processes took), stages {name: s}}
  summary  {n (runs that count: undisturbed ones, or all), others (largest), wall_s, cpu_s, peak_rss_bytes {median, min}, stages {name
           {median, min}}, "all" being the sum of stages, provenance {method, error_rms, error_max, log_step, n_star, n_in_field,
           n_rank, n_thread, version, shape}}
  sweeps   [{sweep, label, stars, method, tolerance | wavelengths | spaxels | threads | interpolation, ssp, config, ...summary,
           runs [run]}]
  rubix    {pairs [{stars, interpolation, largest_difference (of the cubes, of the maximum), rubix {import_s, prepare_s, first, again,
           compile, compiled {seconds [], min, median, cpu_s_min, others}, peak_rss_bytes, versions, devices}, tessera [{preset, method,
           ...summary, ratio_process, ratio_stages, ratio_first_call}]}], per_star [{interpolation, from, to, preset, method,
           rubix_ms, tessera_ms, ratio}]}
  public   [{name, stars, particles, method, ...summary, deviations, limits {bands, pixels, blocks}, passed}]
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from benchmarks import runs, sweeps  # noqa: E402


def count(text):
    """A number of stars: 100000 or 1e5."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not (value >= 1 and value == int(value) and value <= 1e10):
        raise argparse.ArgumentTypeError(f"found '{text}'; expected a whole number of stars from 1 to 1e10, such as 1e5")
    return int(value)


def counts(text):
    return [count(word) for word in text.split(",")]


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found '{text}'; expected a whole number above 0")
    return int(text)


def command_line():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\nresults.json")[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--program", metavar="FILE", help="tessera to be measured [build/release/bin/tessera, else the one on PATH]")
    add("--launcher", metavar="WORDS", default="", help="before the program, such as 'mpirun -n 4'")
    add("-o", "--output", metavar="FOLDER", default=str(runs.ROOT / "build/benchmark-results"),
        help="for results.json, results.md and figures [build/benchmark-results]")
    add("--inputs", metavar="FOLDER", default=str(runs.ROOT / "build/benchmark"),
        help="galaxies made for the benchmark are kept here, 40 bytes a star [build/benchmark]")
    add("--ssp", metavar="FILE", help="library of the sweeps [bc03_miles_rubix.h5 in $TESSERA_SHARED_DIR/data/ssp, else the built-in "
        "demonstration library]")
    add("--quick", action="store_true", help="fewer sweeps, stars and runs")
    add("--sweeps", metavar="LIST", help="all, none, or some of: " + "; ".join(f"{k}: {v}" for k, v in sweeps.SWEEPS.items()))
    add("--stars", metavar="LIST", type=counts, help="of the sweep over stars, and of --rubix [1e3,1e4,1e5,1e6,1e7; --rubix: 1e3,1e4,1e5]")
    add("--at", metavar="N", type=count, help="stars of the other sweeps [1e6; --quick: 1e5]")
    add("--methods", metavar="LIST", help="words of synthesis.method [all that the program has]")
    add("--repeat", metavar="N", type=positive, help="runs of each case [5; --quick: 2]")
    add("--budget", metavar="SECONDS", type=positive, default=1200, help="a sweep, or a pair with RUBIX, repeats no further after "
        "this [1200]")
    add("--patience", metavar="SECONDS", type=positive, default=0, help="in all, to wait before runs until other processes take less "
        "than 5 %% of the machine [0]")
    add("--rubix", action="store_true", help="RUBIX (PyPI astro-rubix) beside tessera; linear, and cubic up to 1e4 stars")
    add("--rubix-python", metavar="FILE", help="Python that has RUBIX [build/python-rubix/bin/python; tools/python_environment.sh rubix]")
    add("--public", action="store_true", help="the public set instead of the sweeps (give --sweeps to have both)")
    add("--largest", metavar="N", type=count, default=10**6, help="largest galaxy of the public set, up to 1e8 [1e6]")
    add("--make-public", action="store_true", help="compute the expected light of the public set anew, up to --largest (for "
        "developers)")
    add("--redraw", metavar="FILE", help="tables and figures from a results.json; nothing is run")
    add("--install", action="store_true", help="make build/python-benchmark where packages are missing")
    return parser.parse_args()


def use_environment(install):
    """Goes on in an environment that has the packages: this one, or one of those that tools/python_environment.sh makes."""
    def has_packages(python):
        return subprocess.run([python, "-c", "import numpy, h5py, matplotlib"], capture_output=True, check=False).returncode == 0

    if has_packages(sys.executable):
        return
    if os.environ.get("TESSERA_BENCHMARK_PYTHON") == sys.executable:
        raise runs.Failure(f"{sys.executable} lost its packages", 77)
    if install:
        status = subprocess.run([str(runs.ROOT / "tools/python_environment.sh"), "benchmark"], check=False).returncode
        if status != 0:
            raise runs.Failure("tools/python_environment.sh benchmark failed", status)
    folders = [os.environ.get("TESSERA_PYTHON"), runs.ROOT / "build/python-benchmark/bin/python", runs.ROOT / "build/python/bin/python"]
    for python in map(str, filter(None, folders)):
        if os.access(python, os.X_OK) and has_packages(python):
            os.environ["TESSERA_BENCHMARK_PYTHON"] = python
            os.execv(python, [python, *sys.argv])
    raise runs.Failure(f"{sys.executable} has no numpy, h5py and matplotlib: --install makes an environment for them", 77)


def library_of(arguments, program):
    """The SSP library: given, the reference one where there is one, or the demonstration library."""
    if arguments.ssp:
        if not os.path.isfile(arguments.ssp):
            raise runs.Failure(f"--ssp {arguments.ssp}: no such file", 2)
        return os.path.abspath(arguments.ssp)
    shared = os.environ.get("TESSERA_SHARED_DIR") or runs.ROOT / "shared"
    path = pathlib.Path(shared) / "data/ssp/bc03_miles_rubix.h5"
    return str(path.resolve()) if path.is_file() else str(program.demo_library())


def methods_of(arguments, program):
    known = program.methods()
    if not arguments.methods:
        return known
    chosen = arguments.methods.split(",")
    for method in chosen:
        if method not in known:
            raise runs.Failure(f"--methods: found '{method}'; this build of tessera has {', '.join(known)}", 2)
    return chosen


def sweeps_of(arguments):
    default = "none" if arguments.public or arguments.rubix else "stars,interpolation,tolerance" if arguments.quick else "all"
    words = (arguments.sweeps or default).split(",")
    if words in (["all"], ["none"]):
        return list(sweeps.SWEEPS) if words == ["all"] else []
    for word in words:
        if word not in sweeps.SWEEPS:
            raise runs.Failure(f"--sweeps: found '{word}'; expected all, none, or some of {', '.join(sweeps.SWEEPS)}", 2)
    return words


def write(result, folder):
    from benchmarks import report

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(report.markdown(result), encoding="utf-8")
    return [folder / "results.json", folder / "results.md", *report.figures(result, folder)]


def measure(arguments):
    from benchmarks import beside_rubix, public

    program = runs.Program(runs.find_program(arguments.program), shlex.split(arguments.launcher), arguments.inputs,
                           arguments.patience)
    methods, chosen, library = methods_of(arguments, program), sweeps_of(arguments), library_of(arguments, program)
    if arguments.make_public:
        public.make(program, arguments.largest, os.cpu_count())
        return 0
    result = {**runs.circumstances(program), "arguments": [re.sub("^/.*/", "", word) for word in sys.argv[1:]],
              "ssp": os.path.basename(library)}
    folder = pathlib.Path(arguments.output)
    repeat = arguments.repeat or (2 if arguments.quick else 5)
    try:
        if chosen:
            stars = arguments.stars or [10**k for k in range(3, 6 if arguments.quick else 8)]
            at = arguments.at or (10**5 if arguments.quick else 10**6)
            result["sweeps"] = []
            for sweep in chosen:
                result["sweeps"] += sweeps.measure(program, library, sweeps.cases(sweep, stars, at, methods), repeat, arguments.budget)
                write(result, folder)
        if arguments.rubix:
            stars = arguments.stars or [10**3, 10**4, 10**5]
            plan = [(n, "linear") for n in stars] + [(n, "cubic") for n in stars if n <= 10**4]
            result["rubix"] = beside_rubix.run(program, arguments.rubix_python, library, plan, methods, repeat, arguments.budget)
        if arguments.public:
            result["public"] = public.run(program, methods, arguments.largest, arguments.repeat or 1)
    finally:
        sweeps.tidy(program)
    result["machine"]["load_average_after"] = list(os.getloadavg())
    files = write(result, folder)
    print()
    print((folder / "results.md").read_text(encoding="utf-8"))
    print("wrote " + ", ".join(map(str, files)))
    return 0 if all(entry["passed"] for entry in result.get("public", [])) else 1


def main():
    arguments = command_line()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that what lies about is removed
    try:
        use_environment(arguments.install)
        if arguments.redraw:
            result = json.loads(pathlib.Path(arguments.redraw).read_text(encoding="utf-8"))
            print("wrote " + ", ".join(map(str, write(result, pathlib.Path(arguments.output)))))
            return 0
        return measure(arguments)
    except runs.Failure as failure:
        print(f"benchmark: {failure}", file=sys.stderr)
        return failure.status
    except (OSError, ValueError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
