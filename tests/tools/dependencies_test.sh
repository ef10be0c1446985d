#!/usr/bin/env bash
# tools/dependencies.sh with stand-ins for dpkg-query, apt-get, id and sudo: what it asks for, and when.
set -euo pipefail

root=$1
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
bin=$scratch/bin
mkdir "$bin"
stand_in() { # NAME, body on standard input
    { echo '#!/usr/bin/env bash'; cat; } >"$bin/$1"
    chmod +x "$bin/$1"
}
fail() {
    echo "FAILED: $*" >&2
    cat "$scratch/out" "$scratch/calls" >&2 || true
    exit 1
}
# Runs the script with the stand-ins first on PATH; status, out, calls remain.
status=0
try() {
    : >"$scratch/calls"
    status=0
    PATH=$bin:$PATH CALLS=$scratch/calls "$root/tools/dependencies.sh" "$@" >"$scratch/out" 2>&1 </dev/null || status=$?
}

stand_in apt-get <<'B'
echo "apt-get $*" >>"$CALLS"
B
stand_in id <<'B'
echo 0
B

stand_in dpkg-query <<'B'
echo installed
B
try build test lint
[ "$status" -eq 0 ] || fail "everything installed: status $status"
[ ! -s "$scratch/out" ] || fail "everything installed, but it was not silent"
[ ! -s "$scratch/calls" ] || fail "everything installed, but apt-get ran"

stand_in dpkg-query <<'B'
case "$*" in *libfmt-dev* | *libcairo2-dev*) echo not-installed ;; *) echo installed ;; esac
B
try build
[ "$status" -eq 0 ] || fail "two packages missing, root: status $status"
grep -q 'install --no-install-recommends libfmt-dev libcairo2-dev$' "$scratch/calls" || fail "apt-get was not asked for just the missing ones"
! grep -q update "$scratch/calls" || fail "the lists were fetched although the installation succeeded"

stand_in apt-get <<'B'
echo "apt-get $*" >>"$CALLS"
case "$*" in *update*) touch "$CALLS.updated" ;; *) [ -e "$CALLS.updated" ] ;; esac
B
try build
[ "$status" -eq 0 ] || fail "lists of packages missing: status $status"
[ "$(grep -c update "$scratch/calls")" -eq 1 ] || fail "the lists were not fetched exactly once"

stand_in apt-get <<'B'
echo "E: no route to the archive"
exit 100
B
try build
[ "$status" -eq 1 ] || fail "apt-get fails: status $status"
grep -q 'no route to the archive' "$scratch/out" || fail "apt-get's own words are not shown"

stand_in id <<'B'
echo 1000
B
stand_in sudo <<'B'
exit 1
B
try build
[ "$status" -eq 1 ] || fail "no rights: status $status"
grep -q 'apt-get install libfmt-dev libcairo2-dev' "$scratch/out" || fail "no rights: the command for the administrator is not shown"

try nonsense
[ "$status" -eq 1 ] || fail "unknown group: status $status"
grep -q "'nonsense'" "$scratch/out" || fail "the unknown group is not named"
echo "all right"
