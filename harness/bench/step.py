"""A training step: ours against the upstream's, the AU arm against the baseline, and its share of the machine's rate.

A step's multiply-adds count as three forward passes: one forward, and two as much work backward (the gradients of the
activations and of the weights), which leaves out that the first layer needs no gradient of its input.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.analysis.flops import inference_multiply_adds
from harness.bench import theirs as upstream
from harness.bench.ask import Ask
from harness.bench.lines import Bar, Line, missing
from harness.bench.machine import DTYPES, data_sheet, matrix_product
from harness.bench.subjects import ARM, by_turns, random_batch, random_setup
from harness.bench.timing import Seconds, Spread, rate, ratio, repeated, repeats, spread
from harness.engine.batch import Batch
from harness.engine.setup import Setup
from harness.engine.throughput import BACKWARD_AND_FORWARD
from harness.engine.train import train_step
from harness.upstream.reference import Reference

PART = "step"
SPEED_UP = {"cpu": Bar("at least", 2.2), "cuda": Bar("at least", 4.0)}  # bf16, full scale
ARM_COST = Bar("at most", 1.01)
UTILISATION = {"m3dfel": Bar("at least", 0.4), "mae_dfer": Bar("at least", 0.4)}  # one GPU, full scale
ARM_ROUNDS = 2  # times as many as asked for: what is looked for is a hundredth
LEAST_SECONDS = 0.2  # of one timing of what is short


def measure(ask: Ask, theirs: Reference | None) -> list[Line]:
    """All figures of a model's step."""
    return _against_upstream(ask, theirs) + _arm(ask)


def speed_bar(ask: Ask) -> Bar | None:
    """The bar is set for bf16 at full scale."""
    return SPEED_UP[torch.device(ask.device).type] if ask.precision == "bf16" and ask.scale == "full" else None


def utilisation_bar(ask: Ask) -> Bar | None:
    return UTILISATION.get(ask.model) if ask.device != "cpu" and ask.scale == "full" else None


def training(setup: Setup, batch: Batch) -> Callable[[], object]:
    """A step of the engine on resident tensors, with the seed of step 0 each time."""
    setup.model.train()
    return lambda: train_step(setup, batch, 0)


def _against_upstream(ask: Ask, theirs: Reference | None) -> list[Line]:
    batch = random_batch(ask)
    subjects = {"native": training(random_setup(ask), batch)}
    if theirs is not None:
        subjects["upstream"] = upstream.step(theirs, ask, batch)
    work = BACKWARD_AND_FORWARD * ask.batch * inference_multiply_adds([(ask.model, ask.scale)])[ask.model, ask.scale]
    products: dict[str, float] = {}
    for precision in sorted({ask.precision, "fp32"} if theirs else {ask.precision}):
        product, amount = matrix_product(ask.device, precision)
        times = repeats(product, LEAST_SECONDS, ask.device, ask.clock)
        products[precision] = amount * times
        subjects[precision] = repeated(product, times)
    seconds = by_turns(ask, subjects, ask.rounds)
    note = f"batch {ask.batch}, {ask.precision}"
    lines = [Line(PART, ask.model, "training step, clips/s", "clips/s", rate(seconds["native"], ask.batch), None, note)]
    return lines + _compared(ask, seconds) + _shares(ask, seconds, work, products)


def _compared(ask: Ask, seconds: Seconds) -> list[Line]:
    figure = "upstream's step / native step"
    if "upstream" not in seconds:
        return [missing(PART, ask.model, figure, ask.absent)]
    mixed = "fp16 autocast" if ask.device != "cpu" and ask.model in upstream.MIXED_ON_CUDA else "fp32"
    note = f"native {ask.precision}, upstream {mixed}"
    return [Line(PART, ask.model, figure, "times", ratio(seconds, "upstream", "native"), speed_bar(ask), note)]


def _shares(ask: Ask, seconds: Seconds, work: float, products: dict[str, float]) -> list[Line]:
    """The matrix ceiling, and what share of it either step reaches."""
    lines = [
        Line(
            PART, ask.model, f"matrix ceiling, {precision}", "G multiply-adds/s", rate(seconds[precision], amount / 1e9)
        )
        for precision, amount in products.items()
    ]
    own = share_of_ceiling(seconds, "native", work, ask.precision, products)
    note, stated = f"of the {ask.precision} ceiling; a step is 3 forward passes", data_sheet(ask.device, ask.precision)
    bar = utilisation_bar(ask)
    lines.append(Line(PART, ask.model, "native share of the ceiling", "share", own, None if stated else bar, note))
    if stated:
        share = spread([work / taken / stated for taken in seconds["native"]])
        lines.append(Line(PART, ask.model, "native share of the data sheet's rate", "share", share, bar, note))
    if "upstream" in seconds:
        given = share_of_ceiling(seconds, "upstream", work, "fp32", products)
        note = "of the fp32 ceiling; the same multiply-adds"
        lines.append(Line(PART, ask.model, "upstream's share of the ceiling", "share", given, None, note))
    return lines


def share_of_ceiling(seconds: Seconds, subject: str, work: float, precision: str, products: dict[str, float]) -> Spread:
    """`work` multiply-adds of a step a second over those of the matrix product beside it, round by round."""
    assert precision in DTYPES
    pairs = zip(seconds[subject], seconds[precision], strict=True)
    return spread([(work / taken) / (products[precision] / product) for taken, product in pairs])


def _arm(ask: Ask) -> list[Line]:
    """The AU arm's step over the baseline's, on the same clips, from the same weights."""
    batch = random_batch(ask)
    both: dict[str, Callable[[], object]] = {arm: training(random_setup(ask, arm), batch) for arm in ("baseline", ARM)}
    times = repeats(both["baseline"], LEAST_SECONDS, ask.device, ask.clock)
    subjects: dict[str, Callable[[], object]] = {arm: repeated(run, times) for arm, run in both.items()}
    seconds = by_turns(ask, subjects, ARM_ROUNDS * ask.rounds)
    note = f"batch {ask.batch}; {times} steps a timing" if times > 1 else f"batch {ask.batch}"
    return [
        Line(PART, ask.model, "AU arm's step / baseline step", "times", ratio(seconds, ARM, "baseline"), ARM_COST, note)
    ]
