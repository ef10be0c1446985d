#!/usr/bin/env bash
# Makes a Python environment under build/, or brings it up to date with its list of packages:
#
#   tools/python_environment.sh            build/python            requirements-fits.txt       for tools/check_fits.py
#   tools/python_environment.sh benchmark  build/python-benchmark  requirements-benchmark.txt  for tools/benchmark.py
#   tools/python_environment.sh rubix      build/python-rubix      requirements-rubix.txt      for tools/benchmark.py --rubix, 1.7 GB
#
# Exit status: 0 it is there; 2 no such environment; 77 the packages cannot be had, and the reason is said.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-fits} in
-h | --help)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
fits) folder=$root/build/python user=tools/check_fits.py ;;
benchmark | rubix) folder=$root/build/python-$1 user="tools/benchmark.py" ;;
*)
    echo "python_environment: no environment '$1'; there are fits, benchmark and rubix" >&2
    exit 2
    ;;
esac
requirements=$root/tools/requirements-${1:-fits}.txt

if [ -e "$folder/installed.txt" ] && cmp -s "$requirements" "$folder/installed.txt" && "$folder/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
skip() {
    echo "skipped: no Python environment for $user: $*" >&2
    exit 77
}
command -v python3 >/dev/null 2>&1 || skip "python3 is not installed"
mkdir -p "$root/build"
rm -rf -- "$folder"
log=$(python3 -m venv "$folder" 2>&1) || skip "python3 -m venv failed: $log"
log=$("$folder/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 30 -r "$requirements" 2>&1) ||
    skip "pip could not get the packages: $(tail -n 1 <<<"$log")"
cp -- "$requirements" "$folder/installed.txt"
