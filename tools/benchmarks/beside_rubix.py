"""tessera beside RUBIX: the same stars, the same library, the same telescope, in turns."""

import json
import os
import shutil
import statistics
import subprocess
import time

from . import sweeps
from .runs import HERE, ROOT, Failure, summary, undisturbed
from .timed import busy

PSF_SIGMA, PSF_SIZE, LSF_SIGMA = 0.6, 5, 1.0658988593614638  # spaxels, spaxels, Angstrom (2.51 wide)
ENVIRONMENT = ROOT / "build/python-rubix/bin/python"


class Rubix:
    """A running RUBIX: one process, one input, one interpolation. Used with `with`."""

    def __init__(self, python, folder, settings):
        self.log = open(folder / "rubix.log", "wb")
        path = folder / "rubix.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        self.process = subprocess.Popen([str(python), str(HERE / "rubix_run.py"), str(path)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.start = self.reply()

    def reply(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            with open(self.log.name, encoding="utf-8", errors="replace") as log:
                said = "\n".join(log.read().strip().splitlines()[-12:])
            raise Failure(f"RUBIX ended with exit status {self.process.returncode}:\n{said}")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        before = busy()
        answer = self.reply()
        others = max(0, busy() - before - answer["cpu_s"]) / (answer["seconds"] * os.cpu_count())
        return {**answer, "others": others}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """Ends the process, at once after an exception, and takes its peak memory."""
        if kind:
            self.process.kill()
        self.process.stdin.close()
        if self.process.returncode is None:
            _, _, usage = os.wait4(self.process.pid, 0)
            self.process.returncode = 0
            self.peak_rss_bytes = usage.ru_maxrss * 1024
        self.log.close()


def galaxy_for_rubix(snapshot, folder):
    """The stars of a plain file in RUBIX's layout, folder/rubix_galaxy.h5; tessera reads the same file."""
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rubix_galaxy.h5"
    if path.exists():
        return path
    names = {"coords": ("coordinates", "kpc"), "velocity": ("velocities", "km/s"), "mass": ("initial_mass", "Msun"),
             "metallicity": ("metallicity", ""), "age": ("age", "Gyr")}
    partial = folder / "partial.h5"
    with h5py.File(snapshot, "r") as source, h5py.File(partial, "w") as file:
        facts = {"redshift": (source["galaxy"].attrs["redshift"], ""), "center": ([0.0, 0.0, 0.0], "kpc"),
                 "halfmassrad_stars": (source["galaxy"].attrs["half_mass_radius"], "kpc")}
        for name, (value, unit) in facts.items():
            file.create_dataset(f"galaxy/{name}", data=value).attrs["unit"] = unit
        for name, (dataset, unit) in names.items():
            file.create_dataset(f"particles/stars/{name}", data=source["stars"][dataset][:]).attrs["unit"] = unit
    partial.rename(path)
    return path


def configuration(path, library, method, interpolation, preset):
    """RUBIX's task for tessera. preset "rubix": its conventions to the letter; "none": tessera's own, the flux at Earth."""
    config = {"preset": preset, "simulation": {"path": str(path), "format": "rubix"}, "galaxy": {"redshift": sweeps.REDSHIFT},
              "ssp": {"path": str(library)}, "telescope": {"name": "MUSE"},
              "synthesis": {"method": method, "interpolation": interpolation},
              "psf": {"profile": "gaussian", "sigma": PSF_SIGMA, "size": PSF_SIZE}, "lsf": {"sigma": LSF_SIGMA}}
    if preset == "rubix":
        config["galaxy"].update(centre=[0, 0, 0], velocity="median")
    return config


def difference(cube, rubix_cube):
    """Largest difference of two cubes over the largest value: tessera's [wavelength, y, x] and RUBIX's [y, x, wavelength]."""
    import h5py
    import numpy as np

    theirs = np.moveaxis(np.load(rubix_cube), -1, 0)
    with h5py.File(cube, "r") as file:
        ours = file["flux"][:]
    return float(np.max(np.abs(ours - theirs)) / np.max(theirs))


def call_summary(calls):
    """Seconds of RUBIX's undisturbed calls, or of all where there is none."""
    calls = undisturbed(calls) or calls
    seconds = [call["seconds"] for call in calls]
    return {"seconds": seconds, "min": min(seconds), "median": statistics.median(seconds),
            "cpu_s_min": min(call["cpu_s"] for call in calls), "others": max(call["others"] for call in calls)}


def pair(program, python, library, n_star, interpolation, methods, devices, repeat, budget, say):
    """One number of stars: RUBIX's calls and tessera's runs in turns, `repeat` undisturbed times or for `budget` seconds."""
    folder = program.folder / f"rubix-{n_star}"
    path = galaxy_for_rubix(program.snapshot(n_star, *sweeps.GALAXY), folder)
    variants = [("rubix", "exact")] + [("none", method) for method in methods]
    ours = {variant: [] for variant in variants}
    settings = {"folder": str(folder), "ssp": str(library), "interpolation": interpolation, "redshift": sweeps.REDSHIFT,
                "devices": devices, "psf_sigma": PSF_SIGMA, "psf_size": PSF_SIZE, "lsf_sigma": LSF_SIGMA}
    started = time.monotonic()
    with Rubix(python, folder, settings) as rubix:
        calls = {"compiled": []}
        for name in ("first", "again", "compile"):
            program.wait_until_quiet()
            calls[name] = [rubix.ask(name)]
        for turn in range(2 * repeat):
            enough = all(len(undisturbed(found)) >= repeat for found in (calls["compiled"], *ours.values()))
            if enough or (turn and time.monotonic() - started > budget):
                break
            program.wait_until_quiet()
            calls["compiled"].append(rubix.ask("compiled"))
            for preset, method in variants:
                first = not ours[preset, method]
                record = program.cube(configuration(path, library, method, interpolation, preset), keep=True)
                if first and preset == "rubix":
                    rubix.ask("cube", folder / "cube.npy")
                    agreement = difference(record["cube"], folder / "cube.npy")
                    (folder / "cube.npy").unlink()
                shutil.rmtree(os.path.dirname(record.pop("cube")))
                ours[preset, method].append(record)
    theirs = {name: call_summary(found) for name, found in calls.items()}
    entry = {"stars": n_star, "interpolation": interpolation, "largest_difference": agreement,
             "rubix": {**theirs, **rubix.start, "peak_rss_bytes": rubix.peak_rss_bytes}, "tessera": []}
    compiled = theirs["compiled"]
    say(f"RUBIX {n_star} stars, {interpolation}: first call {theirs['first']['min']:.2f} s, compiled {compiled['min']:.2f} s, "
        f"{1e3 * compiled['min'] / n_star:.4f} ms a star; cubes differ by {agreement:.1e} of the maximum")
    for (preset, method), runs in ours.items():
        found = {"preset": preset, "method": method, **summary(runs), "provenance": runs[-1]["provenance"]}
        found["ratio_stages"] = compiled["min"] / found["stages"]["all"]["min"]
        found["ratio_process"] = compiled["min"] / found["wall_s"]["min"]
        found["ratio_first_call"] = theirs["first"]["min"] / found["wall_s"]["min"]
        entry["tessera"].append(found)
        say(f"  tessera {method}, preset {preset}: process {found['wall_s']['min']:.2f} s, stages {found['stages']['all']['min']:.3f} s; "
            f"RUBIX's compiled call takes {found['ratio_process']:.1f} and {found['ratio_stages']:.1f} times as long")
    return entry


def per_star(entries):
    """Milliseconds a star from the two largest numbers of stars of each kind (fixed costs drop out), and RUBIX's over ours."""
    out = []
    for interpolation in dict.fromkeys(entry["interpolation"] for entry in entries):
        found = sorted((entry for entry in entries if entry["interpolation"] == interpolation), key=lambda entry: entry["stars"])
        if len(found) < 2:
            continue
        low, high = found[-2:]
        n = high["stars"] - low["stars"]
        theirs = 1e3 * (high["rubix"]["compiled"]["min"] - low["rubix"]["compiled"]["min"]) / n
        for before, after in zip(low["tessera"], high["tessera"]):
            ours = 1e3 * (after["stages"]["synthesis"]["min"] - before["stages"]["synthesis"]["min"]) / n
            out.append({"interpolation": interpolation, "from": low["stars"], "to": high["stars"], "preset": after["preset"],
                        "method": after["method"], "rubix_ms": theirs, "tessera_ms": ours,
                        "ratio": theirs / ours if ours > 0 else None})
    return out


def run(program, python, library, plan, methods, repeat, budget, say=print):
    """plan: [(stars, interpolation)]. Returns {"pairs": [...], "per_star": [...]}."""
    python = python or ENVIRONMENT
    if not os.access(python, os.X_OK):
        raise Failure(f"no RUBIX environment at {python}: tools/python_environment.sh rubix makes it (1.7 GB, Python 3.11 or newer), "
                      "or give --rubix-python", 77)
    devices = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    entries = [pair(program, python, library, n, kind, methods, devices, repeat, budget, say) for n, kind in plan]
    return {"pairs": entries, "per_star": per_star(entries)}
