#!/usr/bin/env bash
# tools/gpu_check.sh on the emulation, packed and unpacked elsewhere; what it refuses; the page that tools/gpu_report.py makes.
set -euo pipefail

root=$1
build=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tessera-gpu-check-test.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd -- "$scratch"
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
refused() { # WORD COMMAND...
    local word=$1 status=0 out
    shift
    out=$("$@" 2>&1 </dev/null) || status=$?
    [ "$status" -eq 2 ] || fail "$*: exit status $status, not 2: $out"
    grep -q -- "$word" <<<"$out" || fail "$*: the message does not name $word: $out"
}
check=$root/tools/gpu_check.sh
refused "'smell'" "$check" --device smell
refused "'none'" "$check" --minutes none
refused "'./none'" "$check" --build ./none
refused "'none.zip'" "$root/tools/gpu_pack.sh" none.zip

"$check" --pack pack.tar.gz --build "$build" 2>pack.log || fail "packing: $(cat pack.log)"
mkdir elsewhere
tar -C elsewhere -xzf pack.tar.gz
cmp -s "$build/gpu_tests.txt" elsewhere/tessera-gpu/gpu_tests.txt || fail "the pack lists other tests than the build"
# ctest runs them all on the emulation by itself; a few show that they are found and judged.
grep -E '^(device/cuda|pipeline/device|cube/device_cube) ' "$build/gpu_tests.txt" >elsewhere/tessera-gpu/gpu_tests.txt
# Neither the build's libraries nor its MPI are found by way of the environment.
unset LD_LIBRARY_PATH OPAL_PREFIX
elsewhere/tessera-gpu/gpu_check.sh --device emulated --minutes 12 -o report.json >check.log 2>&1 || fail "$(cat check.log)"
cat check.log
for step in machine cube/exact.4 fault/no_gpu benchmark test/pipeline/device.2; do
    grep -q "^green .*  $step  *" check.log || fail "the step $step is not green"
done
# Without a GPU, or when time is over before all is done, it is red.
if elsewhere/tessera-gpu/gpu_check.sh --minutes 1 -o red.json >red.log 2>&1; then
    command -v nvidia-smi >/dev/null || fail "green without a GPU: $(cat red.log)"
else
    grep -q '"state": "red"' red.json || fail "no red step in the report: $(cat red.log)"
fi

if command -v python3 >/dev/null 2>&1; then
    cp "$root/docs/performance.md" page.md
    "$root/tools/gpu_report.py" report.json --page page.md
    grep -q "emulation on the host" page.md || fail "the page does not name the device"
    cp "$root/docs/performance.md" page.md
    "$root/tools/gpu_report.py" --page page.md
    grep -q "No GPU was at hand" page.md || fail "the page does not say that there was no GPU"
fi
echo "all right"
