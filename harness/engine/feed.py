"""The batches of a run, one after the other; on a GPU a thread makes the next ones while a step runs.

The thread works on a stream of its own, so that what it waits for on the GPU, the step does not. Every draw is made on
the CPU and depends on (seed, step) only: batches are the same whenever they are made, and on another device but for
the rounding of pixels.
On a CPU batches are made between the steps: with a run on each core there is no idle core for a thread
(docs/performance.md has the figures).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch

from harness.engine.batch import Batch, make_batch
from harness.engine.fold import FoldData
from harness.manifest import RunConfig

AHEAD = 2  # batches that are made or wait while a step runs
Made = tuple[Batch, torch.cuda.Event | None]


def batches(data: FoldData, config: RunConfig, first: int, last: int) -> Generator[Batch, None, None]:
    """The batches of the steps `first` to `last` - 1, on the run's device. Errors are those of `make_batch`."""
    make = partial(make_batch, data, config)
    if torch.device(config.device).type == "cuda":
        return ahead(make, first, last, torch.cuda.Stream(config.device))
    return (make(step) for step in range(first, last))


def ahead(
    make: Callable[[int], Batch], first: int, last: int, stream: torch.cuda.Stream | None = None
) -> Generator[Batch, None, None]:
    """`make(step)` of each step in order, made by one thread up to AHEAD steps before its turn, on `stream`.

    Closing the iterator waits for the batch in work and drops the others.
    """
    waiting: deque[Future[Made]] = deque()
    # A new thread has the first GPU for its own, whichever the run has.
    own: dict[str, Any] = {"initializer": torch.cuda.set_device, "initargs": (stream.device,)} if stream else {}
    with ThreadPoolExecutor(1, "batches", **own) as pool:
        try:
            for step in range(first, min(first + AHEAD, last)):
                waiting.append(pool.submit(_made, make, step, stream))
            for step in range(first + AHEAD, last + AHEAD):
                made = waiting.popleft().result() if waiting else None
                if made is None:
                    return
                if step < last:
                    waiting.append(pool.submit(_made, make, step, stream))
                yield _handed_over(*made)
        finally:
            for future in waiting:
                future.cancel()


def _made(make: Callable[[int], Batch], step: int, stream: torch.cuda.Stream | None) -> Made:
    with torch.cuda.stream(stream) if stream else nullcontext():
        return make(step), stream.record_event() if stream else None


def _handed_over(batch: Batch, done: torch.cuda.Event | None) -> Batch:
    """The batch for the current stream: it waits for the event, and the memory is not given anew before it has read."""
    if done is not None:
        stream = torch.cuda.current_stream()
        stream.wait_event(done)
        for tensor in (batch.clip_BTCHW, batch.target, batch.au_label_BA, batch.au_mask_B):
            tensor.record_stream(stream)
    return batch
