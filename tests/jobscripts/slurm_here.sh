#!/usr/bin/env bash
# A private Slurm of one node on this machine, for tests of the job scripts: its own configuration, ports, munge socket and
# key, all in one scratch folder; nothing of the system's Slurm is read or touched.
#
#   tests/jobscripts/slurm_here.sh start FOLDER [PID]   then: export SLURM_CONF=FOLDER/slurm.conf
#   tests/jobscripts/slurm_here.sh stop FOLDER          ends the daemons and whatever job still runs
#
# With PID it stops by itself when that process is no more, however it ended.
#
# The node claims 8 cores and 2 GPUs, whatever the machine has (the GPUs are names only). Requeued jobs start again after
# seconds, not after the two minutes of a real cluster (cred_expire).
# Exit status: 0 done, 77 not possible here (a line says why), 1 it did not start.
set -euo pipefail

refuse() {
    echo "slurm_here: $*" >&2
    exit 77
}
fail() {
    echo "slurm_here: $*" >&2
    tail -n 20 "$folder"/*.log >&2 || true
    exit 1
}
# True when something listens on this port.
busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
    [ "$(id -u)" -eq 0 ] || refuse "only root can start Slurm's daemons"
    local name
    for name in slurmctld slurmd slurmdbd; do
        ! pgrep -x "$name" >/dev/null || refuse "a $name runs on this machine already; it is left alone"
    done
    for name in slurmctld slurmd munged sbatch; do
        PATH=$PATH:/usr/sbin command -v "$name" >/dev/null || refuse "$name is not installed (Debian: apt-get install slurm-wlm munge)"
    done
    PATH=$PATH:/usr/sbin
    [ ! -e "$folder/slurm.conf" ] || fail "$folder is used already"
    mkdir -p "$folder/state" "$folder/spool" "$folder/munge"
    folder=$(cd "$folder" && pwd)
    chmod 755 "$folder" "$folder/munge"

    local host port=17817
    host=$(hostname -s)
    while busy "$port" || busy "$((port + 1))"; do port=$((port + 2)); done

    (umask 077 && head -c 128 /dev/urandom >"$folder/munge/key")
    # --force: the folder is root's, under a temporary folder; munged warns of both.
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munge/seed" 2>"$folder/munged_start.log" || fail "munged did not start"

    cat >"$folder/slurm.conf" <<CONF
ClusterName=tessera_test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=pmix
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=5,bf_interval=5
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 RealMemory=4000 Gres=gpu:2 State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=60 DefaultTime=5 State=UP
CONF
    echo "NodeName=$host Name=gpu File=/dev/null,/dev/zero" >"$folder/gres.conf"

    export SLURM_CONF=$folder/slurm.conf
    slurmctld -f "$SLURM_CONF" >"$folder/start.log" 2>&1 || fail "slurmctld did not start"
    slurmd -f "$SLURM_CONF" -N "$host" >>"$folder/start.log" 2>&1 || fail "slurmd did not start"
    local waited=0
    until [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; do
        [ "$waited" -lt 60 ] || fail "the node is not idle after 30 s: $(sinfo -h -o '%T %E' 2>&1)"
        waited=$((waited + 1))
        sleep 0.5
    done
    [ -z "$owner" ] || setsid "$0" watch "$folder" "$owner" </dev/null >/dev/null 2>&1 &
}

watch() {
    while kill -0 "$owner" 2>/dev/null; do
        [ -e "$folder/slurmctld.pid" ] || exit 0
        sleep 1
    done
    stop
}

stop() {
    local daemon pid
    export SLURM_CONF=$folder/slurm.conf
    if [ -e "$folder/slurmctld.pid" ]; then
        timeout 10 scancel --full --user="$(id -un)" 2>/dev/null || true
        for _ in $(seq 16); do
            [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
            sleep 0.5
        done
    fi
    for daemon in slurmd slurmctld munged; do
        [ -s "$folder/$daemon.pid" ] || continue
        pid=$(cat "$folder/$daemon.pid")
        # The number may be another process's by now.
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$daemon" ] || continue
        kill "$pid"
        for _ in $(seq 20); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.25
        done
        ! kill -0 "$pid" 2>/dev/null || kill -KILL "$pid"
    done
    rm -f "$folder"/{slurmd,slurmctld,munged}.pid
}

folder=${2:-}
owner=${3:-}
case "${1:-} $#" in
"start 2" | "start 3" | "stop 2" | "watch 3") "$1" ;;
*)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
