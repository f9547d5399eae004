"""A training step: ours against the upstream's, the AU arm against the baseline, and its share of the machine's rate.

A step's multiply-adds count as three forward passes: one forward, and two as much work backward (the gradients of the
activations and of the weights), which leaves out that the first layer needs no gradient of its input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from harness.analysis.flops import inference_multiply_adds
from harness.au.head import AUHead
from harness.bench import theirs as upstream
from harness.bench.ask import Ask
from harness.bench.lines import Bar, Line, missing
from harness.bench.machine import DTYPES, data_sheet, matrix_product
from harness.bench.subjects import ARM, by_turns, random_batch, random_setup
from harness.bench.timing import Seconds, Spread, rate, ratio, repeated, repeats, spread
from harness.engine.batch import Batch
from harness.engine.optim import build_optimizer
from harness.engine.schedule import recipe_factor
from harness.engine.setup import CLASSIFIER, Setup
from harness.engine.throughput import BACKWARD_AND_FORWARD
from harness.engine.train import train_step
from harness.upstream.reference import Reference

PART = "step"
SPEED_UP = {"cpu": Bar("at least", 2.2), "cuda": Bar("at least", 4.0)}  # bf16, full scale
ARM_COST = Bar("at most", 1.01)
ARM_SHARE = Bar("at most", 0.01)
UTILISATION = {"m3dfel": Bar("at least", 0.4), "mae_dfer": Bar("at least", 0.4)}  # one GPU, full scale
ARM_ROUNDS = 2  # times as many as asked for: what is looked for is a hundredth
LEAST_SECONDS = 0.2  # of one timing of what is short


def measure(ask: Ask, theirs: Reference | None) -> list[Line]:
    """All figures of a model's step."""
    return _against_upstream(ask, theirs) + _arm(ask) + _arm_alone(ask)


def speed_bar(ask: Ask) -> Bar | None:
    """The bar is set for bf16 at full scale."""
    return SPEED_UP[torch.device(ask.device).type] if ask.precision == "bf16" and ask.scale == "full" else None


def utilisation_bar(ask: Ask) -> Bar | None:
    return UTILISATION.get(ask.model) if ask.device != "cpu" and ask.scale == "full" else None


def training(setup: Setup, batch: Batch) -> Callable[[], torch.Tensor]:
    """A step of the engine on resident tensors, with the seed of step 0 each time."""
    setup.model.train()
    return lambda: train_step(setup, batch, 0)


def _against_upstream(ask: Ask, theirs: Reference | None) -> list[Line]:
    batch = random_batch(ask)
    subjects: dict[str, Callable[[], object]] = {"native": training(random_setup(ask), batch)}
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


class _LastLayer(nn.Module):
    """A model that begins at the features."""

    def __init__(self, like: nn.Linear) -> None:
        super().__init__()
        self.classifier = nn.Linear(like.in_features, like.out_features).to(like.weight.device)

    def forward(self, feature_BD: torch.Tensor) -> torch.Tensor:
        return self.classifier(feature_BD)


def from_features(setup: Setup, batch: Batch) -> Callable[[], torch.Tensor]:
    """A step of the engine from the features on: last layers, losses, their gradients and their update."""
    recipe, device = setup.config.recipe, setup.config.device
    classifier = setup.model.get_submodule(CLASSIFIER)
    assert isinstance(classifier, nn.Linear)
    model = _LastLayer(classifier)
    head = AUHead(model, CLASSIFIER).to(device) if setup.head is not None else None
    optimizer = build_optimizer(model, head, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe_factor(recipe, setup.steps_per_epoch))
    last = replace(setup, model=model, head=head, optimizer=optimizer, schedule=schedule, parallel=None)
    feature_BD = torch.randn(len(batch.au_mask_B), classifier.in_features, generator=torch.Generator().manual_seed(0))
    # The model's gradient begins at the features, too.
    return training(last, replace(batch, clip_BTCHW=feature_BD.to(device).requires_grad_()))


def _arm_alone(ask: Ask) -> list[Line]:
    """What the AU arm adds to a step, without the model, over the baseline's step: too little to see there."""
    batch = random_batch(ask)
    setups = {arm: random_setup(ask, arm) for arm in ("baseline", ARM)}
    ends = {arm: from_features(setup, batch) for arm, setup in setups.items()}
    times = repeats(ends[ARM], LEAST_SECONDS, ask.device, ask.clock)
    subjects: dict[str, Callable[[], object]] = {arm: repeated(end, times) for arm, end in ends.items()}
    subjects["step"] = training(setups["baseline"], batch)
    seconds = by_turns(ask, subjects, ask.rounds)
    rounds = zip(seconds[ARM], seconds["baseline"], seconds["step"], strict=True)
    share = spread([(arm - baseline) / times / step for arm, baseline, step in rounds])
    note = f"batch {ask.batch}; head, AU loss, their gradients and update, {times} times a timing"
    return [Line(PART, ask.model, "what the AU arm adds, alone / baseline step", "share", share, ARM_SHARE, note)]
