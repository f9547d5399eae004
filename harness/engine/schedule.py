"""Learning rate as a function of the step: the three upstreams' schedules, for torch's LambdaLR.

Stateless, so a resumed run needs nothing but its step.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.recipe import Recipe, Schedule


def recipe_factor(recipe: Recipe, steps_per_epoch: int) -> Callable[[int], float]:
    """`lr_factor` of a recipe, on the learning rate that engine/optim.py gives its groups."""
    return lr_factor(recipe.schedule, recipe.optimizer.lr, steps_per_epoch, recipe.epochs)


def lr_factor(schedule: Schedule, base_lr: float, steps_per_epoch: int, epochs: int) -> Callable[[int], float]:
    """Factor on the learning rate at a step (from 0).

    `base_lr` is the recipe's, before it is scaled by the batch: MAE-DFER scales its minimum rate by the batch as well.

    cosine               timm's CosineLRScheduler without warm-up prefix: linear from 0, then the whole run's cosine
                         (M3DFEL: solver.py, utils.py; its first two steps see the same rate, `lag = 1`)
    cosine-after-warmup  linear from 0 to the base rate over the warm-up steps, both ends included, then a cosine
                         over the rest (MAE-DFER: utils.py)
    step                 gamma every `step_epochs` (Former-DFER: main_DFEW.py)
    """
    total = steps_per_epoch * epochs
    warmup = int(schedule.warmup_epochs * steps_per_epoch)
    floor = schedule.min_lr / base_lr

    def cosine(step: int, length: int) -> float:
        return floor + 0.5 * (1.0 - floor) * (1.0 + math.cos(math.pi * step / max(length, 1)))

    def factor(step: int) -> float:
        step = max(step - schedule.lag, 0)
        if schedule.name == "step":
            return schedule.gamma ** (step // steps_per_epoch // schedule.step_epochs)
        if schedule.name == "cosine":
            return step / warmup if step < warmup else cosine(step, total)
        if schedule.name == "cosine-after-warmup":
            return step / max(warmup - 1, 1) if step < warmup else cosine(step - warmup, total - warmup)
        return 1.0

    return factor
