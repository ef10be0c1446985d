#!/bin/bash
# Many galaxies under Slurm, each a task of a job array. LIST names one a line; the cubes go to the folder CUBES:
#   sbatch --array=1-$(wc -l < LIST)%50 jobscripts/slurm_array.sh LIST CUBES              a configuration a line
#   sbatch --array=1-$(wc -l < LIST)%50 jobscripts/slurm_array.sh LIST CUBES base.yaml    a subhalo's number a line
# (%50: at most so many at once.) A cube that is there already is left as it is, so that the same command does what is missing.
# A task that runs out of time, or gives way to another job, goes back into the queue by itself.
# Lines marked <- are yours to change; options of sbatch go before the script's name, those of tessera cube to the end.
#SBATCH --job-name=tessera-array
#SBATCH --nodes=1
#SBATCH --ntasks=1                  # <- ranks a galaxy; 1 unless it needs the memory of several
#SBATCH --cpus-per-task=8           # <- threads a rank
#SBATCH --mem-per-cpu=2G            # <- `tessera cube --dry-run` tells what a rank needs
#SBATCH --time=00:30:00             # <- longer than most galaxies take
#SBATCH --signal=B:USR1@120         # to this script, 120 s before the time is up
#SBATCH --requeue
#SBATCH --open-mode=append          # a second attempt keeps the first one's log
#SBATCH --output=tessera-%A_%a.log
set -euo pipefail

if [ $# -lt 2 ] || [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
    echo "usage: sbatch --array=1-N jobscripts/slurm_array.sh LIST CUBES [BASE.yaml] [options of tessera cube]" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where sbatch was called
attempts=5                                    # <- then the galaxy needs a longer --time
threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads OMP_PLACES=cores OMP_PROC_BIND=close

# FIRST=1000: task 1 takes line 1001. For lists longer than the cluster's MaxArraySize (`scontrol show config`).
line=$(sed -n "$((SLURM_ARRAY_TASK_ID + ${FIRST:-0}))p" "$1")
cubes=$2
shift 2
if [ -z "$line" ]; then
    echo "the list has no line $((SLURM_ARRAY_TASK_ID + ${FIRST:-0}))" >&2
    exit 2
elif [[ $line =~ ^[0-9]+$ ]]; then
    name=subhalo_$line
    # One name in base.yaml would be the same file for all of them.
    galaxy=("${1:?a list of subhaloes needs BASE.yaml}" --set "simulation.subhalo=$line" --set output.fits=null --set output.quicklook=null)
    shift
else
    name=$(basename "$line" .yaml)
    galaxy=("$line")
fi
cube=$cubes/$name.h5
if [ -e "$cube" ]; then # tessera gives a file its name when it is complete, not before
    echo "$cube is there already"
    exit 0
fi
mkdir -p "$cubes"

requeue() {
    trap '' USR1
    if [ "${SLURM_RESTART_COUNT:-0}" -ge "$((attempts - 1))" ]; then
        echo "$name: given up after $attempts attempts; it needs a longer --time" >&2
        [ -z "$step" ] || kill "$step"
        exit 1
    fi
    echo "$name: back into the queue"
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    sleep 600 # Slurm ends this attempt meanwhile
}
step=
trap requeue USR1

# In the background: bash handles a signal only between commands, or in `wait`.
srun --mpi=pmix --cpus-per-task="$threads" --cpu-bind=cores --kill-on-bad-exit=1 \
    "$tessera" cube "${galaxy[@]}" -o "$cube" --set "parallel.threads=$threads" "$@" &
step=$!
wait "$step"
