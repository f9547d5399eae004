"""SLURM's queue: which job a run was given to, and which of the user's jobs are still in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.errors import RunError
from harness.files import write_text

SUBMITTED = "slurm.json"  # in a run directory


def note_job(run_dir: Path, job: str) -> None:
    """Write down which job the run was given to."""
    write_text(run_dir / SUBMITTED, json.dumps({"job": job}) + "\n")


def submitted_as(run_dir: Path) -> str | None:
    """The job that the run was last given to; None if it was to none."""
    try:
        return str(json.loads((run_dir / SUBMITTED).read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def queued() -> dict[str, str]:
    """State by job (`12`, or `12_3` in an array) of the user's jobs that are pending, running or completing.

    Empty where there is no squeue. RunError if it does not answer.
    """
    if shutil.which("squeue") is None:
        return {}
    lines = _said(["squeue", "--noheader", "--array", "--format=%i|%T", f"--user={os.getuid()}"]).split()
    return dict(line.split("|", 1) for line in lines if "|" in line)


def scancel(jobs: list[str]) -> None:
    """Cancel jobs: each is told by SIGTERM, saves, and is killed after the cluster's KillWait."""
    if jobs:
        _said(["scancel", *jobs])


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise RunError(f"{command[0]}: {said.strip().splitlines()[0]}; is the cluster up?") from error
    return done.stdout
