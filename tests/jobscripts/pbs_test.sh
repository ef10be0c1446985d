#!/usr/bin/env bash
# The job scripts without a scheduler: all parse and refuse to run without their arguments; those for PBS, which hand over to
# mpirun, run with the variables that PBS would set. Usage: pbs_test.sh SOURCE_TREE PROGRAM
set -euo pipefail

root=$1
program=$2
# shellcheck source=tools/mpi_environment.sh
. "$root/tools/mpi_environment.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera_pbs.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
cd "$work"
fail() {
    echo "FAILED: $*" >&2
    cat out >&2 || true
    exit 1
}
# Runs with nothing of a scheduler in the environment but what is given: run STATUS VARIABLE=VALUE... SCRIPT [ARGUMENT...]
run() {
    local expected=$1 status=0
    shift
    env -u SLURM_ARRAY_TASK_ID -u PBS_ARRAY_INDEX TESSERA="$program" "$@" >out 2>&1 </dev/null || status=$?
    [ "$status" -eq "$expected" ] || fail "$*: exit status $status, not $expected"
}

for script in "$root"/jobscripts/*.sh; do
    bash -n "$script" || fail "$script does not parse"
    if command -v shellcheck >/dev/null; then
        shellcheck "$script" >out || fail "$script"
    fi
    run 2 bash "$script"
    grep -q "usage: .*jobscripts/$(basename "$script")" out || fail "$script does not say how it is used"
done

# A task of the array that ran out of time often enough gives up: the signal, with a stand-in for srun.
mkdir stand_in
printf '#!/bin/sh\ntouch started\nexec sleep 60\n' >stand_in/srun
chmod +x stand_in/srun
echo galaxy_1.yaml >list.txt
PATH=$work/stand_in:$PATH SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_JOB_ID=1 SLURM_RESTART_COUNT=4 "$root/jobscripts/slurm_array.sh" list.txt cubes >out 2>&1 &
task=$!
for _ in $(seq 100); do
    [ ! -e started ] || break
    sleep 0.1
done
kill -USR1 "$task"
status=0
wait "$task" || status=$?
[ "$status" -eq 1 ] || fail "slurm_array.sh: exit status $status after the last attempt, not 1"
grep -q 'given up after 5 attempts' out || fail "slurm_array.sh does not say that it gives up"
rm -r cubes

for n in 1 2; do
    "$program" snapshot make --stars 1000 --seed "$n" -o "stars_$n.hdf5" >out
    cat >"galaxy_$n.yaml" <<YAML
simulation: {path: stars_$n.hdf5}
galaxy: {redshift: 0.1}
telescope: {name: MUSE, field_of_view: 1, wavelength_range: [5000, 5200]}
output: {path: galaxy_$n.h5}
YAML
done
# mpirun finds no PBS here and takes this machine's cores for its slots.
job=(OMP_NUM_THREADS=1 PBS_O_WORKDIR="$work")
run 0 "${job[@]}" CONFIG=galaxy_1.yaml "$root/jobscripts/pbs_cube.sh"
[ -s galaxy_1.h5 ] || fail "pbs_cube.sh: no cube"
run 2 "${job[@]}" CONFIG=missing.yaml "$root/jobscripts/pbs_cube.sh"

ls galaxy_?.yaml >list.txt
array=("${job[@]}" LIST=list.txt CUBES=cubes "$root/jobscripts/pbs_array.sh")
run 0 PBS_ARRAY_INDEX=2 "${array[@]}"
[ "$(echo cubes/*)" = cubes/galaxy_2.h5 ] || fail "pbs_array.sh: $(echo cubes/*)"
before=$(stat -c '%i %Y' cubes/galaxy_2.h5)
run 0 PBS_ARRAY_INDEX=2 "${array[@]}"
grep -q 'is there already' out || fail "pbs_array.sh does not say that the cube is there"
[ "$(stat -c '%i %Y' cubes/galaxy_2.h5)" = "$before" ] || fail "pbs_array.sh made the cube again"
run 2 PBS_ARRAY_INDEX=3 "${array[@]}"
"$program" snapshot make --layout tng --stars 2000 --subhalos 2 --seed 3 -o box >out
sed 's/stars_1.hdf5/box, snapshot: 99/' galaxy_1.yaml >base.yaml
printf '0\n1\n' >subhaloes.txt
run 0 PBS_ARRAY_INDEX=2 BASE=base.yaml "${job[@]}" LIST=subhaloes.txt CUBES=box_cubes "$root/jobscripts/pbs_array.sh"
[ "$(echo box_cubes/*)" = box_cubes/subhalo_1.h5 ] || fail "pbs_array.sh: $(echo box_cubes/*)"

# A catalogue whose job is out of time goes back into the queue, and then comes to its end; with stand-ins for Slurm's commands.
cat >stand_in/srun <<'SH'
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
exec "$@"
SH
printf '#!/bin/sh\necho "$@" >requeued\n' >stand_in/scontrol
chmod +x stand_in/scontrol
catalogue=(PATH="$work/stand_in:$PATH" TESSERA_MPI=off "$root/jobscripts/slurm_catalog.sh")
run 0 SLURM_JOB_ID=7 "${catalogue[@]}" base.yaml mocks --time-limit 1e-3
[ "$(cat requeued)" = "requeue 7" ] || fail "slurm_catalog.sh does not go back into the queue"
rm requeued
run 1 SLURM_JOB_ID=7 SLURM_RESTART_COUNT=4 "${catalogue[@]}" base.yaml mocks --time-limit 1e-3
grep -q 'longer --time' out || fail "slurm_catalog.sh does not say why it gives up"
[ ! -e requeued ] || fail "slurm_catalog.sh goes back into the queue though nothing is made"
run 0 SLURM_JOB_ID=7 SLURM_JOB_END_TIME=$(($(date +%s) + 900)) "${catalogue[@]}" base.yaml mocks
[ "$(ls mocks/cubes | wc -l)" -eq 2 ] || fail "slurm_catalog.sh: $(ls mocks/cubes)"
[ ! -e requeued ] || fail "slurm_catalog.sh goes back into the queue when all is done"
echo base.yaml >list.txt
run 0 SLURM_JOB_ID=8 SLURM_ARRAY_JOB_ID=8 SLURM_ARRAY_TASK_ID=1 "${catalogue[@]}" list.txt all
[ -s all/base/catalogue.fits ] || fail "slurm_catalog.sh: no catalogue of the list's first line"
run 2 SLURM_JOB_ID=8 SLURM_ARRAY_JOB_ID=8 SLURM_ARRAY_TASK_ID=2 "${catalogue[@]}" list.txt all

# A machine without GPUs is an error that says so (exit code 4), one with GPUs has a cube now.
status=0
env TESSERA="$program" "${job[@]}" CONFIG=galaxy_2.yaml "$root/jobscripts/pbs_gpu.sh" >out 2>&1 </dev/null || status=$?
case $status in
0) [ -s galaxy_2.h5 ] || fail "pbs_gpu.sh: no cube" ;;
4) grep -q 'error:.*parallel.device: cpu' out || fail "pbs_gpu.sh does not say how to go on without a GPU" ;;
*) fail "pbs_gpu.sh: exit status $status" ;;
esac

if "$program" --help | grep -q '^ *scaling '; then
    run 0 "${job[@]}" KIND=strong CONFIG=galaxy_1.yaml STUDY=study "$root/jobscripts/pbs_scaling.sh"
    for kind in json csv png svg; do [ -s "study.$kind" ] || fail "pbs_scaling.sh: no study.$kind"; done
fi
echo "all right"
