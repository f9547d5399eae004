"""How fast a model trains and predicts on this machine: a few steps of the engine's own code on random clips."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, cast

import numpy as np
import torch

from harness.au.units import EXPRESSIONS, NUM_UNITS
from harness.data.augment import channels_last
from harness.engine.batch import Batch
from harness.engine.fold import FoldData
from harness.engine.memory import named
from harness.engine.setup import Setup, build, prepare_machine
from harness.engine.train import train_step
from harness.manifest import RunConfig

STEPS = 3  # timed ones, behind one that warms up
# Multiply-adds of a timed step: large enough to be the machine's rate, small enough to wait for.
STEP_BUDGET = {"cpu": 2e11, "cuda": 2e13}
BACKWARD_AND_FORWARD = 3  # a training step's multiply-adds are about three forward passes


@dataclass(frozen=True)
class Throughput:
    """Clips per second of training and of one test view, and where the figures are from."""

    train: float
    test: float
    source: str


def measure_throughput(config: RunConfig, multiply_adds: float) -> Throughput:
    """Time the steps of `config`'s model on random clips; `multiply_adds` of one forward pass choose the batch.

    What the input costs (the pack, augmentation) is not in it. Errors: HarnessError if the device is not there, or its
    memory does not suffice.
    """
    prepare_machine(config)
    budget = STEP_BUDGET[torch.device(config.device).type]
    batch = int(max(2, min(config.recipe.batch, budget // (BACKWARD_AND_FORWARD * multiply_adds))))
    with named("--dry-run", config.model, batch, config.device):
        setup = build(config, _no_clips(config))
        clips = _random_batch(config, batch)
        train = _seconds(lambda: train_step(setup, clips, 0), config.device)
        test = _seconds(lambda: _predict(setup, clips.clip_BTCHW), config.device)
    return Throughput(batch / train, batch / test, f"measured now, batch {batch}")


def _predict(setup: Setup, clip_BTCHW: torch.Tensor) -> None:
    setup.model.eval()
    with torch.inference_mode(), setup.autocast():
        setup.model(clip_BTCHW)
    setup.model.train()


def _seconds(step: Callable[[], Any], device: str) -> float:
    seconds = []
    for _ in range(STEPS + 1):
        started = time.perf_counter()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return median(seconds[1:])


def _random_batch(config: RunConfig, batch: int) -> Batch:
    spec, generator = config.recipe.input, torch.Generator().manual_seed(0)
    clip_BTCHW = torch.randn(batch, spec.frames, 3, spec.size, spec.size, generator=generator)
    target_B = torch.randint(len(EXPRESSIONS), (batch,), generator=generator)
    labels_BA, mask_B = torch.zeros(batch, NUM_UNITS), torch.ones(batch, dtype=torch.bool)
    return Batch(*(one.to(config.device) for one in (channels_last(clip_BTCHW), target_B, labels_BA, mask_B)))


def _no_clips(config: RunConfig) -> FoldData:
    """Enough of a fold for a baseline's setup: one batch of training clips, none of them anywhere."""
    none_N = np.array([], dtype=np.int64)
    train_N = np.arange(config.recipe.batch)
    nothing = torch.zeros(0)
    return FoldData(cast(Any, None), train_N, none_N, none_N, nothing, nothing, nothing)
