"""End what is at the runs of a folder."""

from __future__ import annotations

from pathlib import Path

from harness.errors import RunError
from harness.runs.claim import Owner, ask_to_end, holds, last_attempt, on_this_machine
from harness.runs.queue import queued, scancel, submitted_as
from harness.runs.status import run_dirs


def cancel_runs(root: Path) -> list[str]:
    """Ask what is at the runs at or below `root` to end; a line for each.

    SLURM jobs are cancelled, local workers get SIGTERM, and so do their launchers if `root` is not itself a run: they
    would begin the next. RunError if there is no run.
    """
    found = run_dirs(root)
    if not found:
        raise RunError(f"{root}: no run in it; give the folder that `audfer run` wrote to")
    lines = _cancel_jobs(found)
    owners = {run_dir: owner for run_dir in found if (owner := _local_owner(run_dir))}
    if found != [root]:
        # First, or they would begin the next run.
        launchers = {(owner.parent, owner.parent_start) for owner in owners.values() if on_this_machine(owner)}
        lines += [f"launcher pid {pid} was asked to end" for pid, start in launchers if ask_to_end(pid, start)]
    for run_dir, owner in owners.items():
        if not on_this_machine(owner):
            lines.append(f"{run_dir}: {owner} is another machine; cancel it there")
        elif ask_to_end(owner.pid, owner.start):
            lines.append(f"{run_dir}: {owner} was asked to save and end")
    return lines


def _local_owner(run_dir: Path) -> Owner | None:
    """Who is at the run, unless it is the job that the run was given to."""
    attempt = last_attempt(run_dir)
    if attempt is None or not holds(run_dir, attempt):
        return None
    return None if attempt.owner.job and attempt.owner.job == submitted_as(run_dir) else attempt.owner


def _cancel_jobs(run_dirs: list[Path]) -> list[str]:
    jobs = {run_dir: job for run_dir in run_dirs if (job := submitted_as(run_dir))}
    queue = queued() if jobs else {}
    there = {run_dir: job for run_dir, job in jobs.items() if job in queue}
    scancel(sorted(set(there.values())))
    return [f"{run_dir}: SLURM job {job} was cancelled" for run_dir, job in there.items()]
