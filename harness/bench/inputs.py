"""The input: batches from a pack against the upstream's loader, and what the input adds to a step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import torch

from harness.bench import theirs as upstream
from harness.bench.ask import Ask
from harness.bench.lines import Bar, Line, missing
from harness.bench.step import training
from harness.bench.subjects import by_turns, config_of, faces, random_setup
from harness.bench.timing import Seconds, rate, ratio, repeated
from harness.engine.batch import make_batch
from harness.engine.feed import batches
from harness.engine.train import train_step
from harness.upstream.reference import Reference

PART = "input"
FASTER = {"m3dfel": Bar("at least", 5.0)}  # its training rule, 224-pixel JPEG against the pack
OVER_RESIDENT = Bar("at most", 1.05)  # on a GPU
MORE_ROUNDS = 3
LOADER_BATCH = 16
STEPS = {"cpu": 1, "cuda": 20}  # of one timing: on a GPU a thread makes batches ahead, which begins anew each time
EPOCH = 100  # steps


def measure(ask: Ask, theirs: Reference | None) -> list[Line]:
    """Clips a second of one core, against the upstream's loader; and a step with its input over one without."""
    return _loaders(ask, theirs) + _real_input(ask)


def _loaders(ask: Ask, theirs: Reference | None) -> list[Line]:
    """Both loaders in this process, on one thread, step by step; ours on the run's device if that is a GPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    few = Ask(**{**vars(ask), "batch": LOADER_BATCH})
    config = config_of(few, dataset="rendered")
    data, ours, given = faces(few, config, EPOCH, LOADER_BATCH), count(), count()

    def native() -> None:
        make_batch(data, config, next(ours))

    subjects: dict[str, Callable[[], object]] = {"native": native}
    if theirs is not None:
        load = upstream.loader(few, theirs)
        subjects["upstream"] = lambda: load(next(given))
    seconds = by_turns(ask, subjects, MORE_ROUNDS * ask.rounds)
    torch.set_num_threads(threads)
    return _compared(ask, seconds)


def _compared(ask: Ask, seconds: Seconds) -> list[Line]:
    line, where = partial(Line, PART, ask.model), "one core" if ask.device == "cpu" else "one core and the GPU"
    figure = "native loader / upstream's loader"
    lines = [line("batches from the pack", "clips/s", rate(seconds["native"], LOADER_BATCH), note=where)]
    if "upstream" not in seconds:
        return [*lines, missing(PART, ask.model, figure, ask.absent)]
    given = rate(seconds["upstream"], LOADER_BATCH)
    lines.append(line("upstream's loader", "clips/s", given, note="one core, 224-pixel JPEG"))
    times = ratio(seconds, "upstream", "native")
    return [*lines, line(figure, "times", times, FASTER.get(ask.model), where)]


def _real_input(ask: Ask) -> list[Line]:
    """Steps whose batches are made as the engine makes them, over steps whose batch is there."""
    config = config_of(ask, dataset="rendered")
    data, steps = faces(ask, config, EPOCH, ask.batch), STEPS[torch.device(ask.device).type]
    setup, turn = random_setup(ask), count()
    resident = make_batch(data, config, 0)

    def real() -> None:
        first = next(turn) * steps
        for batch in batches(data, config, first, first + steps):
            train_step(setup, batch, 0)

    subjects = {"resident": repeated(training(setup, resident), steps), "real": real}
    seconds = by_turns(ask, subjects, ask.rounds)
    bar = OVER_RESIDENT if ask.device != "cpu" else None
    note = f"batch {ask.batch}; {steps} step{'s' * (steps > 1)} a timing"
    figure = "step with its input / step on resident tensors"
    return [Line(PART, ask.model, figure, "times", ratio(seconds, "real", "resident"), bar, note)]
