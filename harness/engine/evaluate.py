"""Logits of a model on a part of a fold."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import nn

from harness.au.units import NUM_EXPRESSIONS
from harness.data.augment import normalise, resize
from harness.data.sampling import test_frames
from harness.engine import stop
from harness.engine.distributed import ALONE, Ranks
from harness.engine.fold import FoldData
from harness.engine.memory import Portion
from harness.engine.resident import gather
from harness.engine.seeds import numpy_generator
from harness.manifest import RunConfig

EVAL_BATCH = 64  # on a CPU; docs/performance.md has the figures
GPU_BATCH = 256  # halved where memory does not suffice
RESIZED_BYTES = 2**26  # evaluations of one run see the same frames: few enough of them are resized once


@torch.inference_mode()
def predict(
    model: nn.Module,
    data: FoldData,
    position_N: np.ndarray,
    config: RunConfig,
    autocast: AbstractContextManager[None],
    ranks: Ranks = ALONE,
) -> torch.Tensor:
    """Test-time logits (N, E), float32 on the CPU, without the AU head.

    Several ranks take the same batches in turn that one process takes, and every rank has all logits in the end.
    With several views a clip's logits are the log of the mean soft-max over its views (MAE-DFER), else the model's own.
    """
    model.eval()
    generator = numpy_generator(config.seed, "test-frames")
    size = eval_batch(config.device)
    portion = Portion(size)
    position_IB = [position_N[start : start + size] for start in range(0, len(position_N), size)]
    # Every rank draws the frames of all batches: those of one do not depend on who takes it.
    frame_IBVT = [_frames(data, position_B, config, generator) for position_B in position_IB]
    with autocast:
        batches = []
        for index, (position_B, frame_BVT) in enumerate(zip(position_IB, frame_IBVT, strict=True)):
            if ranks.world == 1:
                stop.check(ranks)  # of several ranks, the others would wait for the one that left
            batches.append(_views(model, data, position_B, frame_BVT, config, portion) if ranks.takes(index) else None)
    model.train()
    return ranks.gather(batches, [len(position_B) for position_B in position_IB], NUM_EXPRESSIONS)


def eval_batch(device: str) -> int:
    """Clips that `predict` takes at a time, from which on it halves where memory does not suffice."""
    return GPU_BATCH if torch.device(device).type == "cuda" else EVAL_BATCH


def _frames(data: FoldData, position_B: np.ndarray, config: RunConfig, generator: np.random.Generator) -> np.ndarray:
    count_B = data.prepared.pack.count_N[position_B]
    return test_frames(config.recipe.sampling, count_B, config.recipe.input.frames, generator)


def _views(
    model: nn.Module,
    data: FoldData,
    position_B: np.ndarray,
    frame_BVT: np.ndarray,
    config: RunConfig,
    portion: Portion,
) -> torch.Tensor:
    views = []
    for view in range(frame_BVT.shape[1]):

        def logits(rows: slice, frame_BT: np.ndarray = frame_BVT[:, view]) -> torch.Tensor:
            return model(_clips(data, position_B[rows], frame_BT[rows], config)).float()

        views.append(portion.work(len(position_B), logits))
    if len(views) == 1:
        return views[0]
    # log of the mean soft-max, without leaving the log domain: a probability that underflows is still a finite logit.
    return torch.stack(views).log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(views))


def _clips(data: FoldData, position_B: np.ndarray, frame_BT: np.ndarray, config: RunConfig) -> torch.Tensor:
    """Whole frames of test clips, resized and normalised (data/augment.py: whole_frames)."""
    spec, pack = config.recipe.input, data.prepared.pack
    key = position_B.tobytes(), frame_BT.tobytes()
    clip_BTCHW = data.resized.get(key)
    if clip_BTCHW is None:
        clip_BTCHW = resize(gather(pack, position_B, frame_BT, config.device), spec.size)
        if sum(kept.nbytes for kept in data.resized.values()) + clip_BTCHW.nbytes <= RESIZED_BYTES:
            data.resized[key] = clip_BTCHW
    return normalise(clip_BTCHW, spec)
