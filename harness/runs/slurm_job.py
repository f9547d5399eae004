"""What a SLURM job does: one run, saved and queued again when the job is told to end before it is done."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine import stop
from harness.errors import RunClaimed, RunStopped
from harness.runs.claim import BEAT, STALE_AFTER, this_process
from harness.runs.materials import Materials
from harness.runs.queue import queued

PATIENCE = STALE_AFTER + 2 * BEAT  # for the claim of a process that died with its node
TIMES_UP = signal.SIGUSR2  # submitit's, sent before the time limit and, if the cluster is so set, at a preemption


@dataclass(frozen=True)
class RunJob:
    """A run as a job's function, pickled by submitit: only places, the run's configuration lies in its directory."""

    run_dir: Path
    materials: Materials

    def __call__(self) -> str:
        """Carry out the run; SystemExit with 75 if it was told to end, after which SLURM starts the job again."""
        # Imported here: the launcher need not pay for it.
        from harness.runs.worker import execute

        # submitit's handler would save at once, in the middle of a step: it is called once the step is over.
        queue_again: Any = signal.getsignal(TIMES_UP)
        with stop.listening(signal.SIGTERM, TIMES_UP, at_once=True):
            try:
                with stop.told():
                    # Imported here: the launcher need not pay for it.
                    from harness.runs.worker import execute

                    execute(self.run_dir, self.materials, lambda *_: None, PATIENCE)
            except RunClaimed as error:
                return str(error)
            except RunStopped as error:
                print(error, flush=True)
                if stop.asked() == TIMES_UP.name or _preempted():
                    _call(queue_again)
                sys.exit(RunStopped.exit_code)
        return "done"

    def checkpoint(self) -> Any:
        """submitit's hook: the run is saved in its directory, so the same job goes on from there."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _preempted() -> bool:
    """Whether SLURM still counts the job as running: then it was not cancelled, and nobody else queues it again."""
    job = this_process().job
    return job is not None and queued().get(job) == "RUNNING"


def _call(handler: Callable[[int, Any], Any]) -> None:
    """Let submitit call `checkpoint` and queue the job again; ends this process."""
    handler(TIMES_UP, None)
