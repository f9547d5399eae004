"""An upstream's script in a process of its own: started, listened to, and ended with this one.

A scheduler's or a launcher's variables stay out with the others (child.py): MAE-DFER's script would wait for partners
that nobody starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from harness.engine import stop
from harness.errors import RunError, RunStopped
from harness.upstream.child import variables
from harness.upstream.job import FAILURE, Job, JobArrays, write_job

POLL = 0.3  # seconds between two looks at whether this process was asked to stop


def start(job: Job, arrays: JobArrays, log: Path) -> Iterator[dict[str, Any]]:
    """Run the script of `job`, what it prints going to `log`, and yield each epoch's line as it comes.

    RunError if the script fails, RunStopped if this process is asked to stop (engine/stop.py). If this generator or
    this process ends early, so does the script.
    """
    path = write_job(job.work, job, arrays)
    with _process(job, path, log) as (process, events), _ended_if_asked(process):
        for line in events:
            yield json.loads(line)
        code = process.wait()
    if code and stop.asked():
        raise RunStopped(f"stopped by {stop.asked()}; an upstream's script cannot go on, it will begin again")
    if code:
        raise RunError(_failure(job, log, code))


@contextmanager
def _ended_if_asked(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the script when this process is asked to stop: it has nothing that it could save."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL):
            if stop.asked():
                process.kill()

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def _process(job: Job, path: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The worker with a pipe for its events; its standard input stays open as long as this process lives."""
    read_end, write_end = os.pipe()
    command = [sys.executable, "-P", "-m", "harness.upstream.worker", str(path), str(write_end)]
    with os.fdopen(read_end, "rb") as events, log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=job.work,
            env=variables(os.environ, job.work, job.threads, visible_device(job.device, os.environ)),
            pass_fds=(write_end,),
        )
        os.close(write_end)
        try:
            yield process, events
        finally:
            process.kill()
            process.communicate()


def visible_device(device: str, given: Mapping[str, str]) -> str:
    """What CUDA_VISIBLE_DEVICES must be for a script that takes the first device, or none, to take `device`."""
    if device == "cpu":
        return ""
    number = int(device.partition(":")[2] or 0)
    visible = [one for one in given.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    return visible[number] if number < len(visible) else str(number)


def _failure(job: Job, log: Path, code: int) -> str:
    told = job.work / FAILURE
    if told.is_file():
        return f"{log.parent}: {told.read_text(encoding='utf-8')}"
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it printed nothing"
    return f"{log}: {job.entry} of {job.upstream} ended with code {code} ({last}); see this file, then run again"
