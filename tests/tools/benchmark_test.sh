#!/usr/bin/env bash
# tools/benchmark.py on tiny galaxies: sweeps, results, the public set and what it catches, refused arguments.
# Exit status 77: numpy, h5py and matplotlib are not here, and nothing was checked.
set -euo pipefail

root=$1
tessera=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tessera-benchmark.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd -- "$scratch"
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
benchmark() { # STATUS OPTION... ; the output goes to log.txt
    local expected=$1 status=0
    shift
    "$root/tools/benchmark.py" --program "$tessera" --inputs inputs "$@" >log.txt 2>&1 || status=$?
    if [ "$status" -eq 77 ] && [ "$expected" -ne 77 ]; then
        echo "skipped: $(tail -n 1 log.txt)"
        exit 77
    fi
    [ "$status" -eq "$expected" ] || fail "benchmark.py $*: exit status $status, not $expected: $(cat log.txt)"
}
says() { grep -q -- "$1" log.txt || fail "the output does not say '$1': $(cat log.txt)"; }

command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }

# Sweeps: every case in results.json with times, stages and errors; tables; figures.
"$tessera" ssp demo -o demo.h5 >/dev/null
benchmark 0 --ssp demo.h5 --sweeps stars,tolerance,spaxels --stars 300,1e3 --at 500 --methods auto --repeat 1 --budget 1 -o sweeps
python3 - sweeps/results.json <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))
assert result["schema"] == 1 and result["machine"]["cores"] >= 1 and result["version"][0].startswith("tessera"), result["version"]
labels = [(entry["sweep"], entry["label"]) for entry in result["sweeps"]]
assert len(labels) == len(set(labels)) == 2 + 3 + 4, labels
for entry in result["sweeps"]:
    assert entry["wall_s"]["median"] >= entry["wall_s"]["min"] > 0 and entry["cpu_s"]["min"] > 0, entry
    assert entry["peak_rss_bytes"]["min"] > 10e6 and entry["stages"]["all"]["min"] >= entry["stages"]["synthesis"]["min"] > 0, entry
    assert entry["provenance"]["n_star"] == entry["stars"] and entry["provenance"]["error_rms"] > 0, entry
errors = [entry["provenance"]["error_rms"] for entry in result["sweeps"] if entry["sweep"] == "tolerance"]
assert errors[0] > errors[2], errors
PYTHON
for file in results.md benchmark_stars.svg benchmark_error.svg; do
    [ -s "sweeps/$file" ] || fail "sweeps/$file is missing"
done
benchmark 0 --redraw sweeps/results.json -o redrawn
cmp sweeps/results.md redrawn/results.md || fail "the tables drawn again differ"

# The public set: particles and light are those published; other particles are noticed.
benchmark 0 --public --largest 1e4 -o public
says "1e4 | identical\|1e4 | equal to rounding"
says "passed"
"$tessera" snapshot make --stars 10000 --gas 0 --stellar-mass 5e10 --scale-length 1 --redshift 0.06 --seed 99 -o inputs/public-1e4.hdf5 >/dev/null
benchmark 1 --public --largest 1e4 --methods exact -o public
says "1e4 | DIFFERENT"
says "FAILED"

# Refused before anything runs.
benchmark 2 --methods smell
says "'smell'"
benchmark 2 --stars many
says "'many'"
benchmark 2 --sweeps colour
says "'colour'"
benchmark 2 --ssp none.h5
says "none.h5"
benchmark 77 --rubix --rubix-python ./no-python
says "tools/python_environment.sh rubix"
benchmark 2 --public --largest 10
echo "all right"
