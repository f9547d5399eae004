"""A command in a process of its own: seconds of wall and of processor, and the memory it takes.

python tests/bench/growth.py COMMAND... prints them as JSON on its last line. Memory is the largest process's: RssAnon,
which a pack on the disk cannot blow up, sampled twenty times a second over all descendants; and the peak that the
kernel notes for the largest, which counts the pages of mapped packs, too. Slim on purpose: a process that is started
takes over its parent's peak.
"""

import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

INTERVAL = 0.05


def descendants(pid: int) -> list[int]:
    try:
        below = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return [pid]
    return [pid] + [one for child in below for one in descendants(child)]


def anonymous_kb(pid: int) -> int:
    try:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def main(command: list[str]) -> None:
    started, anonymous = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        anonymous = max(anonymous, *(anonymous_kb(pid) for pid in descendants(process.pid)))
        time.sleep(INTERVAL)
    wall, used = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {"code": process.returncode, "wall": wall, "cpu": used.ru_utime + used.ru_stime}
    print(json.dumps(found | {"anonymous_mb": anonymous / 1024, "peak_mb": used.ru_maxrss / 1024}))


if __name__ == "__main__":
    main(sys.argv[1:])
