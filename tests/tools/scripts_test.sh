#!/usr/bin/env bash
# The scripts are valid shell, say how they are used, and refuse wrong arguments before doing anything.
set -euo pipefail

root=$1
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
for script in "$root"/tools/*.sh "$root"/jobscripts/*.sh "$root"/.ci/run; do
    bash -n "$script" || fail "$script does not parse"
done
for script in dependencies quickstart test lint fetch_ssp python_environment gpu_check gpu_pack; do
    "$root/tools/$script.sh" --help </dev/null | grep -q "tools/$script.sh" || fail "tools/$script.sh --help does not show its usage"
done
refused() { # STATUS WORD COMMAND...
    local expected=$1 word=$2 status=0 out
    shift 2
    out=$("$@" 2>&1 </dev/null) || status=$?
    [ "$status" -eq "$expected" ] || fail "$*: exit status $status, not $expected"
    grep -q -- "$word" <<<"$out" || fail "$*: the message does not name $word: $out"
}
refused 2 --rank "$root/tools/quickstart.sh" --rank 2
refused 2 "'none'" "$root/tools/quickstart.sh" --ranks none
refused 2 --stars "$root/tools/quickstart.sh" --stars
refused 2 "'smell'" "$root/tools/python_environment.sh" smell
refused 1 "'smell'" "$root/tools/lint.sh" smell
refused 2 CONFIG.yaml bash "$root/jobscripts/slurm_cube.sh"
refused 2 CONFIG bash "$root/jobscripts/pbs_cube.sh"
echo "all right"
