#!/usr/bin/env bash
# Form and suspicious code, by the pinned version 19 of clang's tools (other versions format differently).
#
#   tools/lint.sh [format] [tidy]       default: both
#
#   format  clang-format over all C++ and CUDA sources; `tools/lint.sh fix` rewrites them
#   tidy    clang-tidy over src/**/*.cpp, configured in build/tidy: several files at a time, so that headers are read once for them
# Exit status: 0 nothing found, 1 something found or a tool is missing.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$root"
[ $# -gt 0 ] || set -- format tidy

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "lint: $1 is not here; tools/dependencies.sh lint installs it" >&2
    exit 1
}
sources() { find include src tests -name '*.[ch]pp' -o -name '*.cu' -o -name '*.cuh' | LC_ALL=C sort; }

for part in "$@"; do
    case $part in
    format)
        need clang-format-19
        if ! sources | tr '\n' '\0' | xargs -0 clang-format-19 --dry-run -Werror; then
            echo "lint: not formatted as .clang-format says; \`tools/lint.sh fix\` mends it" >&2
            exit 1
        fi
        echo "lint: formatted"
        ;;
    fix)
        need clang-format-19
        sources | tr '\n' '\0' | xargs -0 clang-format-19 -i
        ;;
    tidy)
        need clang-tidy-19
        if ! configured=$(cmake --preset release -B build/tidy -DTESSERA_UNITY=ON -DTESSERA_TESTS=OFF 2>&1); then
            echo "$configured" >&2
            exit 1
        fi
        # GCC's own warning options mean nothing to clang, whose own warnings are not asked for; its counts of warnings in system headers are no news.
        if ! sed -nE 's/^ *"file": "(.*\.c(pp|xx))",?$/\1/p' build/tidy/compile_commands.json | LC_ALL=C sort | tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" \
            clang-tidy-19 -p build/tidy --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error 2> >(grep -Ev '^[0-9]+ warnings? generated|^\[[0-9]+/' >&2); then
            echo "lint: clang-tidy found something" >&2
            exit 1
        fi
        echo "lint: tidy"
        ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" ;;
    *)
        echo "lint: unknown part '$part': format, tidy or fix" >&2
        exit 1
        ;;
    esac
done
