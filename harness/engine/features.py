"""Features of the test clips: what a model hands to its classifier layer, which the AU head reads too (Fig. 8).

Shape letters: N test clips, B clips of a batch, D features.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from harness.engine.evaluate import eval_batch, predict
from harness.engine.fold import FoldData
from harness.engine.setup import CLASSIFIER, Setup
from harness.files import replacing


def features(setup: Setup, data: FoldData) -> torch.Tensor:
    """Features (N, D) of the fold's test clips in the order of `data.test_N`, float32 on the CPU, in evaluation mode.

    They are those of the logits that `predict` gives; with several views a clip's feature is the mean over its views.
    """
    kept: list[torch.Tensor] = []

    def keep(layer: nn.Module, args: tuple[Any, ...]) -> None:
        kept.append(args[0].float().cpu())

    hook = setup.model.get_submodule(CLASSIFIER).register_forward_pre_hook(keep)
    try:
        predict(setup.model, data, data.test_N, setup.config, setup.autocast())
    finally:
        hook.remove()
    return _mean_over_views(torch.cat(kept), len(data.test_N), eval_batch(setup.config.device))


def _mean_over_views(feature_XD: torch.Tensor, clips: int, batch: int) -> torch.Tensor:
    """(N, D) of the rows that `predict` gave the classifier: all of a batch's first view, of its second, and so on."""
    views, features_ND = len(feature_XD) // clips, []
    for start in range(0, clips, batch):
        count = min(batch, clips - start)
        of_batch_XD = feature_XD[views * start : views * (start + count)]
        features_ND.append(of_batch_XD.unflatten(0, (views, count)).mean(dim=0))
    return torch.cat(features_ND)


def write_features(path: Path, names: Sequence[str], label_N: np.ndarray, feature_ND: torch.Tensor) -> None:
    """One safetensors file: `feature_ND` float32, `label_N` int64, and the clips' names as JSON in its metadata."""
    tensors = {"feature_ND": feature_ND.contiguous(), "label_N": torch.from_numpy(label_N.astype(np.int64))}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"clips": json.dumps(list(names))})
