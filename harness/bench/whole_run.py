"""A whole run: the engine trains rendered faces, and an epoch of DFEW is projected from its own record."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import torch

from harness.bench.ask import Ask
from harness.bench.lines import Line
from harness.bench.subjects import ARM, config_of, faces, recipe_of
from harness.bench.timing import spread
from harness.engine.train import train_run
from harness.manifest import load_dataset
from harness.upstream.reference import Reference

PART, TRAINING, TESTING = "run", "training", "testing"
# Of an epoch: on a GPU enough to fill the feed's pipeline and an evaluation batch twice.
STEPS, TEST_CLIPS = {"cpu": 4, "cuda": 50}, {"cpu": 4, "cuda": 512}
EPOCHS = 4  # and one before them, which warms up


def measure(ask: Ask, theirs: Reference | None) -> list[Line]:
    """Clips a second of training and of testing with all that belongs to them, and an epoch of DFEW's fold 1."""
    recipe = recipe_of(ask).model_copy(update={"epochs": EPOCHS + 1})
    config = config_of(ask, ARM, "rendered", recipe)
    times, records = [time.perf_counter()], []

    kind = torch.device(ask.device).type
    data = faces(ask, config, STEPS[kind], TEST_CLIPS[kind])

    def on_epoch(record: dict[str, Any]) -> None:
        records.append(record)
        data.resized.clear()  # so few are kept from one evaluation to the next, which all of DFEW's are not
        times.append(time.perf_counter())

    folder = ask.paths()["work"] / "run"
    folder.mkdir()
    train_run(config, data, folder, on_epoch)
    taken = np.diff(times)
    kept = [(record, seconds) for record, seconds in zip(records, taken, strict=True)][1:]
    return _lines(ask, [record for record, _ in kept], [float(seconds) for _, seconds in kept])


def _lines(ask: Ask, records: list[dict[str, Any]], taken: list[float]) -> list[Line]:
    train = [record["clips_per_second"] for record in records]
    test = [TEST_CLIPS[torch.device(ask.device).type] / record["evaluation_seconds"] for record in records]
    steps = [record["seconds"] + record["evaluation_seconds"] for record in records]
    rest = [max(whole - part, 0.0) for whole, part in zip(taken, steps, strict=True)]
    counts = load_dataset("dfew").counts["1"]
    clips, tested = sum(counts.train), sum(counts.test)
    epochs = [clips / a + tested / b + c for a, b, c in zip(train, test, rest, strict=True)]
    line = partial(Line, PART, ask.model)
    own = f"batch {ask.batch}, {ask.precision}, arm {ARM}, input included"
    fold = f"fold 1: {clips:,} training and {tested:,} test clips"
    return [
        line(TRAINING, "clips/s", spread(train), note=own),
        line(TESTING, "clips/s", spread(test), note="every view of a clip, input included"),
        line("checkpoint and record of an epoch", "s", spread(rest)),
        line("an epoch of DFEW, projected", "clips/s", spread([(clips + tested) / one for one in epochs]), note=fold),
        line("an epoch of DFEW, projected", "minutes", spread([one / 60 for one in epochs])),
    ]
