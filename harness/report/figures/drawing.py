"""Drawing the figures of a report beside the report's other work: matplotlib needs most of a second for each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from harness.report.figures.style import Figure, Painted, Sketch, paint, write

FEWEST = 4  # so many are worth a second process
MOST = 30  # of more, those of single pairs and of the oracle's selection are left out
OF_ONE_PAIR = ("confusion-", "tsne-")
OF_THE_ORACLE = "-best-on-test"
WORKERS = 2
BEHIND = 5  # of 19, in the scheduler's order
_taken: list[Sketch] = []  # in a worker: what it was forked with, since what draws a figure cannot be sent


class Drawing:
    """Figures that are being drawn; `write` waits for them. left_out: titles of those that were too many."""

    def __init__(self, sketches: Iterable[Sketch]) -> None:
        every = list(sketches)
        self.sketches = every if len(every) <= MOST else [one for one in every if _first(one.name)]
        drawn = {one.name for one in self.sketches}
        self.left_out = tuple(one.name for one in every if one.name not in drawn)
        self.painted: Sequence[Future[Painted]] = _fork(self.sketches) if _several(len(self.sketches)) else ()

    def write(self, folder: Path) -> list[Figure]:
        """Write all to the folder, in order; RunError if it cannot be written."""
        painted = (one.result() for one in self.painted) if self.painted else map(paint, self.sketches)
        return [write(folder, sketch, content) for sketch, content in zip(self.sketches, painted, strict=True)]


def _first(name: str) -> bool:
    """Whether a figure is drawn where there are too many."""
    return not (name.startswith(OF_ONE_PAIR) or name.endswith(OF_THE_ORACLE))


def _several(figures: int) -> bool:
    """Whether workers are worth it: elsewhere than on Linux a fork is not safe, and a fresh process takes seconds."""
    return sys.platform == "linux" and figures >= FEWEST and len(os.sched_getaffinity(0)) > 1


def _fork(sketches: list[Sketch]) -> list[Future[Painted]]:
    """The workers leave when the last is painted."""
    fork = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(WORKERS, fork, initializer=_take, initargs=(sketches,))
    painted = [pool.submit(_paint, place) for place in range(len(sketches))]
    pool.shutdown(wait=False)
    return painted


def _take(sketches: list[Sketch]) -> None:
    """Behind the report's other work, which is one process after another: figures fill what it leaves of the cores."""
    os.nice(BEHIND)
    _taken.extend(sketches)


def _paint(place: int) -> Painted:
    return paint(_taken[place])
