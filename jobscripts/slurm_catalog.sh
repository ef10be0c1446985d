#!/bin/bash
# A catalogue of mock cubes under Slurm; as a job array several, the configurations of LIST a line each:
#   sbatch jobscripts/slurm_catalog.sh survey.yaml FOLDER
#   sbatch --array=1-$(wc -l < LIST) jobscripts/slurm_catalog.sh LIST FOLDER       cubes in FOLDER/NAME of each NAME.yaml
# FOLDER is catalog.output. What is there already is kept: the same command goes on with it, whatever ended the job before. A job
# that runs out of time begins no more cubes, writes the tables, and goes back into the queue by itself.
# Lines marked <- are yours to change; options of sbatch go before the script's name, those of tessera catalog to the end.
#SBATCH --job-name=tessera-catalog
#SBATCH --nodes=1                   # <-
#SBATCH --ntasks-per-node=32        # <- a rank a core: galaxies share nothing
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G            # <- `tessera catalog --dry-run` tells what a rank needs
#SBATCH --time=04:00:00             # <-
#SBATCH --signal=USR1@300           # to every rank, 300 s before the time is up: longer than a galaxy takes
#SBATCH --requeue
#SBATCH --open-mode=append          # the next attempt keeps this one's log
#SBATCH --output=tessera-%x-%A_%a.log
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: sbatch [--array=1-N] jobscripts/slurm_catalog.sh CONFIG.yaml|LIST FOLDER [options of tessera catalog]" >&2
    exit 2
fi
# module load gcc openmpi hdf5 fftw           # <- the modules that tessera was built with

tessera=${TESSERA:-build/release/bin/tessera} # <- the program; a relative path starts where sbatch was called
attempts=5                                    # <- then a job in which no cube is made is given up
config=$1
folder=$2
job=${SLURM_JOB_ID:-0}
shift 2
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    config=$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$config")
    [ -n "$config" ] || { echo "the list has no line $SLURM_ARRAY_TASK_ID" >&2 && exit 2; }
    folder=$folder/$(basename "$config" .yaml)
    job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
fi

# Slurm 22.05 and later tell when the job ends: no galaxy is begun that would not be done by then.
limit=()
if [ -n "${SLURM_JOB_END_TIME:-}" ]; then
    left=$((SLURM_JOB_END_TIME - $(date +%s) - 60)) # 60 s to end in
    limit=(--time-limit "$((left > 1 ? left : 1))")
fi

# What `tessera catalog status` counts under these names.
count() { TESSERA_MPI=off "$tessera" catalog status "$folder" | awk -v names="$1" '$1 ~ "^(" names ")$" { n += $2 } END { print n + 0 }'; }
before=
[ ! -e "$folder/manifest.journal" ] || before=$(count 'waiting|running|unpacked')

export OMP_NUM_THREADS=1
srun --mpi=pmix --cpu-bind=cores --kill-on-bad-exit=1 \
    "$tessera" catalog "$config" -o "$folder" --resume --set parallel.threads=1 ${limit[@]+"${limit[@]}"} "$@"

# 0 with cubes still to be made: out of time, or told to give way.
open=$(count 'waiting|running|unpacked')
if [ "$open" -gt 0 ]; then
    if [ "$open" -ge "${before:-$(count 'cubes|unpacked')}" ] && [ "${SLURM_RESTART_COUNT:-0}" -ge "$((attempts - 1))" ]; then
        echo "$folder: $open cubes left, and none made in attempt $((SLURM_RESTART_COUNT + 1)); give the job a longer --time" >&2
        exit 1
    fi
    echo "$folder: $open cubes left, back into the queue"
    scontrol requeue "$job"
fi
