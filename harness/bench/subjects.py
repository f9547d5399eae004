"""What is timed on our side: runs of the engine's own code on random clips, or on rendered faces.

Shape letters: B batch, T frames, C channels, H W pixels, E expressions, A action units, N clips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch

from harness.au.units import EXPRESSIONS, NUM_UNITS
from harness.bench.ask import Ask
from harness.bench.timing import alternate
from harness.data.augment import channels_last
from harness.data.prepare import open_prepared
from harness.engine.batch import Batch
from harness.engine.fold import FoldData, load_fold
from harness.engine.setup import Setup, build
from harness.manifest import Arm, AUArm, RunConfig, RunData, load_model
from harness.recipe import Recipe

ARM: Arm = "au-distinct"
MANY_STEPS = 1000  # in an epoch: the schedule never ends while steps are timed
FEW = 2  # clips to plan a fold with, before it is repeated to the length that is measured


def recipe_of(ask: Ask) -> Recipe:
    """The model's recipe with the batch and the compilation that are asked for."""
    changes = {"batch": ask.batch, "compile": ask.compile}
    return load_model(ask.model).recipe[ask.scale].model_copy(update=changes)


def config_of(ask: Ask, arm: Arm = "baseline", dataset: str = "dfew", recipe: Recipe | None = None) -> RunConfig:
    """A run of the model as the benchmark has it; on random clips it takes the released pos_weight of DFEW."""
    labels: dict[str, int | str] = {name: index for index, name in enumerate(EXPRESSIONS)}
    data = RunData(name=dataset, title="benchmark", published=False, labels=labels, clips={}, fingerprint="")
    source: Any = "released" if dataset == "dfew" else "fold"
    au = None if arm == "baseline" else AUArm(strategy=cast(Any, arm.removeprefix("au-")), pos_weight=source)
    return RunConfig(
        experiment="bench",
        dataset=data,
        model=ask.model,
        scale=ask.scale,
        arm=arm,
        fold=1,
        folds=5,
        seed=ask.seed,
        device=ask.device,
        precision=ask.precision,
        threads=ask.threads,
        selection=("last",),
        au=au,
        recipe=recipe or recipe_of(ask),
    )


def by_turns(ask: Ask, subjects: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """`alternate` as the question has it."""
    return alternate(subjects, rounds, ask.seed, device=ask.device, clock=ask.clock)


def random_setup(ask: Ask, arm: Arm = "baseline") -> Setup:
    """Model, AU head and loss of the arm, optimiser and schedule."""
    return build(config_of(ask, arm), _no_clips(ask.batch))


def random_batch(ask: Ask) -> Batch:
    """Resident random clips with random expressions and AU labels."""
    spec, generator = recipe_of(ask).input, torch.Generator().manual_seed(ask.seed)
    clip_BTCHW = torch.randn(ask.batch, spec.frames, 3, spec.size, spec.size, generator=generator)
    target_B = torch.randint(len(EXPRESSIONS), (ask.batch,), generator=generator)
    au_label_BA = torch.randint(2, (ask.batch, NUM_UNITS), generator=generator).float()
    mask_B = torch.ones(ask.batch, dtype=torch.bool)
    return Batch(*(one.to(ask.device) for one in (channels_last(clip_BTCHW), target_B, au_label_BA, mask_B)))


def faces(ask: Ask, config: RunConfig, steps: int, test_clips: int) -> FoldData:
    """Rendered faces as a fold of `steps` batches and `test_clips` test clips, some of them again and again."""
    small = config.model_copy(update={"recipe": config.recipe.model_copy(update={"batch": FEW})})
    data = load_fold(open_prepared(ask.paths()["prepared"]), small)
    train_N = np.resize(data.train_N, steps * config.recipe.batch)
    return replace(data, train_N=train_N, test_N=np.resize(data.test_N, test_clips))


def _no_clips(batch: int) -> FoldData:
    """Enough of a fold for a setup whose pos_weight is the released one."""
    none_N = np.array([], dtype=np.int64)
    nothing = torch.zeros(0)
    return FoldData(cast(Any, None), np.arange(batch * MANY_STEPS), none_N, none_N, nothing, nothing, nothing)
