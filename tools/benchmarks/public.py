"""The public benchmark set: five synthetic galaxies, their checksums, and the light that a cube of them must hold."""

import hashlib
import json
import pathlib
import re
import shutil

import numpy as np

from . import reference
from .runs import HERE, Failure, summary, warm

FILE = HERE / "public.json"
DATASETS = ("coordinates", "velocities", "initial_mass", "mass", "metallicity", "age")

# What a cube may differ by from the expected light, relative: bands and blocks to the luminosity expected in them, single pixels
# to the flux expected there. Wide bands are kept by `exact` but for float sums; single pixels carry the resampling error of
# synthesis.tolerance; methods that approximate may use the whole of that tolerance there, most of which wide bands average out.
TOLERANCE = {"exact": {"bands": 1e-5, "blocks": 1e-5, "pixels": 1e-3}}
APPROXIMATE = {"bands": 1e-4, "blocks": 1e-4, "pixels": 3e-3}
# Other compilers and mathematical libraries round the last bit of a particle otherwise: sums of squares then still agree.
ROUNDING = 1e-6


def contents():
    return json.loads(FILE.read_text(encoding="utf-8"))


def fingerprint(path, chunk=1_000_000):
    """Checksum and sums of the particles: {"sha256", "squares": {dataset: [sum of squares of each column]}}.

    The checksum runs over the values of DATASETS, one dataset after the other, row by row, as little-endian float32: the same
    for any layout of the file and any number of ranks that wrote it.
    """
    import h5py

    digest, squares = hashlib.sha256(), {}
    with h5py.File(path, "r") as file:
        for name in DATASETS:
            data = file["stars"][name]
            squares[name] = np.zeros(1 if data.ndim == 1 else data.shape[1])
            for start in range(0, data.shape[0], chunk):
                rows = np.ascontiguousarray(data[start:start + chunk], dtype="<f4")
                digest.update(rows.tobytes())
                squares[name] += np.sum(rows.astype(float) ** 2, axis=0)
    return {"sha256": digest.hexdigest(), "squares": {name: value.tolist() for name, value in squares.items()}}


def compare_particles(found, wanted):
    """"identical", "equal to rounding" or "DIFFERENT"."""
    if found["sha256"] == wanted["sha256"]:
        return "identical"
    for name in DATASETS:
        if not np.allclose(found["squares"][name], wanted["squares"][name], rtol=ROUNDING, atol=0):
            return "DIFFERENT"
    return "equal to rounding"


def deviations(found, wanted):
    """Largest relative difference of bands, single pixels and blocks."""
    out = {}
    for name in ("bands", "pixels", "blocks"):
        expected = np.asarray(wanted[name])
        scale = np.maximum(np.abs(expected), 1e-6 * np.abs(expected).max())
        out[name] = float(np.max(np.abs(np.asarray(found[name]) - expected) / scale))
    return out


def snapshot_of(program, public, galaxy):
    return program.snapshot(galaxy["stars"], *public["snapshot"], "--seed", galaxy["seed"], name=f"public-{galaxy['name']}")


def configuration(public, path, method):
    """Without PSF, LSF and noise, in luminosity: what the cube holds is the light of the stars in the field."""
    return {"simulation": {"path": str(path)}, "galaxy": {"redshift": public["setup"]["redshift"]}, "ssp": {"path": "demo"},
            "telescope": {"name": "MUSE"}, "synthesis": {"method": method}, "psf": {"profile": "none"}, "lsf": {"profile": "none"},
            "output": {"flux_unit": "Lsun/Angstrom"}}


def run(program, methods, largest, repeat, say=print):
    """Makes or takes each galaxy, checks its particles, runs every method, checks the light.

    returns [{name, stars, particles, method, wall_s, ..., deviations, limits, passed}]
    """
    public, results = contents(), []
    for galaxy in public["galaxies"]:
        if galaxy["stars"] > largest:
            continue
        say(f"{galaxy['name']}: {galaxy['stars']} stars")
        if "expected" not in galaxy:
            say(f"  {FILE.name} has no expected light of this galaxy: skipped")
            continue
        path = snapshot_of(program, public, galaxy)
        particles = compare_particles(fingerprint(path), galaxy)
        if particles == "DIFFERENT":
            say(f"  {path} does not hold the particles of the published set: remove it if it is old; else this build of tessera "
                "makes other galaxies")
        warm(path)
        cases = {method: [] for method in methods}
        for _ in range(repeat):
            for method in methods:
                record = program.cube(configuration(public, path, method), keep=True)
                if not cases[method]:
                    record["deviations"] = deviations(reference.observed_in(record["cube"], public["setup"]), galaxy["expected"])
                shutil.rmtree(pathlib.Path(record.pop("cube")).parent)
                cases[method].append(record)
        for method, runs in cases.items():
            limits, found = TOLERANCE.get(method, APPROXIMATE), runs[0]["deviations"]
            count = runs[0]["provenance"].get("n_in_field")
            passed = (particles != "DIFFERENT" and count == galaxy["expected"]["n_in_field"]
                      and all(found[name] <= limits[name] for name in limits))
            results.append({"name": galaxy["name"], "stars": galaxy["stars"], "particles": particles, "method": method,
                            **summary(runs), "n_in_field": count, "n_in_field_expected": galaxy["expected"]["n_in_field"],
                            "deviations": found, "limits": limits, "passed": passed, "provenance": runs[0]["provenance"]})
            say(f"  {method}: {runs[0]['wall_s']:.2f} s, light within {found['bands']:.1e} (bands), {found['pixels']:.1e} "
                f"(pixels), {found['blocks']:.1e} (blocks): {'passed' if passed else 'FAILED'}")
    if not results:
        raise Failure(f"no galaxy of the public set has at most {largest} stars; the smallest has "
                      f"{public['galaxies'][0]['stars']}", 2)
    return results


def make(program, largest, processes, say=print):
    """Writes the particles' checksums and the expected light into public.json, for the galaxies up to `largest` stars."""
    public = contents()
    library = program.demo_library()
    for galaxy in public["galaxies"]:
        if galaxy["stars"] > largest:
            continue
        say(f"{galaxy['name']}: {galaxy['stars']} stars")
        path = snapshot_of(program, public, galaxy)
        galaxy.update(fingerprint(path))
        galaxy["expected"] = reference.expected(path, library, public["setup"], galaxy["stars"], processes, say=say)
        FILE.write_text(text_of(public), encoding="utf-8")


def text_of(public):
    """JSON with each list of numbers on one line."""
    def line(match):
        return re.sub(r"\s+", " ", match.group(0)).replace("[ ", "[").replace(" ]", "]")

    return re.sub(r"\[[^\[\]{}]*\]", line, json.dumps(public, indent=1)) + "\n"
