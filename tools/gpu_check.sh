#!/usr/bin/env bash
# Checks and measures tessera on a machine with a GPU: tests, faults, cubes of CPU and GPU compared, the benchmark. At most 8 minutes.
#
#   tools/gpu_check.sh [--build DIR] [options]       with a build of TESSERA_CUDA=ON and its tests [build/release]
#   tools/gpu_check.sh --pack OUT.tar.gz [--build DIR] [--ssp FILE]
#                                                    packs that build for a machine with a GPU and nothing else; there,
#                                                    unpacked: tessera-gpu/gpu_check.sh [options]
#   --device D    cuda; emulated: no GPU, every step in a small size, to test this script       [cuda]
#   --minutes M   what is not begun by then fails                                              [8]
#   --ssp FILE    SSP library of the benchmark                                                 [the built-in one]
#   -o FILE       the report; tools/gpu_report.py makes a page of it                           [gpu_report.json]
# Exit status: 0 all is green, 1 something is red, 2 wrong arguments.
set -uo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
device=cuda minutes=8 report=gpu_report.json build='' ssp='' pack=''
refuse() {
    echo "gpu_check: $*; see $0 --help" >&2
    exit 2
}
while [ $# -gt 0 ]; do
    case $1 in
    --build | --device | --minutes | --ssp | --pack | -o)
        [ -n "${2:-}" ] || refuse "$1 needs a value"
        case $1 in
        --build) build=$2 ;;
        --device) device=$2 ;;
        --minutes) minutes=$2 ;;
        --ssp) ssp=$2 ;;
        --pack) pack=$2 ;;
        -o) report=$2 ;;
        esac
        shift 2
        ;;
    -h | --help)
        sed -n '2,12s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) refuse "unknown argument '$1'" ;;
    esac
done
case $device in cuda | emulated) ;; *) refuse "--device is cuda or emulated, not '$device'" ;; esac
[[ $minutes =~ ^[1-9][0-9]*$ ]] || refuse "--minutes needs a positive whole number, found '$minutes'"

if [ -x "$here/run" ]; then # unpacked
    [ -z "$pack$build" ] || refuse "--pack and --build are for a source tree"
    list=$here/gpu_tests.txt
    [ -n "$ssp" ] || [ ! -e "$here/data/ssp.h5" ] || ssp=$here/data/ssp.h5
    ours() { "$here/run" "$@"; }
    # Reads the sources, which are not here.
    export GTEST_FILTER=-Nccl.EveryCallIsChecked
else
    build=${build:-$here/../build/release}
    if [ -n "$pack" ]; then
        more=()
        [ -z "$ssp" ] || more=(--ssp "$ssp")
        exec "$here/gpu_pack.sh" --build "$build" "${more[@]}" "$pack"
    fi
    [ -d "$build" ] || refuse "no build folder '$build'"
    build=$(CDPATH='' cd -- "$build" && pwd)
    list=$build/gpu_tests.txt
    if ! [ -x "$build/bin/tessera_gpu_bench" ] || ! [ -e "$list" ]; then refuse "$build has no tests: build with -DTESSERA_TESTS=ON"; fi
    # shellcheck source=tools/mpi_environment.sh
    . "$here/mpi_environment.sh"
    ours() { # [-n RANKS] PROGRAM ARGUMENT...
        local launch=()
        if [ "$1" = -n ]; then
            launch=(mpirun -n "$2")
            shift 2
        fi
        local program=$build/bin/$1
        [ -x "$program" ] || program=$build/tests/$1
        shift
        "${launch[@]}" "$program" "$@"
    }
fi
[ -z "$ssp" ] || ssp=$(readlink -f -- "$ssp")
[ -z "$ssp" ] || [ -r "$ssp" ] || refuse "cannot read the library '$ssp'"
report=$(readlink -m -- "$report")
export here build OMP_NUM_THREADS="${OMP_NUM_THREADS:-}"
[ -n "$OMP_NUM_THREADS" ] || unset OMP_NUM_THREADS

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tessera-gpu-check.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd -- "$scratch" || exit 1
gpu=1
[ "$device" = cuda ] || gpu=0
stars=300000
[ "$gpu" = 1 ] || stars=2000

red=0 rows=''
green_text='' red_text='' plain=''
if [ -t 1 ]; then green_text=$'\e[32m' red_text=$'\e[31m' plain=$'\e[0m'; fi
json_text() { # as a JSON string
    printf '"%s"' "$(printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}
left() { echo $((60 * minutes - SECONDS)); }
# NAME STATE SECONDS REMARK: a line of the table and of the report. STATE: green, red, absent (nothing to check here).
record() {
    local colour=$green_text
    case $2 in
    red)
        red=$((red + 1))
        colour=$red_text
        ;;
    absent) colour='' ;;
    esac
    printf '%s%-6s%s %6s s  %-30s %s\n' "$colour" "$2" "$plain" "$3" "$1" "$4"
    rows+="${rows:+,
  }{\"name\": $(json_text "$1"), \"state\": \"$2\", \"seconds\": $3, \"remark\": $(json_text "$4")}"
}
# NAME LIMIT FUNCTION ARGUMENT...: runs it within its limit and what is left. Its last line is the remark; its status 77: nothing to check.
step() {
    local name=$1 limit=$2 status=0 from=$SECONDS remark
    shift 2
    local log=${name//\//-}.log
    [ "$(left)" -ge "$limit" ] || limit=$(left)
    if [ "$limit" -le 0 ]; then
        record "$name" red 0 "not begun: $minutes minutes are over"
        return
    fi
    # A shell of its own, so that the limit holds for all that the function starts.
    timeout -k 5 "$limit" bash -uo pipefail -c '. ./functions; "$@"' step "$@" >"$log" 2>&1 </dev/null || status=$?
    remark=$(tail -n 1 -- "$log" | cut -c 1-150)
    case $status in
    0) record "$name" green $((SECONDS - from)) "$remark" ;;
    77) record "$name" absent $((SECONDS - from)) "$remark" ;;
    *)
        case $status in 124 | 137) remark="not done in $limit s: $remark" ;; esac
        record "$name" red $((SECONDS - from)) "exit status $status: $remark"
        tail -n 25 -- "$log" | sed 's/^/    | /'
        ;;
    esac
}

machine() {
    if [ "$gpu" = 0 ]; then
        echo "emulation on $(nproc) cores"
        return
    fi
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi
        nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv,noheader >gpus.txt
        cat gpus.txt
    fi
    local found # as the program sees it
    found=$(ours tessera --version | sed -nE 's/^ *GPU +//p')
    echo "$found"
    [ -n "$found" ] && [[ $found != "no GPU"* ]]
}
programs() {
    ours tessera --version | tee version.txt
    head -n 1 version.txt
    [ -s version.txt ]
}

# PROGRAM RANKS: its tests; none may be skipped for want of a GPU.
tests() {
    local launch=() status=0
    [ "$2" = 0 ] || launch=(-n "$2")
    export OMP_NUM_THREADS=2
    ours "${launch[@]}" "$1" --gtest_brief=0 --gtest_color=no 2>&1 | tee tests.log || status=$?
    local passed skipped
    passed=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) test.*/\1/p' tests.log | tail -n 1)
    skipped=$(sed -nE 's/^\[  SKIPPED \] ([0-9]+) test.*/\1/p' tests.log | tail -n 1)
    if [ "$status" -ne 0 ]; then
        local failed
        failed=$(sed -nE 's/^\[  FAILED  \] ([^ ,]+).*/\1/p' tests.log | sort -u | head -n 5 | tr '\n' ' ')
        echo "${failed:-ended with status $status}"
        return 1
    fi
    if [ "$gpu" = 1 ] && grep -qiE '^no GPU($|[^,])' tests.log; then # "no GPU, or …": not for that
        echo "tests were skipped for want of a GPU"
        return 1
    fi
    echo "${passed:-0} passed, ${skipped:-0} had nothing to check here"
    [ "${passed:-0}" -gt 0 ] || return 77
}

# STATUS WORD COMMAND...: ends with that status and says the word.
ends_with() {
    local expected=$1 word=$2 status=0
    shift 2
    "$@" >fault.log 2>&1 || status=$?
    cat fault.log
    if [ "$status" -ne "$expected" ]; then
        echo "exit status $status, not $expected: $(head -n 1 fault.log)"
        return 1
    fi
    grep -qi -- "$word" fault.log || { echo "the message does not say '$word'"; return 1; }
    echo "exit status $status, and a message that says '$word'"
}
cube() { # OUT SETTING...: of the galaxy
    local out=$1 settings=()
    shift
    for setting in "$@"; do settings+=(--set "$setting"); done
    ours tessera cube galaxy.yaml -o "$out" --timings "${settings[@]}"
}
no_gpu() { CUDA_VISIBLE_DEVICES='' ends_with 4 GPU cube none.h5 parallel.device=cuda; }
wrong_gpu() { ends_with 4 GPU cube none.h5 parallel.device=cuda:99; }
hidden_library() { TESSERA_CUDA_LIBRARY=none ends_with 4 TESSERA_CUDA_LIBRARY cube none.h5 parallel.device=cuda; }
without_gpu() { CUDA_VISIBLE_DEVICES='' cube without.h5 parallel.device=auto && echo "auto goes on without a GPU"; }
# With so much memory left on the GPU, MiB: a cube, or an error that says so; never anything else.
little_memory() {
    local status=0 holder
    if [ "$gpu" = 0 ]; then # a smaller galaxy, and memory of its own
        TESSERA_EMULATED_MEMORY=$(($1 << 17)) cube little.h5 parallel.device=emulated synthesis.method=exact >fault.log 2>&1 || status=$?
    else
        mkfifo lock
        ours tessera_gpu_bench --leave "$1" <lock >held.log 2>&1 &
        holder=$!
        exec 9>lock
        for _ in $(seq 100); do
            if grep -q held held.log || ! kill -0 "$holder" 2>/dev/null; then break; fi
            sleep 0.2
        done
        cube little.h5 parallel.device=cuda synthesis.method=exact >fault.log 2>&1 || status=$?
        exec 9>&-
        wait
        rm -f lock
        cat held.log
        grep -q held held.log || { echo "the memory could not be taken"; return 1; }
    fi
    cat fault.log
    case $status in
    0) same little.h5 cpu.h5 1e-5 ;;
    4) echo "exit status 4: $(grep -m 1 -i memory fault.log || head -n 1 fault.log)" ;;
    *)
        echo "exit status $status: $(head -n 1 fault.log)"
        return 1
        ;;
    esac
}

make_galaxy() {
    ours tessera snapshot make --stars "$stars" --gas 0 --seed 3 --inclination 50 --scale-length 1 --stellar-mass 5e10 --redshift 0.06 -o galaxy.hdf5 || return 1
    cat >galaxy.yaml <<YAML
simulation: {path: galaxy.hdf5}
galaxy: {redshift: 0.06}
telescope: {name: MUSE}
noise: {kind: signal-to-noise, signal_to_noise: 30}
YAML
    [ "$gpu" = 1 ] || echo "output: {path: cube.h5}
parallel: {threads: 1}" >>galaxy.yaml
    cube cpu.h5 parallel.device=cpu synthesis.method=exact && echo "$stars stars, CPU"
}
# A B MOST: their fluxes differ by at most so much of the largest.
same() {
    local difference
    difference=$(ours tessera_gpu_bench --compare "$1" "$2") || return 1
    echo "differs by $difference of the largest flux"
    awk -v d="$difference" -v m="$3" 'BEGIN { exit !(d <= m) }' || { echo "differs by $difference of the largest flux, more than $3"; return 1; }
}
# RANKS METHOD MOST
device_cube() {
    local launch=()
    [ "$1" = 1 ] || launch=(-n "$1")
    ours "${launch[@]}" tessera cube galaxy.yaml -o "gpu-$1-$2.h5" --timings --set "parallel.device=$device" --set "synthesis.method=$2" || return 1
    same "gpu-$1-$2.h5" cpu.h5 "$3"
}
twice() {
    cube again.h5 "parallel.device=$device" synthesis.method=exact || return 1
    same again.h5 gpu-1-exact.h5 0
}

# A catalogue of small galaxies, together and one by one: galaxies a second by its own clock, and the same cubes.
catalogue() {
    local n_star=4000000 n_galaxy=40 settings='telescope: {name: MaNGA_37}' rate=()
    [ "$gpu" = 1 ] || n_star=8000 n_galaxy=8 settings='telescope: {field_of_view: 4, spaxel_size: 0.5, wavelength_range: [5000, 5100]}'
    ours tessera snapshot make --layout tng --stars "$n_star" --subhalos "$n_galaxy" --chunks 2 --seed 3 -o box || return 1
    for together in 16 1; do
        cat >survey.yaml <<YAML
simulation: {format: tng, path: box, snapshot: 99}
catalog: {select: "flag == 1 and n_stars > 50", redshift: 0.04, views: 4, output: mocks-$together, together: $together}
$settings
psf: {profile: moffat, fwhm: 2.5}
view: {rotation: random}
parallel: {threads: 1, device: $device}
output: {empty: zeros}
YAML
        ours tessera catalog survey.yaml >catalog.log 2>&1 || { cat catalog.log; return 1; }
        cat catalog.log
        rate+=("$(sed -nE 's/.* ([0-9]+) made now in ([0-9.e+-]+) s.*/\1 \2/p' catalog.log | awk '{ printf "%.3g", $1 / $2 }')")
    done
    for one in mocks-1/cubes/*.h5; do same "mocks-16/cubes/${one##*/}" "$one" 1e-6 || return 1; done
    rm -rf mocks-16 mocks-1
    echo "${rate[0]} galaxies a second, up to 16 together; ${rate[1]} one by one"
}
benchmark() {
    local more=()
    [ -z "$ssp" ] || more+=(--ssp "$ssp")
    [ "$gpu" = 1 ] || more+=(--small)
    ours tessera_gpu_bench --device "$device" --seconds 100 "${more[@]}" -o benchmark.json || return 1
    echo "results in the report"
}
sanitizer() {
    [ "$gpu" = 1 ] || { echo "the emulation checks each access itself"; return 77; }
    local tool program=device_cuda_test
    tool=$(PATH=$PATH:/usr/local/cuda/bin command -v compute-sanitizer) || { echo "compute-sanitizer is not installed here"; return 77; }
    if [ -x "$here/run" ]; then # `run` replaces itself by the program; the tool follows it there
        "$tool" --tool memcheck --report-api-errors no --target-processes all --error-exitcode 9 "$here/run" "$program" --gtest_filter='*Passes*'
    else
        "$tool" --tool memcheck --report-api-errors no --error-exitcode 9 "$build/tests/$program" --gtest_filter='*Passes*'
    fi || return 1
    echo "no access beyond what is reserved"
}

# What steps need in a shell of their own.
{
    declare -p here build device ssp gpu stars
    declare -f ours machine programs tests ends_with cube no_gpu wrong_gpu hidden_library without_gpu little_memory make_galaxy same \
        device_cube twice catalogue benchmark sanitizer
} >functions

echo "tessera on $device, at most $minutes minutes"
step machine 30 machine
if [ "$red" -eq 0 ]; then # without a GPU all else would be red for the same reason
    step programs 60 programs
    step cube/cpu 90 make_galaxy
    step cube/exact 60 device_cube 1 exact 1e-5
    step cube/exact.2 60 device_cube 2 exact 1e-5
    step cube/exact.4 60 device_cube 4 exact 1e-5
    step cube/auto 60 device_cube 1 auto 1e-2
    step cube/again 60 twice
    step catalogue 120 catalogue
    step fault/no_gpu 30 no_gpu
    step fault/wrong_gpu 30 wrong_gpu
    step fault/hidden_library 30 hidden_library
    step fault/cpu_instead 60 without_gpu
    step fault/memory.64 60 little_memory 64
    step fault/memory.1000 60 little_memory 1000
    step benchmark 150 benchmark
    while read -r name program ranks; do
        if [ -z "$ranks" ]; then
            step "test/$name" 100 tests "$program" 0
        else
            for n in 1 2 4; do [[ " $ranks " != *" $n "* ]] || step "test/$name.$n" 100 tests "$program" "$n"; done
        fi
    done <"$list"
    step sanitizer 100 sanitizer
fi

{
    printf '{\n "schema": 1,\n "date": "%s",\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    printf ' "device": "%s",\n "version": %s,\n' "$device" "$(json_text "$(head -n 1 version.txt 2>/dev/null)")"
    printf ' "gpus": %s,\n' "$(json_text "$(cat gpus.txt 2>/dev/null)")"
    printf ' "cpu": %s,\n "cores": %s,\n' "$(json_text "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)")" "$(nproc)"
    printf ' "seconds": %s,\n "red": %s,\n "steps": [\n  %s\n ],\n "benchmark": ' "$SECONDS" "$red" "$rows"
    if [ -s benchmark.json ]; then cat benchmark.json; else echo null; fi
    printf '}\n'
} >"$report"
echo "report: $report, after $SECONDS s"
if [ "$red" -gt 0 ]; then
    echo "${red_text}$red steps are red$plain"
    exit 1
fi
echo "${green_text}all green$plain"
