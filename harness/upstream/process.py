"""An upstream's script in a process of its own: started, listened to, and ended with this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import harness
from harness.errors import RunError
from harness.upstream.job import FAILURE, Job, JobArrays, write_job

# A scheduler's or a launcher's variables would make MAE-DFER's script wait for partners that nobody starts.
FOREIGN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "SLURM_", "OMPI_")


def start(job: Job, arrays: JobArrays, log: Path) -> Iterator[dict[str, Any]]:
    """Run the script of `job`, what it prints going to `log`, and yield each epoch's line as it comes.

    RunError if the script fails. If this generator or this process ends early, so does the script.
    """
    path = write_job(job.work, job, arrays)
    with _process(job, path, log) as (process, events):
        for line in events:
            yield json.loads(line)
        code = process.wait()
    if code:
        raise RunError(_failure(job, log, code))


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
            env=_variables(job),
            pass_fds=(write_end,),
        )
        os.close(write_end)
        try:
            yield process, events
        finally:
            process.kill()
            process.communicate()


def _variables(job: Job) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    package = str(Path(harness.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (package, kept.get("PYTHONPATH"))))
    threads = {"OMP_NUM_THREADS": str(job.threads)} if job.threads else {}
    return {**kept, **threads, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": visible_device(job.device, kept)}


def visible_device(device: str, variables: dict[str, str]) -> str:
    """What CUDA_VISIBLE_DEVICES must be for a script that takes the first device, or none, to take `device`."""
    if device == "cpu":
        return ""
    number = int(device.partition(":")[2] or 0)
    visible = [one for one in variables.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    return visible[number] if number < len(visible) else str(number)


def _failure(job: Job, log: Path, code: int) -> str:
    told = job.work / FAILURE
    if told.is_file():
        return f"{log.parent}: {told.read_text(encoding='utf-8')}"
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it printed nothing"
    return f"{log}: {job.entry} of {job.upstream} ended with code {code} ({last}); see this file, then run again"
