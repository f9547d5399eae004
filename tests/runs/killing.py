"""Kill an experiment with -9 at chosen moments, give it again, compare its predictions with those of a whole run.

As a script, `python tests/runs/killing.py N [SECONDS]` kills `audfer demo` N times, at random moments of its first
SECONDS (default 300), lets it end, and says whether all predictions are the bytes of an unharmed demo.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path


def start(arguments: list[str], work: Path) -> subprocess.Popen[str]:
    """Start `audfer ARGUMENTS` with its data and runs below `work`; its log is read from stderr."""
    command = [
        sys.executable,
        "-m",
        "harness.cli",
        *arguments,
        "--cache",
        str(work / "data"),
        "--out",
        str(work / "runs"),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=work)


def kill_when(arguments: list[str], work: Path, moment: Callable[[str], bool]) -> str | None:
    """Kill the command with -9 at the first log line that `moment` is true of; returns that line."""
    process = start(arguments, work)
    assert process.stderr is not None
    for line in process.stderr:
        if moment(line):
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            return line
    process.communicate()
    return None


def kill_after(arguments: list[str], work: Path, seconds: float) -> bool:
    """Kill the command with -9 after `seconds`; False if it had ended by then."""
    process = start(arguments, work)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    process.communicate()
    timer.cancel()
    return process.returncode == -signal.SIGKILL


def predictions(work: Path) -> dict[str, bytes]:
    """The bytes of every run's predictions by the path of the run."""
    runs = work / "runs"
    return {str(path.parent.relative_to(runs)): path.read_bytes() for path in sorted(runs.rglob("predictions.parquet"))}


def finish(arguments: list[str], work: Path) -> None:
    """Let the command end; its log is shown if it fails."""
    process = start(arguments, work)
    _, log = process.communicate()
    assert process.returncode == 0, log


def main(kills: int, seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole"), Path(folder, "killed")
        for work in (whole, killed):
            work.mkdir()
        finish(["demo"], whole)
        for left in range(kills, 0, -1):
            moment = random.uniform(0, seconds)
            harmed = kill_after(["demo"], killed, moment)
            print(
                f"kills left {left}: {moment:.1f} s, {'killed' if harmed else 'had ended'}",
                flush=True,
            )
            time.sleep(random.uniform(0, 1))
        finish(["demo"], killed)
        same = predictions(whole) == predictions(killed)
        print(f"{len(predictions(whole))} runs, predictions {'the same' if same else 'DIFFER'}")
        return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 300.0))
