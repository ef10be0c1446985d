#!/usr/bin/env bash
# Installs what tessera is built from, where it is missing: Debian and Ubuntu packages, by apt-get, as root or with sudo.
#
#   tools/dependencies.sh [build] [test] [lint] [bench] [slurm]      default: build
#
#   build  compiler, CMake, MPI and the libraries        test   GoogleTest, Python's venv
#   lint   clang-format and clang-tidy of version 19     bench  Google Benchmark, OpenBLAS
#   slurm  Slurm, munge and HDF5's tools, for the test of the job scripts
#
# Says nothing when nothing is missing. Elsewhere than on Debian and Ubuntu it leaves the matter to CMake, which names what
# it does not find.
# Exit status: 0 everything is there (or cannot be told), 1 something is missing and could not be installed.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config git libopenmpi-dev openmpi-bin libhdf5-openmpi-dev libfftw3-dev
    libboost-program-options-dev libfmt-dev libyaml-cpp-dev nlohmann-json3-dev libcfitsio-dev zlib1g-dev libcairo2-dev
    fonts-dejavu-core)
test=(libgtest-dev libgmock-dev python3 python3-venv)
lint=(clang-format-19 clang-tidy-19 libomp-19-dev)
bench=(libbenchmark-dev libopenblas-dev)
slurm=(slurm-wlm munge hdf5-tools)

say() { printf '%s\n' "dependencies: $*" >&2; }

[ $# -gt 0 ] || set -- build
wanted=()
for group in "$@"; do
    case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    slurm) wanted+=("${slurm[@]}") ;;
    -h | --help)
        sed -n '2,12s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        say "unknown group '$group': build, test, lint, bench or slurm"
        exit 1
        ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    say "no apt-get here, so nothing is installed. Debian's names of what is needed: ${wanted[*]}"
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null || true)
    grep -qx installed <<<"$state" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        as_root=(sudo)
    else
        say "missing: ${missing[*]}"
        say "They are installed as root, and this is neither root nor a user whom sudo lets through. Ask the administrator for"
        say "    apt-get install ${missing[*]}"
        exit 1
    fi
fi

log=$(mktemp "${TMPDIR:-/tmp}/tessera-dependencies.XXXXXX")
trap 'rm -f -- "$log"' EXIT
apt() {
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}

say "installing ${missing[*]}"
# The lists of packages may be missing or old: then they are fetched once, and the installation tried again.
if ! apt install --no-install-recommends "${missing[@]}"; then
    if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
        tail -n 15 "$log" >&2
        say "apt-get could not install: ${missing[*]}"
        exit 1
    fi
fi
