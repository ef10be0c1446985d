"""Runs one command and writes its wall time, CPU time, peak memory and what else ran as JSON: python timed.py RESULT LOG COMMAND...

A process of its own, without numpy: Linux counts what a process held before it became the command towards the command's peak, so
whoever starts the clock has to be small (this one: 10 MiB).
"""

import json
import os
import sys
import time


def busy():
    """CPU seconds that all processes of the machine, and its host, have used so far; 0 where /proc/stat is not there."""
    try:
        with open("/proc/stat", encoding="ascii") as stream:
            user, nice, system, _, _, irq, softirq, steal = map(int, stream.readline().split()[1:9])
    except (OSError, ValueError):
        return 0
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def main(result, log, command):
    with open(log, "wb") as stream:
        before, start = busy(), time.perf_counter()
        child = os.posix_spawnp(
            command[0], command, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), 1), (os.POSIX_SPAWN_DUP2, stream.fileno(), 2)])
        _, status, usage = os.wait4(child, 0)
        wall, used = time.perf_counter() - start, busy() - before
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(result, "w", encoding="utf-8") as stream:
        json.dump({"status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status), "wall_s": wall,
                   "cpu_s": cpu, "peak_rss_bytes": peak, "others": max(0, used - cpu) / (wall * os.cpu_count())}, stream)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
