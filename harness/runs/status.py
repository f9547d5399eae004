"""What state each run of a folder is in, read from its files and, where it was given to SLURM, from squeue."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, RunError
from harness.manifest import RunConfig, read_run_config
from harness.runs.claim import Attempt, attempts, holds
from harness.runs.queue import queued, submitted_as
from harness.runs.records import CONFIG, DONE, EPOCHS, LEAF

log = logging.getLogger(__name__)

WRONG = ("failed", "stale", "unreadable")


@dataclass(frozen=True)
class State:
    """A run and its state; said: who is at it, or why it is not done. epoch: the last that was closed, of all."""

    run_dir: Path
    state: str
    said: str
    attempts: int
    config: RunConfig | None
    last: Mapping[str, Any] | None

    @property
    def epochs(self) -> str:
        """Epochs closed of all."""
        done = self.last["epoch"] if self.last else 0
        return f"{done}/{self.config.recipe.epochs}" if self.config else "?"

    @property
    def war(self) -> float | None:
        """Test WAR of the last closed epoch, a share."""
        return self.last["test_war"] if self.last else None

    def row(self) -> dict[str, str]:
        """For a terminal."""
        war = "" if self.war is None else f"{100 * self.war:.2f}"
        return {**_names(self), "state": self.state, "epochs": self.epochs, "last WAR": war, "": self.said}

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        numbers = {"epochs": self.epochs, "war": self.war, "attempts": self.attempts}
        return {"path": str(self.run_dir), **_names(self), "state": self.state, "said": self.said, **numbers}


def states(root: Path) -> list[State]:
    """The state of every run at or below `root`, in order of path; RunError if there is none."""
    found = run_dirs(root)
    if not found:
        raise RunError(f"{root}: no run in it; give the folder that `audfer run` wrote to")
    jobs = {run_dir: job for run_dir in found if (job := submitted_as(run_dir))}
    queue = _queue() if jobs else {}
    return [_state(run_dir, jobs.get(run_dir), queue) for run_dir in found]


def run_dirs(root: Path) -> list[Path]:
    """Run directories at or below `root`, in order."""
    return sorted(path for path in (root, *root.rglob("fold*")) if LEAF.fullmatch(path.name) and path.is_dir())


def last_epoch(run_dir: Path, tried: list[Attempt]) -> Mapping[str, Any] | None:
    """The line of the last epoch that a finished run or any of its attempts closed."""
    if (run_dir / DONE).is_file():
        lines = (run_dir / EPOCHS).read_text(encoding="utf-8").splitlines()
        return dict(json.loads(lines[-1]))
    return next((attempt.epochs[-1] for attempt in reversed(tried) if attempt.epochs), None)


def _queue() -> Mapping[str, str] | None:
    """The queue; None if SLURM does not answer: the files still say most."""
    try:
        return queued()
    except RunError as error:
        log.warning("%s", error)
        return None


def _state(run_dir: Path, job: str | None, queue: Mapping[str, str] | None) -> State:
    tried = attempts(run_dir)
    try:
        config, last = read_run_config(run_dir / CONFIG), last_epoch(run_dir, tried)
    except (HarnessError, OSError, ValueError, IndexError) as error:
        return State(run_dir, "unreadable", str(error), len(tried), None, None)
    # Of a queue that is not known, no job is said to be in it or gone.
    state, said = _of(
        run_dir, tried[-1] if tried else None, None if queue is None else job, _in_queue(job, queue or {})
    )
    return State(run_dir, state, said, len(tried), config, last)


def _of(run_dir: Path, attempt: Attempt | None, job: str | None, queued_as: str | None) -> tuple[str, str]:
    """State, and who or why. job: that the run was given to; queued_as: the same with its state, if it is queued."""
    if (run_dir / DONE).is_file():
        return "done", ""
    if attempt and not attempt.ended:
        over = attempt.owner.job is not None and attempt.owner.job == job and queued_as is None
        if not over and holds(run_dir, attempt, settle=False):
            return "running", f"{attempt.owner}, since {attempt.since[:19]}"
    if queued_as:
        return "waiting", queued_as
    if attempt is None:
        return "waiting", "" if job is None else f"SLURM job {job} is gone"
    if attempt.ended:
        return ("stopped" if attempt.ended == "done" else attempt.ended), attempt.why
    return "stale", f"{attempt.owner} is gone, it had this run since {attempt.since[:19]}"


def _in_queue(job: str | None, queue: Mapping[str, str]) -> str | None:
    return f"SLURM job {job}, {queue[job].lower()}" if job and job in queue else None


def _names(state: State) -> dict[str, str]:
    config = state.config
    if config is None:
        return {"experiment": "", "model": "", "arm": "", "fold": "", "seed": ""}
    names = {"experiment": config.experiment, "model": config.model, "arm": config.arm}
    return {**names, "fold": str(config.fold), "seed": str(config.seed)}
