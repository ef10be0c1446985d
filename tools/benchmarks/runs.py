"""The program under test, its inputs, and timed runs of `tessera cube`."""

import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

from .timed import busy

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent

# Open MPI as root, in containers, on one node; what the user has set stays (tools/mpi_environment.sh says why).
MPI_ENVIRONMENT = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
                   "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
                   "OMPI_MCA_btl": "self,vader"}


class Failure(Exception):
    """Something that the user has to know, with the exit status: 1 a run failed, 2 an argument is wrong, 77 packages are missing."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


def find_program(given):
    """The program: as given, else build/release/bin/tessera of this checkout, else the first on PATH."""
    candidates = [given] if given else [ROOT / "build/release/bin/tessera", shutil.which("tessera")]
    for path in candidates:
        if path and os.access(path, os.X_OK) and pathlib.Path(path).is_file():
            return str(pathlib.Path(path).resolve())
    raise Failure(f"no program at {given or 'build/release/bin/tessera, and no tessera on PATH'}: build it "
                  "(cmake --preset release && cmake --build --preset release --target tessera_program) or give --program", 2)


class Program:
    """`tessera`, perhaps behind a launcher such as `mpirun -n 4`.

    launcher  words before the program, for `tessera cube` and large snapshots
    folder    inputs are cached here, and runs leave their cubes here until they are read
    patience  seconds, in all, to wait before runs until other processes leave the machine alone
    """

    def __init__(self, path, launcher, folder, patience=0):
        self.patience = patience
        self.path = path
        self.launcher = list(launcher)
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = dict(os.environ)
        if not any(name.startswith("SLURM_JOB") or name.startswith("PBS_JOB") for name in os.environ):
            for name, value in MPI_ENVIRONMENT.items():
                self.environment.setdefault(name, value)
            if os.getuid() == 0:
                self.environment.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
                self.environment.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")

    def wait_until_quiet(self):
        """Returns when others took less than 5 % of the machine for half a second, or when patience is at its end."""
        while self.patience > 0:
            before, start = busy(), time.monotonic()
            time.sleep(0.5)
            elapsed = time.monotonic() - start
            if (busy() - before) / (elapsed * os.cpu_count()) < 0.05:
                return
            self.patience -= elapsed

    def call(self, *words):
        """Runs the program untimed; its output, or Failure with what it said."""
        command = [self.path, *map(str, words)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"exit status {done.returncode} of: {' '.join(command)}\n{done.stderr.strip()}")
        return done.stdout

    def methods(self):
        """The words that synthesis.method takes in this build."""
        for option in json.loads(self.call("config", "describe", "--format", "json")):
            if option["key"] == "synthesis.method":
                return [word.strip() for word in option["type"].split("|")]
        raise Failure("`tessera config describe --format json` knows no synthesis.method")

    def version(self):
        return [line.strip() for line in self.call("--version").splitlines() if line.strip()]

    def snapshot(self, n_star, *options, name=None):
        """Path of a synthetic galaxy with these options of `tessera snapshot make`; made once, without gas."""
        words = ["--stars", str(n_star), "--gas", "0", *map(str, options)]
        name = name or "galaxy" + "".join(re.sub(r"[^0-9a-z.]+", "-", word) for word in words)
        path = self.folder / f"{name}.hdf5"
        if not path.exists():
            need = 40 * n_star
            free = shutil.disk_usage(self.folder).free
            if free < 1.1 * need:
                raise Failure(f"{self.folder}: {free / 1e9:.1f} GB free, the galaxy of {n_star} stars needs {need / 1e9:.1f} GB; "
                              "give another folder with --inputs")
            partial = path.with_suffix(".partial.hdf5")
            self.call("snapshot", "make", *words, "-o", partial)
            partial.rename(path)
        return path

    def demo_library(self):
        path = self.folder / "ssp_demo.hdf5"
        self.call("ssp", "demo", "-o", path)
        return path

    def cube(self, config, keep=False):
        """One timed run of `tessera cube`.

        config  sections and keys as in a configuration file; output.path is chosen here
        keep    leave the cube; its path is the record's "cube"
        returns {wall_s, cpu_s, peak_rss_bytes, others (share of the machine's CPU time that other processes took meanwhile),
                stages: {stage: seconds}, provenance: {...}}
        """
        scratch = self.folder / f"run-{os.getpid()}"
        scratch.mkdir(exist_ok=True)
        cube = scratch / "cube.h5"
        config = {**config, "output": {**config.get("output", {}), "path": str(cube)}}
        (scratch / "cube.yaml").write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
        self.wait_until_quiet()
        words = [*self.launcher, self.path, "cube", str(scratch / "cube.yaml"), "--timings"]
        subprocess.run([sys.executable, "-S", str(HERE / "timed.py"), str(scratch / "time.json"), str(scratch / "log.txt"), *words],
                       env=self.environment, check=True)
        record = json.loads((scratch / "time.json").read_text(encoding="utf-8"))
        log = (scratch / "log.txt").read_text(encoding="utf-8", errors="replace")
        if record.pop("status") != 0:
            raise Failure(f"this run failed: {' '.join(words)}\n{log.strip()}\nconfiguration:\n{json.dumps(config)}")
        record["stages"] = stages(log)
        record["provenance"] = provenance(cube)
        if keep:
            record["cube"] = str(cube)
        else:
            shutil.rmtree(scratch)
        return record


def stages(log):
    """Seconds of each stage from the table of --timings, the largest over ranks; "all" is their sum."""
    found = {}
    for line in log.splitlines():
        row = re.match(r"^(\S.*?)\s+(\d+\.\d+)\s+(\d+\.\d+)$", line)
        total = re.match(r"^sum of stages\s+(\d+\.\d+)$", line)
        if total:
            found["all"] = float(total.group(1))
        elif row:
            found[row.group(1)] = float(row.group(3))
    if "all" not in found:
        raise Failure(f"no table of stages in the output of `tessera cube --timings`:\n{log.strip()}")
    return found


def provenance(cube):
    """What the cube says of itself, as far as the benchmark reports it."""
    import h5py

    wanted = ("method", "error_rms", "error_max", "log_step", "n_star", "n_in_field", "n_rank", "n_thread", "version")
    with h5py.File(cube, "r") as file:
        found = {name: plain(file["provenance"].attrs[name]) for name in wanted if name in file["provenance"].attrs}
        found["shape"] = list(file["flux"].shape)
        return found


def plain(value):
    """A Python number or string of what HDF5 gives."""
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") else value


def undisturbed(runs):
    """The runs during which other processes took at most 5 % of the machine."""
    return [run for run in runs if run["others"] <= 0.05]


def summary(runs):
    """Median and minimum of the undisturbed runs, or of all where there is none: {wall_s, cpu_s, peak_rss_bytes: {median, min},
    stages: {name: {median, min}}, n, others (the largest share of other processes)}."""
    runs = undisturbed(runs) or runs

    def both(values):
        return {"median": statistics.median(values), "min": min(values)}

    out = {name: both([run[name] for run in runs]) for name in ("wall_s", "cpu_s", "peak_rss_bytes")}
    names = [name for name in runs[0]["stages"] if all(name in run["stages"] for run in runs)]
    out["stages"] = {name: both([run["stages"][name] for run in runs]) for name in names}
    out["n"] = len(runs)
    out["others"] = max(run["others"] for run in runs)
    return out


def warm(path):
    """Reads a file, so that all runs find it in the file cache (if it fits there)."""
    with open(path, "rb") as stream:
        while stream.read(1 << 24):
            pass


def read_text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def machine():
    """CPU, caches, memory, system, load: what times depend on."""
    release = ".".join(platform.release().split(".")[:2])
    info = {"system": f"{platform.system()} {release}, {' '.join(platform.libc_ver())}".strip(", "), "python": platform.python_version(), "cores": os.cpu_count(),
            "cores_allowed": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()}
    cpu = dict(re.findall(r"^([^\t:]+)\s*:\s*(.*)$", read_text("/proc/cpuinfo"), re.M))
    info["cpu"] = cpu.get("model name", platform.processor() or platform.machine())
    info["vector"] = [name for name in ("avx2", "fma", "avx512f") if name in cpu.get("flags", "").split()]
    caches = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, level = read_text(index / "type"), read_text(index / "level")
        caches[f"L{level} {kind.lower()}"] = read_text(index / "size")
    info["caches"] = caches
    total = re.search(r"MemTotal:\s+(\d+) kB", read_text("/proc/meminfo"))
    info["memory_bytes"] = int(total.group(1)) * 1024 if total else None
    info["load_average"] = list(os.getloadavg())
    return info


def circumstances(program):
    """Date, program, revision of the sources, machine; the head of every result."""

    def git(*words):
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    return {"schema": 1, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "version": program.version(), "revision": git("rev-parse", "HEAD"),
            "launcher": program.launcher, "machine": machine()}
