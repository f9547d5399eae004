"""Rendering in worker processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TypeVar

from harness.errors import DataError

Progress = Callable[[int, int], None]
Job = TypeVar("Job")
Result = TypeVar("Result")


def render_jobs(
    do: Callable[[Job], Result], jobs: Sequence[Job], workers: int, progress: Progress | None, root: Path
) -> list[Result]:
    """`do` of each job, in any order; `do` must be a function of a module. `progress(done, jobs)` after each.

    Errors: whatever `do` raises; DataError, naming `root`, if a process was killed.
    """
    results = []
    for result in map(do, jobs) if workers == 1 else in_processes(do, jobs, workers):
        results.append(result)
        if progress:
            progress(len(results), len(jobs))
    if len(results) < len(jobs):
        raise DataError(f"{root}: a rendering process was killed; give fewer workers or more memory")
    return results


def in_processes(do: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """The jobs' results, in any order."""
    # Forking a process that has loaded torch is unsafe; a spawned one loads only what this package needs.
    context = multiprocessing.get_context("spawn")
    readers: list[Connection] = []
    processes = []
    try:
        for first in range(min(workers, len(jobs))):
            reader, writer = context.Pipe(duplex=False)
            with writer:
                process = context.Process(target=_work, args=(do, jobs[first::workers], writer), daemon=True)
                process.start()
            readers.append(reader)
            processes.append(process)
        yield from _received(readers)
    finally:
        for process in processes:
            process.terminate()
            process.join()
            process.close()


def _received(readers: list[Connection]) -> Iterator[Result]:
    """What the workers send, until each has closed its end."""
    while readers:
        for reader in wait(readers):
            assert isinstance(reader, Connection)
            try:
                result = reader.recv()
            except EOFError:
                reader.close()
                readers.remove(reader)
                continue
            if isinstance(result, Exception):
                raise result
            yield result


def _work(do: Callable[[Job], Result], jobs: Sequence[Job], results: Connection) -> None:
    """A worker process: one message per clip; it ends when its parent is gone (a pool outlives a killed parent)."""
    try:
        for job in jobs:
            results.send(do(job))
    except BrokenPipeError:
        return
    except Exception as error:  # The parent raises it, if it is still there.
        with suppress(BrokenPipeError):
            results.send(error)
