"""Learning-rate factors against timm's and torch's own schedulers."""

import numpy as np
import pytest
import torch

from harness import torchvision_ops  # noqa: F401  (must come before timm)
from harness.engine.optim import base_lr
from harness.engine.schedule import lr_factor, recipe_factor
from harness.manifest import load_model
from harness.recipe import Schedule

from timm.scheduler.cosine_lr import CosineLRScheduler  # isort: skip


def optimizer(lr: float) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def test_cosine_is_timms_stepped_after_each_update() -> None:
    """M3DFEL builds timm's scheduler (rate 0 before the first step) and calls step_update(i) behind step i."""
    steps, epochs, lr = 5, 30, 5e-4
    theirs = CosineLRScheduler(
        opt := optimizer(lr), t_initial=steps * epochs, lr_min=5e-6, warmup_lr_init=0, warmup_t=steps * 20,
        cycle_limit=1, t_in_epochs=False,
    )  # fmt: skip
    ours = lr_factor(Schedule(name="cosine", warmup_epochs=20, min_lr=5e-6, lag=1), lr, steps, epochs)
    for step in range(steps * epochs):
        assert lr * ours(step) == pytest.approx(opt.param_groups[0]["lr"], abs=1e-12)
        theirs.step_update(step)


def test_step_is_torchs() -> None:
    steps, epochs = 3, 100
    opt = optimizer(0.01)
    theirs = torch.optim.lr_scheduler.StepLR(opt, step_size=40, gamma=0.1)
    ours = lr_factor(Schedule(name="step", step_epochs=40, gamma=0.1), 0.01, steps, epochs)
    for epoch in range(epochs):
        assert {round(0.01 * ours(epoch * steps + step), 12) for step in range(steps)} == {
            round(theirs.get_last_lr()[0], 12)
        }
        opt.step()
        theirs.step()


def test_cosine_after_warmup_by_hand() -> None:
    ours = lr_factor(Schedule(name="cosine-after-warmup", warmup_epochs=5, min_lr=1e-6), 1e-3, 10, 100)
    assert [ours(step) for step in (0, 49)] == [0.0, 1.0]
    assert ours(50) == pytest.approx(1.0)
    middle = 50 + 475
    assert 1e-3 * ours(middle) == pytest.approx((1e-3 + 1e-6) / 2)
    assert np.all(np.diff([ours(step) for step in range(50, 1000)]) < 0)


def test_constant_is_one() -> None:
    assert lr_factor(Schedule(name="constant"), 0.1, 3, 3)(8) == 1.0


def test_the_minimum_rate_of_mae_dfer_scales_with_the_batch() -> None:
    """Its main scales lr and min_lr by batch / 256: the last step's rate is 1e-6 x 96 / 256."""
    recipe = load_model("mae_dfer").recipe["full"]
    last = recipe_factor(recipe, 10)(10 * recipe.epochs)
    assert base_lr(recipe) * last == pytest.approx(1e-6 * 96 / 256)
