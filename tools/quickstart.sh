#!/usr/bin/env bash
# From a fresh checkout to a picture: installs what is missing, builds tessera, makes a synthetic disc galaxy and a small SSP
# library, and observes the galaxy with MUSE on two ranks. Results: the folder quickstart/ beside this one.
#
#   tools/quickstart.sh [--ranks N] [--stars N]
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
ranks=2
stars=100000
while [ $# -gt 0 ]; do
    case $1 in
    --ranks | --stars)
        if ! [[ ${2:-} =~ ^[1-9][0-9]*$ ]]; then
            echo "quickstart: $1 needs a positive whole number, found '${2:-}'" >&2
            exit 2
        fi
        if [ "$1" = --ranks ]; then ranks=$2; else stars=$2; fi
        shift 2
        ;;
    -h | --help)
        sed -n '2,5s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "quickstart: unknown argument '$1'; see $0 --help" >&2
        exit 2
        ;;
    esac
done

step() { printf '\n== %s\n' "$*"; }

"$root/tools/dependencies.sh" build
# shellcheck source=tools/mpi_environment.sh
. "$root/tools/mpi_environment.sh"
cd -- "$root"

step "building tessera (build/release)"
configure=(cmake --preset release -DTESSERA_UNITY=ON)
# The tests need packages that the program does not; a build folder that has them already keeps them.
[ -e build/release/CMakeCache.txt ] || configure+=(-DTESSERA_TESTS=OFF)
mkdir -p build
if ! "${configure[@]}" >build/configure.log 2>&1; then
    cat build/configure.log >&2
    exit 1
fi
cmake --build --preset release --target tessera_program
tessera=build/release/bin/tessera

step "making a galaxy of $stars stars and a demonstration SSP library"
mkdir -p quickstart
"$tessera" snapshot make --stars "$stars" --inclination 55 --position-angle 35 --seed 7 -o quickstart/disc.hdf5
"$tessera" ssp demo -o quickstart/ssp_demo.h5

step "observing it with MUSE on $ranks ranks: tessera cube configs/quickstart.yaml"
mpirun -n "$ranks" "$tessera" cube configs/quickstart.yaml --timings

cat <<TEXT

The picture:  $root/quickstart/quickstart.png
The cube:     $root/quickstart/cube.h5 (HDF5) and cube.fits (for QFitsView, DS9, mpdaf, spectral-cube)

Next:
  - another view:        $tessera cube configs/quickstart.yaml --set view.rotation=edge-on \\
                             --set output.fits=null --set output.quicklook=../quickstart/edge_on.png -o quickstart/edge_on.h5
  - every key explained: docs/configuration.md, or $tessera config describe
  - a real SSP library:  tools/fetch_ssp.sh -o bc03_miles.h5
  - your own galaxy:     configs/muse_tng_subhalo.yaml, configs/cutout.yaml; docs/inputs.md
TEXT
