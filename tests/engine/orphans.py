"""`python tests/engine/orphans.py N`: kill a process with -9, N times, that has just launched two ranks.

Both must end within seconds, though nobody tells them. test_distributed.py does the same to one rank, without a launch.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PATIENCE = 20.0  # seconds


def endless(say: Callable[[str, Any], None]) -> None:
    """What a rank does: say who this is, and wait."""
    print(os.getpid(), flush=True)
    signal.pause()


def parent_of_two() -> None:
    """Launch two ranks that never end."""
    import orphans  # by a name that the ranks can import

    from harness.engine.elastic import run_ranks

    run_ranks("parent", 2, orphans.endless, hear=lambda kind, content: None)


def parent_of_one(said: Any) -> None:
    """A rank that never ends, as a fork of this process."""
    from harness.engine.elastic import _rank

    multiprocessing.get_context("fork").Process(target=_rank, args=(said, endless, ())).start()
    signal.pause()


def alive(pid: int) -> bool:
    """Whether the process runs: a zombie waits for its new parent to take note of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids: Iterable[int]) -> bool:
    """Whether all of them end before patience does."""
    waiting, deadline = list(pids), time.monotonic() + PATIENCE
    while any(map(alive, waiting)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def killed() -> bool:
    """Kill one parent; whether its ranks, which ran, are gone."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    # What the dead leave in /dev/shm is cleared away for them, with a warning.
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", "import orphans; orphans.parent_of_two()"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout is not None
    with process.stdout:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        assert all(map(alive, pids))
        process.kill()
        process.wait()
        return gone(pids)


def main(times: int) -> int:
    good = sum(killed() for _ in range(times))
    print(f"{good} of {times} killed processes took their ranks along")
    return 0 if good == times else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
