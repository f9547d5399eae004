"""Logits of a model on a part of a fold."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import nn

from harness.data.augment import whole_frames
from harness.data.sampling import test_frames
from harness.engine.fold import FoldData
from harness.engine.seeds import numpy_generator
from harness.manifest import RunConfig

EVAL_BATCH = 64


@torch.inference_mode()
def predict(
    model: nn.Module, data: FoldData, position_N: np.ndarray, config: RunConfig, autocast: AbstractContextManager[None]
) -> torch.Tensor:
    """Test-time logits (N, E), float32 on the CPU, without the AU head.

    With several views a clip's logits are the log of the mean soft-max over its views (MAE-DFER), else the model's own.
    """
    model.eval()
    generator = numpy_generator(config.seed, "test-frames")
    with autocast:
        batches = [
            _views(model, data, position_N[start : start + EVAL_BATCH], config, generator)
            for start in range(0, len(position_N), EVAL_BATCH)
        ]
    model.train()
    return torch.cat(batches).float().cpu()


def _views(
    model: nn.Module, data: FoldData, position_B: np.ndarray, config: RunConfig, generator: np.random.Generator
) -> torch.Tensor:
    recipe = config.recipe
    pack = data.prepared.pack
    frame_BVT = test_frames(recipe.sampling, pack.count_N[position_B], recipe.input.frames, generator)
    views = []
    for view in range(frame_BVT.shape[1]):
        clip_BTHWC = pack.gather(position_B, frame_BVT[:, view]).to(config.device)
        views.append(model(whole_frames(clip_BTHWC, recipe.input)).float())
    if len(views) == 1:
        return views[0]
    # log of the mean soft-max, without leaving the log domain: a probability that underflows is still a finite logit.
    return torch.stack(views).log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(views))
