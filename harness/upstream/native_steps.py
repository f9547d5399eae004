"""The optimiser of a native model against its upstream's, and first steps of both in float64, under the full recipe.

The upstream trains by its own loop; the native model by the engine's `train_step`, on the batches that the upstream
made of the same clips.

Shape letters: B batch, T frames, C channels, H W pixels, S steps, G parameter groups.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from harness.au.units import EXPRESSIONS, NUM_UNITS
from harness.engine.batch import Batch
from harness.engine.optim import build_optimizer
from harness.engine.schedule import recipe_factor
from harness.engine.seeds import derive
from harness.engine.setup import Setup
from harness.engine.train import train_step
from harness.manifest import Recipe, RunConfig, RunData, load_model
from harness.upstream.namemap import native_name
from harness.upstream.native_pair import CLIPS, Pair
from harness.upstream.reference import Clips, Trained
from harness.upstream.verify_native import Check

FIRST_STEPS, LATER_STEPS = 5, 3
STEPS_PER_EPOCH = 10
LIMIT = 1e-6
SEED = 7
# What decides a step beside the rate and the weight decay, which are compared parameter by parameter.
SETTINGS = ("betas", "eps", "amsgrad", "momentum", "dampening", "nesterov", "maximize")


def optimizer_checks(pair: Pair) -> list[Check]:
    """Kind and settings of the optimiser; weight decay and rate of every parameter, the rate at every step of a run."""
    recipe = load_model(pair.name).recipe["full"]
    model = copy.deepcopy(pair.upstream)
    trainer = pair.reference.trainer(model, STEPS_PER_EPOCH)
    optimizer = build_optimizer(pair.native, None, recipe)
    their_groups = _groups(trainer.optimizer, {native_name(pair.name, k): p for k, p in model.named_parameters()})
    our_groups = _groups(optimizer, dict(pair.native.named_parameters()))
    assert their_groups.keys() == our_groups.keys()
    ours, theirs = _settings(optimizer), _settings(trainer.optimizer)
    wrong = [f"native {line}" for line in sorted(ours - theirs)]
    wrong += [f"upstream {line}" for line in sorted(theirs - ours)]
    decay, their_decay = _weight_decays(optimizer, our_groups), _weight_decays(trainer.optimizer, their_groups)
    undue = [name for name, value in decay.items() if value != their_decay[name]]
    their_rate_SG = trainer.rates()
    rate_SG = _rates(optimizer, recipe, len(their_rate_SG))
    worst, where = max(
        (_worst(rate_SG[:, our_groups[name]], their_rate_SG[:, index]), name) for name, index in their_groups.items()
    )
    note = f"{recipe.epochs} epochs of {STEPS_PER_EPOCH} steps; {len(our_groups)} parameters"
    return [
        Check(pair.name, "optimiser and its settings", 0, len(wrong), not wrong, "; ".join(wrong)),
        Check(pair.name, "weight decay of every parameter", 0, len(undue), not undue, ", ".join(undue[:3])),
        Check(pair.name, "learning rate of every parameter and step", LIMIT, worst[0], worst[0] <= LIMIT,
              note + (f"; largest at step {-worst[1]} for {where}" if worst[0] > LIMIT else "")),
    ]  # fmt: skip


def loss_checks(pair: Pair) -> list[Check]:
    """Losses of the first steps of a run, and, where a warm-up holds their rate near zero, of the first behind it."""
    recipe = load_model(pair.name).recipe["full"]
    behind = int(recipe.schedule.warmup_epochs) * STEPS_PER_EPOCH
    later = [_loss_check(pair, recipe, behind, LATER_STEPS)] if behind else []
    return [_loss_check(pair, recipe, 0, FIRST_STEPS), *later]


def _loss_check(pair: Pair, recipe: Recipe, first: int, steps: int) -> Check:
    trained = _train_upstream(pair, first, steps)
    ours = _train_native(pair, recipe, first, trained.batches)
    worst = max(abs(own - theirs) / abs(theirs) for own, theirs in zip(ours, trained.losses, strict=True))
    note = "upstream " + " ".join(f"{loss:.6f}" for loss in trained.losses)
    return Check(pair.name, f"losses of steps {first} to {first + steps - 1}, fp64", LIMIT, worst, worst <= LIMIT, note)


def _train_upstream(pair: Pair, first: int, steps: int) -> Trained:
    model = copy.deepcopy(pair.upstream).double()
    trainer = pair.reference.trainer(model, STEPS_PER_EPOCH)
    trained = trainer.train(first, _batches(pair, steps), _seed)
    assert len(trained.losses) == steps
    return trained


def _train_native(pair: Pair, recipe: Recipe, first: int, batches: Sequence[Clips]) -> list[float]:
    model = copy.deepcopy(pair.native).double().train()
    optimizer = build_optimizer(model, None, recipe)
    factor = recipe_factor(recipe, STEPS_PER_EPOCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(first + step))
    config = _run_config(pair.name, recipe)
    setup = Setup(config, model, None, None, 0.0, optimizer, schedule, STEPS_PER_EPOCH)
    return [float(train_step(setup, _batch(clips), step)[0]) for step, clips in enumerate(batches, first)]


def _seed(step: int) -> int:
    """The seed that the engine's `train_step` sets itself."""
    return derive(SEED, "step", step)


def _batches(pair: Pair, steps: int) -> list[Clips]:
    generator = torch.Generator().manual_seed(4)
    config, found = pair.config, []
    for _ in range(steps):
        shape = (CLIPS, config.frames, 3, config.pixels, config.pixels)
        clip_BTCHW = torch.rand(shape, generator=generator, dtype=torch.float64)
        found.append(Clips(clip_BTCHW, torch.randperm(len(EXPRESSIONS), generator=generator)[:CLIPS]))
    return found


def _batch(clips: Clips) -> Batch:
    target = clips.target.double() if clips.target.is_floating_point() else clips.target
    return Batch(clips.clip_BTCHW, target, torch.zeros(CLIPS, NUM_UNITS), torch.zeros(CLIPS, dtype=torch.bool))


def _run_config(model: str, recipe: Recipe) -> RunConfig:
    labels: dict[str, int | str] = {name: index for index, name in enumerate(EXPRESSIONS)}
    data = RunData(name="random", title="random", published=False, labels=labels, clips={}, fingerprint="")
    return RunConfig(
        experiment="verify", dataset=data, model=model, scale="full", arm="baseline", fold=1, folds=1, seed=SEED,
        selection=("last",), au=None, recipe=recipe,
    )  # fmt: skip


def _groups(optimizer: torch.optim.Optimizer, named: dict[Any, torch.nn.Parameter]) -> dict[Any, int]:
    """The index of each parameter's group, by name."""
    where = {id(p): index for index, group in enumerate(optimizer.param_groups) for p in group["params"]}
    return {name: where[id(parameter)] for name, parameter in named.items()}


def _weight_decays(optimizer: torch.optim.Optimizer, groups: dict[Any, int]) -> dict[Any, float]:
    return {name: optimizer.param_groups[index]["weight_decay"] for name, index in groups.items()}


def _settings(optimizer: torch.optim.Optimizer) -> set[str]:
    """Kind of optimiser and settings, of all groups, as lines of text."""
    lines = {f"{name} {group.get(name)}" for group in optimizer.param_groups for name in SETTINGS if name in group}
    return lines | {type(optimizer).__name__}


def _rates(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> np.ndarray:
    factor = recipe_factor(recipe, STEPS_PER_EPOCH)
    factor_S1 = np.array([[factor(step)] for step in range(steps)])
    return factor_S1 * np.array([group["lr"] for group in optimizer.param_groups])


def _worst(own_S: np.ndarray, their_S: np.ndarray) -> tuple[float, int]:
    """Largest relative difference of two rates, and (negative, so that the first counts) its step."""
    error_S = np.abs(own_S - their_S) / np.maximum(np.abs(their_S), 1e-12)
    return float(error_S.max()), -int(error_S.argmax())
