"""Timing by turns: what is compared runs alternately in one process, so that a busy machine slows both alike."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.stats import quantile_test

WARM_UP = 1
CONFIDENCE = 0.95

Clock = Literal["wall", "cpu"]
# Seconds of the processor are for a busy machine and one thread: they leave out the time in which others had the core.
CLOCKS: dict[Clock, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}

Seconds = Mapping[str, list[float]]


@dataclass(frozen=True)
class Spread:
    """A median with its quartiles, and its 95 % interval; `low` and `high` are None where too few rounds give none."""

    median: float
    first_quartile: float
    third_quartile: float
    low: float | None
    high: float | None
    rounds: int


def alternate(
    subjects: Mapping[str, Callable[[], object]],
    rounds: int,
    seed: int = 0,
    *,
    device: str = "cpu",
    clock: Clock = "wall",
    warm_up: int = WARM_UP,
) -> dict[str, list[float]]:
    """Seconds of each subject in each of `rounds` rounds; within a round the order is drawn anew from `seed`.

    `warm_up` rounds come first and are not counted. On a GPU a call ends when its work is done.
    """
    order, draws = list(subjects), random.Random(seed)
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(warm_up + rounds):
        draws.shuffle(order)
        for name in order:
            taken = _timed(subjects[name], device, clock)
            if turn >= warm_up:
                seconds[name].append(taken)
    return seconds


def repeats(call: Callable[[], object], least_seconds: float, device: str = "cpu", clock: Clock = "wall") -> int:
    """How often `call` must run for one timing of it to last `least_seconds`; the clock is too coarse for less."""
    call()
    return max(1, round(least_seconds / max(_timed(call, device, clock), 1e-9)))


def repeated(call: Callable[[], object], times: int) -> Callable[[], None]:
    """`call`, `times` times over."""

    def run() -> None:
        for _ in range(times):
            call()

    return run


def ratio(seconds: Seconds, slow: str, fast: str) -> Spread:
    """How many times faster `fast` is than `slow`, round by round."""
    return spread([theirs / ours for theirs, ours in zip(seconds[slow], seconds[fast], strict=True)])


def rate(seconds: Sequence[float], amount: float) -> Spread:
    """`amount` a second."""
    return spread([amount / one for one in seconds])


def spread(values: Sequence[float]) -> Spread:
    """Median, quartiles, and the interval of the median that the order of the values gives, whatever their law."""
    first, median, third = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    interval = quantile_test(values, q=median, p=0.5).confidence_interval(CONFIDENCE)
    low, high = (None if np.isnan(end) else float(end) for end in (interval.low, interval.high))
    return Spread(median, first, third, low, high, len(values))


def _timed(call: Callable[[], object], device: str, clock: Clock) -> float:
    wait = device.startswith("cuda")
    if wait:
        torch.cuda.synchronize(device)
    started = CLOCKS[clock]()
    call()
    if wait:
        torch.cuda.synchronize(device)
    return CLOCKS[clock]() - started
