#!/usr/bin/env bash
# Installs what is missing, builds tessera with its tests, runs all of them. The last lines are ctest's summary, the exit
# status is ctest's. Options go to ctest:
#
#   tools/test.sh                 every test
#   tools/test.sh -L unit         those of one process        tools/test.sh -R particles     by name
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 0
fi

"$root/tools/dependencies.sh" build test
cd -- "$root"
cmake --preset release -DTESSERA_TESTS=ON -DTESSERA_PRECOMPILE=ON -DTESSERA_UNITY=ON
cmake --build --preset release
exec ctest --test-dir build/release --output-on-failure --no-tests=error -j "${TESSERA_TEST_JOBS:-$(nproc)}" "$@"
