#!/usr/bin/env bash
# The Slurm scripts of jobscripts/, submitted to a real Slurm of one node (slurm_here.sh) with small synthetic galaxies:
#
#   tests/jobscripts/slurm_test.sh SOURCE_TREE PROGRAM
#
# Exit status: 0 as expected, 77 no Slurm can be started here (a line says why), 1 otherwise.
set -euo pipefail

root=$1
program=$2
here=$root/tests/jobscripts
scripts=$root/jobscripts
# shellcheck source=tools/mpi_environment.sh
. "$root/tools/mpi_environment.sh"

# Packages are installed only where nobody else uses the machine: as root in a container, which has no systemd.
if ! command -v sbatch >/dev/null || ! command -v h5diff >/dev/null; then
    if [ "$(id -u)" -eq 0 ] && [ ! -d /run/systemd/system ]; then
        "$root/tools/dependencies.sh" slurm || true
    fi
fi
if ! command -v h5diff >/dev/null; then
    echo "skipped: h5diff is not installed (Debian: apt-get install hdf5-tools)"
    exit 77
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/tessera_slurm.XXXXXX")
finish() {
    local status=$?
    trap '' INT TERM
    "$here/slurm_here.sh" stop "$work/slurm" || true
    rm -rf -- "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    for log in "$work"/run/*.log "$work"/slurm/slurm*.log; do
        [ -e "$log" ] || continue
        echo "--- $log" >&2
        tail -n 25 "$log" >&2
    done
    exit 1
}
say() { printf '%5.1f s  %s\n' "$(($(date +%s%N) / 100000000 - began))e-1" "$*"; }
began=$(($(date +%s%N) / 100000000))

status=0
"$here/slurm_here.sh" start "$work/slurm" $$ || status=$?
if [ "$status" -eq 77 ]; then
    echo "skipped: a private Slurm cannot be started here (the line above says why)"
    exit 77
fi
[ "$status" -eq 0 ] || fail "the private Slurm did not start"
export SLURM_CONF=$work/slurm/slurm.conf
say "$(sinfo --version) runs"

mkdir "$work/run"
cd "$work/run"
field() { scontrol show job "$1" --oneliner | grep -oE "(^| )$2=[^ ]*" | head -n 1 | cut -d= -f2; } # JOB NAME
end_of() {                                                                                         # JOB SECONDS
    local left=$2
    while [ -n "$(squeue -h -j "$1" 2>/dev/null)" ]; do
        [ "$left" -gt 0 ] || fail "job $1 is not done after $2 s: $(squeue -h -j "$1" -o '%i %T %r')"
        left=$((left - 1))
        sleep 1
    done
}
ended() { # JOB STATE EXIT:SIGNAL
    end_of "$1" 120
    [ "$(field "$1" JobState) $(field "$1" ExitCode)" = "$2 $3" ] || fail "job $1: $(field "$1" JobState) $(field "$1" ExitCode), not $2 $3"
}
submit() { sbatch --parsable "$@"; }
# Complete, and what one rank makes without Slurm. 1e-6 of the largest value, which is what ranks may differ by.
same_cube() { # CUBE REFERENCE
    [ -s "$1" ] || fail "$1 is not there"
    local largest
    largest=$(h5dump -d /flux -y -o /dev/stdout "$2" 2>/dev/null | awk -F'[, ]+' '{ for (i = 1; i <= NF; ++i) if ($i ~ /^[0-9]/ && $i + 0 > m) m = $i + 0 } END { print m }')
    h5diff -d "$(awk -v m="$largest" 'BEGIN { print 1e-6 * m }')" "$1" "$2" /flux >diff.log || fail "$1 is not $2 (largest $largest)"
}
of_two_ranks() { h5dump -a /provenance/n_rank "$1" | grep -q '(0): 2$' || fail "$1 was not made by 2 ranks: $(h5dump -a /provenance/n_rank "$1")"; }

cat >galaxies.sh <<'SH'
for n in 1 2 3; do
    "$1" snapshot make --stars 2000 --seed "$n" -o "stars_$n.hdf5" >/dev/null
    cat >"galaxy_$n.yaml" <<YAML
simulation: {path: stars_$n.hdf5}
galaxy: {redshift: 0.1}
telescope: {name: MUSE, field_of_view: 2, wavelength_range: [5000, 5400]}
output: {path: alone_$n.h5}
YAML
    "$1" cube "galaxy_$n.yaml" --quiet --set parallel.device=cpu
done
"$1" snapshot make --layout tng --stars 4000 --subhalos 2 --seed 4 -o box >/dev/null
SH
bash galaxies.sh "$program" >galaxies.log 2>&1 || fail "the galaxies could not be made"
# The second galaxy takes longer than its time, the first time.
cat >tessera_slow_once <<SH
#!/bin/sh
case "\$SLURM_ARRAY_TASK_ID \${SLURM_RESTART_COUNT:-0}" in
"2 0") echo "\$SLURM_ARRAY_TASK_ID" >>begun; exec sleep 300 ;;
esac
echo "\$SLURM_ARRAY_TASK_ID" >>runs
exec "$program" "\$@"
SH
# Rank 1 dies as one does that ran out of memory.
cat >tessera_dies <<SH
#!/bin/sh
[ "\$SLURM_PROCID" = 0 ] || kill -KILL \$\$
exec "$program" "\$@"
SH
# A catalogue that stands still in its first attempt, once it has a few cubes, until the signal comes that its time is up: to every
# rank, which passes it on to the program that it wakes.
cat >tessera_stands_still <<SH
#!/bin/bash
[ "\$1 \${2##*.} \${SLURM_RESTART_COUNT:-0}" = "catalog yaml 0" ] || exec "$program" "\$@"
"$program" "\$@" &
trap 'touch told; kill -CONT \$!' USR1
until [ -e told ] || [ "\$(ls survey/cubes 2>/dev/null | wc -l)" -ge 4 ] || ! kill -0 \$!; do sleep 0.1; done
[ -e told ] || kill -STOP \$!
until [ -e told ] || ! kill -0 \$!; do sleep 0.1; done
kill -USR1 \$!
wait \$!
status=\$?
while kill -0 \$! 2>/dev/null; do wait \$!; status=\$?; done # a signal ends the first wait
exit \$status
SH
chmod +x tessera_slow_once tessera_stands_still tessera_dies
say "three galaxies and a box are there"

small=(--nodes=1 --ntasks-per-node=2 --cpus-per-task=1 --output=%x-%j.log)
ls galaxy_?.yaml >list.txt
# The signal comes 20 to 50 s after the start: 10 s before the time is up, or up to 60 s earlier (sbatch's manual).
array=$(TESSERA=$work/run/tessera_slow_once submit --array=1-3 --cpus-per-task=1 --mem-per-cpu=100 --time=1 --signal=B:USR1@10 "$scripts/slurm_array.sh" list.txt cubes)

# The two galaxies of the box once would be done in no time.
cat >survey.yaml <<YAML
simulation: {path: box, snapshot: 99}
galaxy: {redshift: 0.1}
telescope: {name: MUSE, field_of_view: 2, wavelength_range: [5000, 5100]}
view: {rotation: random}
catalog: {views: 100}
YAML
survey=$(TESSERA=$work/run/tessera_stands_still submit "${small[@]}" --open-mode=append --mem-per-cpu=100 --time=2 --signal=USR1@95 "$scripts/slurm_catalog.sh" survey.yaml survey)

export TESSERA=$program
by_srun=$(submit "${small[@]}" "$scripts/slurm_cube.sh" galaxy_1.yaml -o by_srun.h5)
by_mpirun=$(submit --nodes=1 --ntasks=2 --output=mpirun-%j.log --wrap "mpirun -n 2 '$program' cube galaxy_2.yaml -o by_mpirun.h5")
ended "$by_srun" COMPLETED 0:0
same_cube by_srun.h5 alone_1.h5
of_two_ranks by_srun.h5
say "slurm_cube.sh: 2 ranks by srun"
ended "$by_mpirun" COMPLETED 0:0
same_cube by_mpirun.h5 alone_2.h5
of_two_ranks by_mpirun.h5
say "2 ranks by mpirun in a job"

gpu=$(submit "${small[@]}" --gpus-per-node=2 "$scripts/slurm_gpu.sh" galaxy_3.yaml -o gpu.h5 --set parallel.device=emulated)
no_gpu=$(submit "${small[@]}" --gpus-per-node=2 "$scripts/slurm_gpu.sh" galaxy_3.yaml -o no_gpu.h5 --set parallel.device=cuda:99)
echo "telescoop: {}" >wrong.yaml
wrong=$(submit "${small[@]}" "$scripts/slurm_cube.sh" wrong.yaml)
killed=$(TESSERA=$work/run/tessera_dies submit "${small[@]}" "$scripts/slurm_cube.sh" galaxy_1.yaml -o killed.h5)
ended "$gpu" COMPLETED 0:0
[ -s gpu.h5 ] || fail "gpu.h5 is not there"
say "slurm_gpu.sh, with the emulated GPU"
ended "$wrong" FAILED 2:0
ended "$no_gpu" FAILED 4:0
say "exit codes 2 and 4 are the job's"
end_of "$killed" 60
[ "$(field "$killed" JobState)" = FAILED ] || fail "a rank was killed, and the job is $(field "$killed" JobState)"
[ ! -e killed.h5 ] || fail "killed.h5 is there after a rank was killed"
say "a rank that is killed ends the job: exit code $(field "$killed" ExitCode) after $(field "$killed" RunTime)"

if "$program" --help | grep -q '^ *scaling '; then
    study=$(submit "${small[@]}" "$scripts/slurm_scaling.sh" strong galaxy_1.yaml study)
    ended "$study" COMPLETED 0:0
    for kind in json csv png svg; do [ -s "study.$kind" ] || fail "slurm_scaling.sh: no study.$kind"; done
    say "slurm_scaling.sh: $(echo study*)"
fi

end_of "$array" 150
for n in 1 2 3; do
    same_cube "cubes/galaxy_$n.h5" "alone_$n.h5"
    [ "$(field "${array}_$n" JobState) $(field "${array}_$n" ExitCode)" = "COMPLETED 0:0" ] || fail "task $n of the array: $(field "${array}_$n" JobState)"
done
[ "$(field "${array}_2" Restarts)" -ge 1 ] || fail "the second task was not requeued"
[ "$(cat begun)" = 2 ] || fail "the second task's first attempt: $(cat begun)"
[ "$(sort runs | tr '\n' ' ')" = "1 2 3 " ] || fail "made more than once: $(sort runs | tr '\n' ' ')"
say "slurm_array.sh: three cubes, the second after $(field "${array}_2" Restarts) requeue"

ended "$survey" COMPLETED 0:0
log=tessera-catalog-$survey.log
[ "$(field "$survey" Restarts)" -ge 1 ] || fail "the catalogue was not requeued"
[ "$(grep -c 'cubes left, back into the queue' "$log")" -eq "$(field "$survey" Restarts)" ] || fail "the catalogue's requeues are not in its log"
first=$(sed -n 's/^resumable: \([0-9]*\) of 200 done.*/\1/p' "$log" | head -n 1)
[ "${first:-0}" -ge 4 ] || fail "the first attempt was to end in order, with a few cubes"
made=$(sed -n 's/.* failed; \([0-9]*\) made now in .*/\1/p' "$log" | awk '{ n += $1 } END { print n }')
[ "$made" -eq 200 ] || fail "$made cubes were made, of 200"
"$program" catalog status survey >status.log
grep -q '^done *200 (100.0 %)' status.log || fail "the catalogue is not done: $(cat status.log)"
"$program" catalog verify survey >verify.log || fail "the catalogue is not as recorded: $(cat verify.log)"
[ -s survey/catalogue.hdf5 ] || fail "slurm_catalog.sh: no table"
say "slurm_catalog.sh: 200 cubes, $first of them before the signal and $(field "$survey" Restarts) requeue"

before=$(stat -c '%n %i %Y' cubes/*)
again=$(submit --array=1-3 --cpus-per-task=1 --mem-per-cpu=100 --time=1 --output=again-%a.log "$scripts/slurm_array.sh" list.txt cubes)
cat >base.yaml <<YAML
simulation: {path: box, snapshot: 99}
galaxy: {redshift: 0.1}
telescope: {name: MUSE, field_of_view: 2, wavelength_range: [5000, 5400]}
output: {path: one_name_for_all.h5, fits: one_name_for_all.fits}
YAML
printf '0\n1\n' >subhaloes.txt
box=$(submit --array=1-2 --cpus-per-task=1 --mem-per-cpu=100 --time=5 --output=box-%a.log "$scripts/slurm_array.sh" subhaloes.txt box_cubes base.yaml)
end_of "$again" 60
[ "$(stat -c '%n %i %Y' cubes/*)" = "$before" ] || fail "a cube that was there was made again"
[ "$(cat again-?.log | grep -c 'is there already')" -eq 3 ] || fail "the second array did not find the cubes"
end_of "$box" 60
[ "$(cd box_cubes && echo *)" = "subhalo_0.h5 subhalo_1.h5" ] || fail "cubes of the box: $(cd box_cubes && echo *)"
[ ! -e one_name_for_all.fits ] || fail "the tasks wrote one file"
say "what is there is left as it is; subhaloes of a box"
[ -z "$(find . -name '.*.partial*')" ] || fail "partial files: $(find . -name '.*.partial*')"
echo "all right"
