#!/usr/bin/env bash
# Makes the Python environment for tools/check_fits.py in build/python, or brings it up to date with tools/requirements-fits.txt.
# Exit status: 0 it is there; 77 the packages cannot be had, and the reason is said.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/build/python
requirements=$root/tools/requirements-fits.txt

if [ -e "$folder/installed.txt" ] && cmp -s "$requirements" "$folder/installed.txt" && "$folder/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
skip() {
    echo "skipped: no Python environment for tools/check_fits.py: $*" >&2
    exit 77
}
command -v python3 >/dev/null 2>&1 || skip "python3 is not installed"
mkdir -p "$root/build"
rm -rf -- "$folder"
log=$(python3 -m venv "$folder" 2>&1) || skip "python3 -m venv failed: $log"
log=$("$folder/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 30 -r "$requirements" 2>&1) ||
    skip "pip could not get the packages: $(tail -n 1 <<<"$log")"
cp -- "$requirements" "$folder/installed.txt"
