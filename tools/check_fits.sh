#!/usr/bin/env bash
# Makes small cubes with tessera, on 1 to 3 ranks, and opens them with astropy, mpdaf, spectral-cube and h5py (tools/check_fits.py).
#
#   tools/check_fits.sh [PROGRAM]       default: build/release/bin/tessera
#
# Python: $TESSERA_PYTHON, else build/python (tools/python_environment.sh makes it), else python3.
# Exit status: 0 all right, 1 something is wrong, 77 the packages are not there: nothing was checked.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
tessera=$(realpath -- "${1:-$root/build/release/bin/tessera}")
python=${TESSERA_PYTHON:-}
if [ -z "$python" ]; then
    python=$root/build/python/bin/python
    [ -x "$python" ] || python=python3
fi
# shellcheck source=tools/mpi_environment.sh
. "$root/tools/mpi_environment.sh"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tessera-fits.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd -- "$scratch"

# Without the packages there is nothing to be made.
status=0
"$python" -c 'import astropy, h5py, mpdaf, numpy, spectral_cube' 2>import.log || status=$?
if [ "$status" -ne 0 ]; then
    echo "skipped: $(tail -n 1 import.log); tools/python_environment.sh installs the packages"
    exit 77
fi

"$tessera" snapshot make --stars 3000 --inclination 50 --seed 3 -o disc.hdf5
cat >cube.yaml <<'YAML'
simulation: {path: disc.hdf5}
galaxy: {redshift: 0.1}
telescope: {name: MUSE, field_of_view: 3, wavelength_range: [5000, 5600]}
noise: {kind: signal-to-noise, signal_to_noise: 30}
YAML
make_cube() { # NAME RANKS [setting ...]
    local name=$1 ranks=$2 settings=()
    shift 2
    for setting in "$@"; do settings+=(--set "$setting"); done
    mpirun -n "$ranks" "$tessera" cube cube.yaml --quiet -o "$name.h5" --set "output.fits=$name.fits" ${settings[@]+"${settings[@]}"}
}
make_cube muse 1 psf.profile=moffat
make_cube manga 3 telescope.name=MaNGA_19 telescope.field_of_view=null telescope.wavelength_range=null
make_cube luminosity 2 output.flux_unit=Lsun/Angstrom noise.kind=none

status=0
"$python" "$root/tools/check_fits.py" muse.fits muse.h5 --centre 180 0 --pixel-scale 0.2 --wavelength 5000 1.25 480 || status=$?
for name in manga luminosity; do
    "$python" "$root/tools/check_fits.py" "$name.fits" "$name.h5" || status=$?
done
exit "$status"
