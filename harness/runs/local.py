"""Carry out runs on this machine: a bounded number of worker processes, a run at a time each."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any

from harness.engine import stop
from harness.engine.parent import end_with_parent
from harness.errors import HarnessError, RunClaimed, RunStopped
from harness.runs.claim import bury, holds, last_attempt
from harness.runs.materials import Materials
from harness.runs.planned import Outcome, Planned, Tell

POLL = 0.3  # seconds between two looks at signals and at runs that another launcher has
AGAIN = "give the same command again"


@dataclass
class Worker:
    """A worker process, the pipe to it, and the run that it is at (None: idle)."""

    process: Any
    pipe: Connection
    planned: Planned | None = None


def carry_out(runs: Sequence[Planned], materials: Materials, workers: int, tell: Tell) -> Outcome:
    """Carry out runs, each once; those that another launcher is at are waited for, and taken if it leaves them.

    SIGTERM and Ctrl-C let every worker finish its step and save; a second one ends them at once. A run that fails, or
    whose worker dies, does not stop the others.
    """
    outcome, waiting, elsewhere = Outcome(), deque(runs), list[Planned]()
    with _team() as team, stop.listening(signal.SIGTERM, signal.SIGINT, twice=True):
        while (waiting or elsewhere or _busy(team)) and not stop.asked():
            elsewhere += _hand_out(waiting, team, workers, materials, tell)
            for worker in _heard(team):
                _hear(worker, team, outcome, elsewhere, tell)
            elsewhere = _look_at(elsewhere, waiting, tell)
        outcome.unfinished += [*waiting, *elsewhere]
        if stop.asked() and _busy(team):
            tell.line(f"{stop.asked()}: the runs save what they have; once more ends them at once")
            _stop(team, outcome, tell)
    return outcome


def _hand_out(
    waiting: deque[Planned], team: list[Worker], workers: int, materials: Materials, tell: Tell
) -> list[Planned]:
    """Give every idle worker a run, starting workers that are needed; returns the runs that another process is at."""
    elsewhere = []
    while waiting and len(_busy(team)) < workers:
        planned = waiting.popleft()
        attempt = last_attempt(planned.run_dir)
        if attempt and holds(planned.run_dir, attempt):
            tell.line(f"{planned.run_dir}: {attempt.owner} is at this run; waiting for it")
            elsewhere.append(planned)
            continue
        if attempt and not attempt.ended:
            tell.line(f"{planned.run_dir}: taken over from {attempt.owner}, which is gone")
        worker = next((worker for worker in team if worker.planned is None), None) or _start(team, materials)
        worker.planned = planned
        with suppress(OSError):  # one that has just died is heard of next
            worker.pipe.send(planned.run_dir)
    return elsewhere


def _heard(team: list[Worker]) -> list[Worker]:
    pipes = {worker.pipe: worker for worker in team}
    return [pipes[pipe] for pipe in wait_for(list(pipes), POLL)]  # type: ignore[index]


def _hear(worker: Worker, team: list[Worker], outcome: Outcome, elsewhere: list[Planned], tell: Tell) -> None:
    """Take one message of a worker, or note its death."""
    planned = worker.planned
    try:
        kind, said = worker.pipe.recv()
    except (EOFError, OSError):
        team.remove(worker)
        worker.process.join()
        if planned:
            _died(worker, planned, outcome, tell)
        return
    assert planned is not None
    if kind == "epoch":
        tell.epoch(planned.config, said)
        return
    worker.planned = None
    if kind == "done":
        tell.run(planned.config)
    elif kind == "claimed":
        elsewhere.append(planned)
    elif kind == "stopped":
        outcome.unfinished.append(planned)
    else:
        outcome.failures.append(said)


def _died(worker: Worker, planned: Planned, outcome: Outcome, tell: Tell) -> None:
    code, pid = worker.process.exitcode, worker.process.pid
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    asked = code in (-signal.SIGTERM, RunStopped.exit_code)  # before it listened, or between its run and its answer
    bury(planned.run_dir, pid, "stopped" if asked else "failed", f"its worker {how}")
    if asked:
        outcome.unfinished.append(planned)
        return
    hint = ", perhaps for memory: fewer --workers" if code == -signal.SIGKILL else ""
    fault = f"{planned.run_dir}: its worker, pid {pid}, {how}{hint}"
    tell.line(fault)
    outcome.failures.append(f"{fault}; {AGAIN}")


def _look_at(elsewhere: list[Planned], waiting: deque[Planned], tell: Tell) -> list[Planned]:
    """Which of the runs that others are at they still are at; a finished one is told, one that was left waits again."""
    left = []
    for planned in elsewhere:
        attempt = last_attempt(planned.run_dir)
        if planned.done():
            tell.run(planned.config)
        elif attempt and holds(planned.run_dir, attempt):
            left.append(planned)
        else:
            waiting.append(planned)
    return left


@contextmanager
def _team() -> Iterator[list[Worker]]:
    """Workers that come as they are needed and are gone at the end."""
    team: list[Worker] = []
    try:
        yield team
    except BaseException:
        for worker in team:
            worker.process.kill()
        raise
    finally:
        for worker in team:
            with suppress(OSError):
                worker.pipe.send(None)
        for worker in team:
            worker.process.join()


def _start(team: list[Worker], materials: Materials) -> Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, materials))
    process.start()
    theirs.close()  # so that the death of the worker ends the pipe
    team.append(Worker(process, ours))
    return team[-1]


def _busy(team: list[Worker]) -> list[Worker]:
    """The workers that are at a run."""
    return [worker for worker in team if worker.planned]


def _stop(team: list[Worker], outcome: Outcome, tell: Tell) -> None:
    """Ask every worker to save and stop, and wait until each has."""
    for worker in _busy(team):
        worker.process.terminate()
    while _busy(team):
        for worker in _heard(team):
            _hear(worker, team, outcome, outcome.unfinished, tell)


def _work(pipe: Connection, materials: Materials) -> None:
    """A worker: carry out the runs that come through the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent asks us to stop
    end_with_parent()
    try:
        with stop.listening(signal.SIGTERM, at_once=True):
            while (run_dir := pipe.recv()) is not None:
                kind, said = _carried_out(run_dir, materials, lambda record: pipe.send(("epoch", record)))
                pipe.send((kind, said))
                if kind == "stopped":
                    sys.exit(RunStopped.exit_code)
    except stop.Interrupted:  # in none of the runs: the parent sees this process end
        sys.exit(RunStopped.exit_code)


def _carried_out(run_dir: Path, materials: Materials, on_epoch: Callable[[dict[str, Any]], None]) -> tuple[str, str]:
    try:
        with stop.told():
            # Imported here: the parent need not pay for what only a worker uses.
            from harness.runs.worker import execute

            execute(run_dir, materials, lambda _, record: on_epoch(record))
    except RunClaimed as error:
        return "claimed", str(error)
    except RunStopped as error:
        return "stopped", str(error)
    except HarnessError as error:
        return "failed", str(error)
    except Exception as error:
        return "failed", f"{run_dir}: {type(error).__name__}: {error}; its log.txt says where"
    return "done", ""
