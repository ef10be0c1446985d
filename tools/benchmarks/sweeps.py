"""The sweeps: lists of cases, and their measurement in turns."""

import os
import shutil
import sys
import time

from .runs import summary, undisturbed, warm

# One galaxy at every resolution: 98 % of its stars fall into MUSE's 5 arcsec and the margin of the PSF.
GALAXY = ["--seed", "3", "--inclination", "50", "--scale-length", "1", "--v-max", "220", "--stellar-mass", "5e10",
          "--redshift", "0.06"]
REDSHIFT = 0.06
MUSE = {"first": 4700.15, "step": 1.25, "n": 3721, "field": 5.0, "spaxel": 0.2}

SWEEPS = {
    "stars": "number of stars, every method",
    "interpolation": "linear and cubic look-up in the SSP grid",
    "tolerance": "error against time: synthesis.tolerance 1e-2, 1e-3, 1e-4",
    "wavelengths": "number of wavelength pixels, an eighth to all of MUSE's",
    "spaxels": "number of spaxels over the same field, 10 x 10 to 75 x 75",
    "threads": "threads, 1 to the cores there are",
}


def case(sweep, label, n_star, method, settings=None, **about):
    """One thing to be timed. settings: sections of the configuration besides input, library and method."""
    return {"sweep": sweep, "label": label, "stars": n_star, "method": method, "settings": settings or {}, **about}


def cases(sweep, stars, n_star, methods):
    """The cases of a sweep. stars: all numbers of stars; n_star: that of the sweeps over something else."""
    if sweep == "stars":
        return [case(sweep, f"{n:.0e}", n, m) for n in stars for m in methods]
    if sweep == "interpolation":
        return [case(sweep, kind, n_star, m, {"synthesis": {"interpolation": kind}}, interpolation=kind)
                for kind in ("linear", "cubic") for m in methods]
    if sweep == "tolerance":
        return [case(sweep, f"{t:g}", n_star, m, {"synthesis": {"tolerance": t}}, tolerance=t)
                for t in (1e-2, 1e-3, 1e-4) for m in methods]
    if sweep == "wavelengths":
        out = []
        for share in (8, 4, 2, 1):
            n = MUSE["n"] // share
            # The end is exclusive: half a step short of the next pixel's centre, out of reach of rounding.
            band = [MUSE["first"], round(MUSE["first"] + (n - 0.5) * MUSE["step"], 4)]
            out += [case(sweep, str(n), n_star, m, {"telescope": {"wavelength_range": band}}, wavelengths=n) for m in methods]
        return out
    if sweep == "spaxels":
        return [case(sweep, f"{n} x {n}", n_star, m, {"telescope": {"spaxel_size": MUSE["field"] / n}}, spaxels=n * n)
                for n in (10, 25, 50, 75) for m in methods]
    if sweep == "threads":
        cores, counts = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(), [1]
        while counts[-1] < cores:
            counts.append(min(2 * counts[-1], cores))
        return [case(sweep, str(k), n_star, m, {"parallel": {"threads": k}}, threads=k) for k in counts for m in methods]
    raise ValueError(sweep)


def configuration(path, library, entry):
    """The configuration of a case: MUSE with its PSF and LSF as the program has them by default, no noise."""
    config = {"simulation": {"path": str(path)}, "galaxy": {"redshift": REDSHIFT}, "ssp": {"path": str(library)},
              "telescope": {"name": "MUSE"}, "synthesis": {"method": entry["method"]}}
    for section, keys in entry["settings"].items():
        config[section] = {**config.get(section, {}), **keys}
    return config


def measure(program, library, entries, repeat, budget=None, say=print):
    """Times the cases in turns: every case once, then every case again, so that what else the machine does meets all alike.

    repeat   undisturbed runs a case, for which up to twice as many are made
    budget   seconds for one sweep, after which cases keep the runs that they have (at least one)
    returns  the cases with "runs", and medians and minima beside them
    """
    by_input = {}
    for entry in entries:
        by_input.setdefault(entry["stars"], []).append({**entry, "runs": []})
    done = []
    started = time.monotonic()
    for n_star, group in by_input.items():
        path = program.snapshot(n_star, *GALAXY)
        warm(path)
        for turn in range(2 * repeat):
            for entry in group:
                late = turn and budget and time.monotonic() - started > budget
                if late or len(undisturbed(entry["runs"])) >= repeat:
                    continue
                entry["runs"].append(program.cube(configuration(path, library, entry)))
        for entry in group:
            entry["ssp"] = str(os.path.basename(library))
            entry["config"] = configuration(os.path.basename(path), entry["ssp"], entry)
            entry.pop("settings")
            entry.update(summary(entry["runs"]))
            entry["provenance"] = entry["runs"][-1]["provenance"]
            for run in entry["runs"]:
                run.pop("provenance")
                run["stages"] = {name: run["stages"][name] for name in ("synthesis", "all") if name in run["stages"]}
            say(f"{entry['sweep']:>14} {entry['label']:>8} {entry['method']:>11}: {entry['n']} of {len(entry['runs'])} runs, wall "
                f"{entry['wall_s']['min']:.2f} s, synthesis {entry['stages']['synthesis']['min']:.3f} s")
            sys.stdout.flush()
        done += group
    return done


def tidy(program):
    """Removes what a run that broke off left behind."""
    shutil.rmtree(program.folder / f"run-{os.getpid()}", ignore_errors=True)
