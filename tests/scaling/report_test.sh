#!/usr/bin/env bash
# tools/scaling_report.py on two studies of a tiny galaxy: `report_test.sh SOURCE PROGRAM`
set -euo pipefail

root=$1 program=$2
command -v python3 >/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >tiny.yaml <<'END'
scaling: {stars: 300, reductions: [reduce-scatter]}
parallel: {threads: 1}
telescope: {field_of_view: 5, spaxel_size: 1, wavelength_range: [5000, 5125], wavelength_step: 1.25}
END
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
"$program" scaling strong tiny.yaml --repeats 2 -o one -q >/dev/null
mpirun -n 2 "$program" scaling strong tiny.yaml --ranks 2 --repeats 1 -o two -q >/dev/null
"$program" scaling weak tiny.yaml --repeats 1 -o weak -q >/dev/null
"$root/tools/scaling_report.py" one.json two.json weak.json -o page.md
[ "$(grep -c '^## ' page.md)" -eq 2 ] || fail "strong studies are not one section, weak another: $(cat page.md)"
grep -qE '^\| reduce-scatter \| 2 \| 1 \| .* \| [0-9.]+ \| [0-9.]+ \| .* \| 2 \|$' page.md ||
    fail "no line of the second study with its efficiency and what is allowed: $(cat page.md)"
grep -qE '^\| reduce-scatter \| 1 \| 1 \| .* \| 1.00 \|  \| .* \| 1 \|$' page.md || fail "one rank is allowed something: $(cat page.md)"
grep -q '(one.svg)' page.md || fail "no figure"
grep -q '123.6' page.md || fail "no published time"
echo '{"schema": 1}' >wrong.json
status=0
out=$("$root/tools/scaling_report.py" wrong.json 2>&1) || status=$?
[ "$status" -eq 2 ] || fail "a file that is no study: exit status $status"
grep -q wrong.json <<<"$out" || fail "the message does not name the file: $out"
echo "all right"
