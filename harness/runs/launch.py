"""Carry out planned runs on this machine: a process each for as many at a time as were asked for."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, RunError
from harness.files import write_text
from harness.manifest import RunConfig
from harness.runs.materials import Materials

EpochEvent = Callable[[RunConfig, dict[str, Any]], None]
RunEvent = Callable[[RunConfig], None]


@dataclass(frozen=True)
class Job:
    """One run to carry out: where its record goes and where its materials lie."""

    run_dir: Path
    materials: Materials


def launch(
    configs: Sequence[RunConfig],
    materials: Materials,
    out: Path,
    *,
    jobs: int = 1,
    on_epoch: EpochEvent | None = None,
    on_run: RunEvent | None = None,
) -> list[Path]:
    """Carry out every run that has no finished record below `out`; returns all run directories in the plan's order.

    Runs go on from their checkpoints. A run that fails does not stop the others; at the end RunError names it. Workers
    end with this process, however it ends.
    """
    directories = {config.digest(): out / config.directory() for config in configs}
    waiting = [config for config in configs if not (directories[config.digest()] / "DONE").is_file()]
    for config in configs:
        if config not in waiting and on_run:
            on_run(config)
    if waiting:
        _work(waiting, materials, directories, min(jobs, len(waiting)), on_epoch, on_run)
    return list(directories.values())


def _work(
    configs: Sequence[RunConfig],
    materials: Materials,
    directories: Mapping[str, Path],
    jobs: int,
    on_epoch: EpochEvent | None,
    on_run: RunEvent | None,
) -> None:
    context = multiprocessing.get_context("spawn")
    events = context.SimpleQueue()
    by_digest = {config.digest(): config for config in configs}
    listener = threading.Thread(target=_listen, args=(events, by_digest, on_epoch), daemon=True)
    listener.start()
    failures: list[str] = []
    with ProcessPoolExecutor(jobs, context, initializer=_start_worker, initargs=(events,)) as pool:
        futures = {}
        for config in configs:
            run_dir = directories[config.digest()]
            run_dir.mkdir(parents=True, exist_ok=True)
            write_text(run_dir / "config.json", config.canonical_json())
            futures[pool.submit(_execute, Job(run_dir, materials))] = config
        _collect(futures, failures, on_run)
    events.put(None)
    listener.join()
    if failures:
        raise RunError(f"{len(failures)} of {len(configs)} runs failed; the first: {failures[0]}")


def _collect(futures: dict[Future[None], RunConfig], failures: list[str], on_run: RunEvent | None) -> None:
    left = set(futures)
    while left:
        done, left = wait(left, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                future.result()
            except HarnessError as error:
                failures.append(str(error))
            except BrokenProcessPool as error:
                raise RunError(
                    "a worker was killed, perhaps for memory; give the same command again, or fewer --jobs"
                ) from error
            else:
                if on_run:
                    on_run(futures[future])


def _listen(events: Any, configs: Mapping[str, RunConfig], on_epoch: EpochEvent | None) -> None:
    while (event := events.get()) is not None:
        digest, record = event
        if on_epoch:
            on_epoch(configs[digest], record)


_events: Any = None


def _start_worker(events: Any) -> None:
    global _events
    _events = events
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _execute(job: Job) -> None:
    # Imported here: the parent need not pay for what only a worker uses.
    from harness.runs.worker import execute

    execute(job.run_dir, job.materials, lambda digest, record: _events.put((digest, record)))
