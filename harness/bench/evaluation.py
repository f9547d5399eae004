"""Evaluation: test views a second with the AU head dropped, against the upstream's model, and whole test clips."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from harness.bench import theirs as upstream
from harness.bench.ask import Ask
from harness.bench.lines import Line, missing
from harness.bench.subjects import ARM, by_turns, config_of, faces, random_batch, random_setup
from harness.bench.timing import rate, ratio
from harness.engine.batch import Batch
from harness.engine.evaluate import predict
from harness.engine.setup import Setup
from harness.upstream.reference import Reference

PART = "evaluation"
CLIPS = {"cpu": 4, "cuda": 256}  # of the test fold, by their test rule


def measure(ask: Ask, theirs: Reference | None) -> list[Line]:
    """Views on resident tensors of AU arm, baseline and upstream; clips of a fold from the pack."""
    batch = random_batch(ask)
    subjects: dict[str, Callable[[], object]] = {ARM: forward(random_setup(ask, ARM), batch)}
    subjects["baseline"] = forward(random_setup(ask), batch)
    if theirs is not None:
        subjects["upstream"] = upstream.forward(theirs, ask, batch)
    seconds = by_turns(ask, subjects, ask.rounds)
    line, figure = partial(Line, PART, ask.model), "upstream's inference / native inference"
    own = f"batch {ask.batch}, {ask.precision}"
    lines = [
        line("test views, AU arm", "views/s", rate(seconds[ARM], ask.batch), note=own),
        line("AU arm's inference / baseline's", "times", ratio(seconds, ARM, "baseline"), note="the head is dropped"),
    ]
    if theirs is None:
        return [*lines, missing(PART, ask.model, figure, ask.absent), _whole(ask)]
    times = ratio(seconds, "upstream", "baseline")
    return [*lines, line(figure, "times", times, note=f"native {ask.precision}"), _whole(ask)]


def forward(setup: Setup, batch: Batch) -> Callable[[], None]:
    """A batch through the model as the engine predicts: inference mode, the run's precision, no AU head."""
    setup.model.eval()

    def run() -> None:
        with torch.inference_mode(), setup.autocast():
            setup.model(batch.clip_BTCHW)

    return run


def _whole(ask: Ask) -> Line:
    """The engine's own evaluation: frames from the pack, the model's test rule with all its views, logits."""
    count = CLIPS[torch.device(ask.device).type]
    config = config_of(ask, dataset="rendered")
    data, setup = faces(ask, config, 1, count), random_setup(ask)

    def run() -> None:
        data.resized.clear()  # so few are kept from one evaluation to the next, which all of DFEW's are not
        predict(setup.model, data, data.test_N, config, setup.autocast())

    seconds = by_turns(ask, {"predict": run}, ask.rounds)
    views = config.recipe.sampling.test_segments if config.recipe.sampling.rule == "mae_dfer" else 1
    note = f"{views} view{'s' * (views > 1)} a clip, input included"
    return Line(PART, ask.model, "test clips from the pack", "clips/s", rate(seconds["predict"], count), None, note)
