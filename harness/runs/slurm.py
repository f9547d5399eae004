"""Carry out runs on a SLURM cluster: a job for each, packed in arrays, through submitit; and wait for them.

What a job did is read from its run directory: no accounting database is needed, and no pickle of a job is read back.
"""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.engine import stop
from harness.errors import HarnessError, RunError
from harness.runs.claim import holds, last_attempt
from harness.runs.launch_manifest import Launch
from harness.runs.materials import Materials
from harness.runs.planned import Outcome, Planned, Tell
from harness.runs.queue import note_job, queued, submitted_as
from harness.runs.records import EPOCHS
from harness.runs.slurm_job import RunJob

FOLDER = ".slurm"  # below the folder of runs: what submitit needs, and what the jobs print
SETTLE = 90.0  # seconds after which a file that a job wrote is seen here too, on NFS
NAME = "audfer"


def carry_out(
    runs: Sequence[Planned], materials: Materials, out: Path, how: Launch, tell: Tell, *, detach: bool = False
) -> Outcome:
    """Submit the runs that are not in the queue and not at work, and wait for all of them; `detach`: do not wait.

    Errors: HarnessError without submitit, RunError without SLURM or if it refuses. SIGTERM and Ctrl-C end the waiting,
    not the jobs.
    """
    _submit(_free(runs, tell), materials, out, how, tell)
    if detach:
        tell.line(f"not waiting; see `audfer runs list {out}`")
        return Outcome()
    return _wait(runs, out, tell)


def parameters(how: Launch, nproc: int = 1) -> dict[str, Any]:
    """What submitit is told of the job of a run of `nproc` processes, in its names for sbatch's options."""
    cpus = how.cpus * nproc
    named: dict[str, Any] = {
        "partition": how.partition,
        "account": how.account,
        "qos": how.qos,
        "constraint": how.constraint,
    }
    named |= {"mem": how.mem, "gpus_per_node": how.gpus * nproc or None, "setup": list(how.setup) or None}
    return {
        **{key: value for key, value in named.items() if value is not None},
        "job_name": NAME,
        "time": how.time,
        "cpus_per_task": cpus,
        # Since SLURM 22.05 a step does not inherit the job's CPUs for a task.
        "srun_args": [f"--cpus-per-task={cpus}"],
        "signal_delay_s": how.grace,
        "array_parallelism": how.array_limit,
        "additional_parameters": {"requeue": True, **how.sbatch},
    }


def _free(runs: Sequence[Planned], tell: Tell) -> list[Planned]:
    """The runs that no job and no process has."""
    queue = queued()
    free = []
    for planned in runs:
        attempt, job = last_attempt(planned.run_dir), submitted_as(planned.run_dir)
        if job in queue:
            tell.line(f"{planned.run_dir}: SLURM job {job} is {queue[job].lower()}; waiting for it")
        elif attempt and holds(planned.run_dir, attempt):
            tell.line(f"{planned.run_dir}: {attempt.owner} is at this run; waiting for it")
        else:
            free.append(planned)
    return free


def _submit(runs: Sequence[Planned], materials: Materials, out: Path, how: Launch, tell: Tell) -> None:
    if not runs:
        return
    executor = _executor(out / FOLDER, parameters(how, runs[0].config.nproc), how.requeues)
    for start in range(0, len(runs), how.array_size):
        some = runs[start : start + how.array_size]
        try:
            jobs = executor.submit_array([RunJob(one.run_dir.absolute(), _absolute(materials)) for one in some])
        except Exception as error:  # submitit's own errors, and those of sbatch, have no common class
            said = _last_line(error)
            raise RunError(f"sbatch refused the jobs: {said}; see --partition, --time and so on") from error
        for planned, job in zip(some, jobs, strict=True):
            note_job(planned.run_dir, job.job_id)
        tell.line(f"{len(some)} SLURM jobs submitted: {jobs[0].job_id} to {jobs[-1].job_id}; logs in {out / FOLDER}")


def _executor(folder: Path, named: dict[str, Any], requeues: int) -> Any:
    try:
        import submitit
    except ImportError as error:
        raise HarnessError(
            '--launcher: the package submitit is not installed; python -m pip install ".[slurm]" in the harness folder'
        ) from error
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise RunError("--launcher: no sbatch and srun on the path; run this where jobs are submitted")
    executor = submitit.SlurmExecutor(folder.absolute(), max_num_timeout=requeues)
    executor.update_parameters(**named)
    return executor


def _wait(runs: Sequence[Planned], out: Path, tell: Tell) -> Outcome:
    """Look at queue and run directories until each run is done or nothing is at it any more."""
    outcome, left, watched, began = Outcome(), list(runs), _Watched(out, tell), time.monotonic()
    with stop.listening(signal.SIGTERM, signal.SIGINT):
        while left and not stop.asked():
            # The queue first: what a job that has left it wrote is then there to be read.
            queue = watched.queue()
            left = [planned for planned in left if watched.goes_on(planned, queue, outcome)]
            if left:
                time.sleep(min(10.0, 1.0 + (time.monotonic() - began) / 30))
        if left:
            tell.line(
                f"{stop.asked()}: SLURM's jobs go on; see `audfer runs list {out}` and `audfer runs cancel {out}`"
            )
    outcome.unfinished += left
    return outcome


class _Watched:
    """What the launcher has seen and told of its runs."""

    def __init__(self, out: Path, tell: Tell) -> None:
        self.out, self.tell = out, tell
        self.told: dict[Path, int] = {}  # the last epoch that was told
        self.gone: dict[Path, float] = {}  # since when nothing is at a run
        self.answered = True

    def queue(self) -> dict[str, str] | None:
        """The queue; None while SLURM does not answer, which is said once."""
        try:
            found = queued()
        except RunError as error:
            if self.answered:
                self.tell.line(f"{error} waiting for it")
            self.answered = False
            return None
        self.answered = True
        return found

    def goes_on(self, planned: Planned, queue: Mapping[str, str] | None, outcome: Outcome) -> bool:
        """Whether the run is still to be waited for; tells its epochs and its end."""
        attempt, job = last_attempt(planned.run_dir), submitted_as(planned.run_dir)
        done = planned.done()
        self._tell_epochs(planned, _lines(planned.run_dir) if done else attempt.epochs if attempt else ())
        if done:
            self.tell.run(planned.config)
            return False
        elsewhere = attempt is not None and attempt.owner.job != job and holds(planned.run_dir, attempt, settle=False)
        if queue is None or job in queue or elsewhere:
            self.gone.pop(planned.run_dir, None)
            return True
        if (attempt is None or not attempt.ended) and self._just_gone(planned.run_dir):
            return True
        if attempt and attempt.ended == "stopped":
            outcome.unfinished.append(planned)
        else:
            why = attempt.why if attempt and attempt.ended else "ended without a word"
            log = self.out / FOLDER / f"{job}_0_log.err"
            outcome.failures.append(f"{planned.run_dir}: SLURM job {job}: {why}; its log: {log}")
        return False

    def _just_gone(self, run_dir: Path) -> bool:
        return time.monotonic() - self.gone.setdefault(run_dir, time.monotonic()) < SETTLE

    def _tell_epochs(self, planned: Planned, lines: Sequence[Mapping[str, Any]]) -> None:
        for line in lines:
            if line["epoch"] > self.told.get(planned.run_dir, 0):
                self.told[planned.run_dir] = line["epoch"]
                self.tell.epoch(planned.config, dict(line))


def _lines(run_dir: Path) -> list[dict[str, Any]]:
    """The epochs of a finished run."""
    return [json.loads(line) for line in (run_dir / EPOCHS).read_text(encoding="utf-8").splitlines()]


def _absolute(materials: Materials) -> Materials:
    """The same places for a job, whatever folder it starts in."""
    prepared = {size: path.absolute() for size, path in materials.prepared.items()}
    initial = {model: path.absolute() for model, path in materials.initial.items()}
    places = {"root": materials.root.absolute(), "cache": materials.cache.absolute()}
    places["third_party"] = materials.third_party.absolute()
    return replace(materials, prepared=prepared, initial=initial, **places)


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
