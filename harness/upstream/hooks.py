"""What the lines that our patches insert into an upstream call: AU head, AU loss, per-clip predictions.

A patched script does `from harness.upstream.hooks import run`. The worker (harness/upstream/worker.py) puts the run
there before the script starts; without a worker `run` is passive and the patched script trains as the unpatched one.
Shape letters: B batch, N clips, E expressions (7), A action units (18).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from harness.au.head import AUHead
from harness.au.loss import AULoss, combine, mix, mix_shares
from harness.engine.seeds import torch_generator
from harness.errors import RunError
from harness.upstream.job import Job, JobArrays

EpochSink = Callable[[dict[str, Any], np.ndarray], None]


class Run:
    """One run inside the upstream's process. Passive without a job: nothing is added, nothing is kept."""

    def __init__(self, job: Job | None = None, arrays: JobArrays | None = None, sink: EpochSink | None = None) -> None:
        self.heads = nn.ModuleDict()
        self._job, self._sink = job, sink
        self._au = AUData(job, arrays) if job and arrays and job.au else None
        self._test = TestClips(arrays) if arrays else None
        self._optimizer: torch.optim.Optimizer | None = None
        self._epoch = Epoch(1)

    def add_head(self, model: nn.Module, layer: str) -> None:
        """Put the AU head beside the model's expression classifier `layer`; in a baseline there is none."""
        if self._au is not None and self._job is not None:
            generator = torch_generator(self._job.seed, "au-head")
            self.heads["au"] = AUHead(model, layer, generator=generator)
            self._au.to(next(model.parameters()).device)

    def extend(self, optimizer: torch.optim.Optimizer, groups: Sequence[dict[str, Any]] | None = None) -> None:
        """Give the AU head's parameters to the optimiser, in `groups` or in one group with the optimiser's defaults."""
        self._optimizer = optimizer
        self._epoch = Epoch(1)  # what came before, imports and weights, is no training time
        if self.heads:
            for group in groups or [{"params": list(self.heads.parameters())}]:
                optimizer.add_param_group(group)

    def named(self, dataset: Dataset[Any], names: Sequence[str]) -> Dataset[Any]:
        """`dataset` with each sample's class as a pair of class and clip: the name, or the folder that bears it."""
        return _Named(dataset, names)

    def loss(self, expression_loss: Tensor, target_B: Tensor, clip: Sequence[str], share: float = 1.0) -> Tensor:
        """Eq. 10 for the forward pass that has just been made; at ratio 0 and in a baseline `expression_loss` itself.

        target_B: expressions 0 to 6. clip: names or folders of the batch's clips. share: the part of each clip where
        the batch was mixed with itself in reverse order (mixup, cutmix), else 1.
        """
        au_loss = None
        if self._au is not None and self._au.ratio > 0:
            au_loss = self._au.loss(self.heads["au"](), target_B, clip, share)
        loss = expression_loss if au_loss is None else combine(expression_loss, au_loss, self._au_ratio())
        self._epoch.add(loss, expression_loss, au_loss, len(target_B))
        return loss

    def predict(self, clip: Sequence[str], target_B: Tensor, logits_BE: Tensor) -> None:
        """Keep the test logits of a batch; a clip that comes again is another view of it."""
        if self._test is not None:
            self._epoch.start_test()
            self._test.add(clip, target_B, logits_BE)

    def end_epoch(self) -> None:
        """Hand over the epoch's losses and the test logits of every clip."""
        if self._test is not None and self._sink is not None:
            lr = self._optimizer.param_groups[-1]["lr"] if self._optimizer else math.nan
            self._sink(self._epoch.record(lr, self._au is not None), self._test.take())
        self._epoch = Epoch(self._epoch.number + 1, self._epoch.step)

    def _au_ratio(self) -> float:
        return self._au.ratio if self._au else 0.0


class _Named(Dataset[Any]):
    """A data set whose samples (frames, class, ...) become (frames, (class, clip), ...)."""

    def __init__(self, dataset: Any, names: Sequence[str]) -> None:
        assert len(dataset) == len(names), "one name a sample"
        self.dataset, self.names = dataset, [_name(name) for name in names]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        frames, label, *rest = self.dataset[index]
        return (frames, (label, self.names[index]), *rest)


class AUData:
    """AU labels of the clips by name, and the AU loss of the arm."""

    def __init__(self, job: Job, arrays: JobArrays) -> None:
        assert job.au is not None
        assert arrays.knowledge_EA is not None
        assert arrays.pos_weight_EA is not None
        self.ratio = job.au.ratio
        self._row = {name: row for row, name in enumerate(arrays.names)}
        self._label_NA = torch.from_numpy(arrays.au_label_NA).float()
        self._mask_N = torch.from_numpy(arrays.au_mask_N)
        reduction: Any = job.au.reduction
        self._au_loss = AULoss(arrays.knowledge_EA, arrays.pos_weight_EA, reduction=reduction)

    def to(self, device: torch.device) -> None:
        """Move labels and loss to the model's device."""
        self._label_NA, self._mask_N = self._label_NA.to(device), self._mask_N.to(device)
        self._au_loss.to(device)

    def loss(self, au_logits_BA: Tensor, target_B: Tensor, clip: Sequence[str], share: float) -> Tensor:
        """Eq. 9; of a mixed batch with labels and expressions mixed as the clips were."""
        row_B = torch.tensor([self._row[_name(one)] for one in clip], device=target_B.device)
        label_BA, mask_B = self._label_NA[row_B], self._mask_N[row_B]
        if share == 1:
            return self._au_loss(au_logits_BA, label_BA, target_B, mask_B)
        partner_B = torch.arange(len(row_B) - 1, -1, -1, device=target_B.device)
        label_BA, mask_B = mix(label_BA, mask_B, partner_B, share)
        return self._au_loss(au_logits_BA, label_BA, mix_shares(target_B, partner_B, share), mask_B)


class TestClips:
    """Collects the views of every test clip; of several views the logits are the log of the mean soft-max."""

    def __init__(self, arrays: JobArrays) -> None:
        tested = [name for name, test in zip(arrays.names, arrays.test_N, strict=True) if test]
        self._names = tested
        self._label = dict(zip(arrays.names, arrays.label_N.tolist(), strict=True))
        self._views: dict[str, list[Tensor]] = {name: [] for name in tested}

    def add(self, clip: Sequence[str], target_B: Tensor, logits_BE: Tensor) -> None:
        """Keep one batch; RunError for a clip that is no test clip or has another class here than in our lists."""
        for one, target, logits_E in zip(clip, target_B.tolist(), logits_BE.detach().float().cpu(), strict=True):
            name = _name(one)
            if name not in self._views or self._label[name] != target:
                raise RunError(
                    f"upstream run: clip {name} with class {target} is no test clip of the lists given to it"
                )
            self._views[name].append(logits_E)

    def take(self) -> np.ndarray:
        """Logits (N, E), float32, in the order of the arrays' test clips; forgets them. RunError if one is missing."""
        views, self._views = self._views, {name: [] for name in self._names}
        counts = {len(one) for one in views.values()}
        if len(counts) != 1 or counts == {0}:
            raise RunError(
                f"upstream run: test clips were predicted {sorted(counts)} times; each needs the same number"
            )
        stacked_VNE = torch.stack([torch.stack(views[name]) for name in self._names], dim=1)
        if len(stacked_VNE) == 1:
            return stacked_VNE[0].numpy()
        return (stacked_VNE.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(stacked_VNE))).numpy()


class Epoch:
    """Losses and times of one epoch (number from 1). `step` counts the run's optimiser steps."""

    def __init__(self, number: int, step: int = 0) -> None:
        self.number, self.step = number, step
        self._losses: list[Tensor] = []
        self._clips = 0
        self._started = time.monotonic()
        self._tested: float | None = None

    def add(self, loss: Tensor, expression_loss: Tensor, au_loss: Tensor | None, clips: int) -> None:
        """Keep the losses of a step of so many clips; RunError if one is not finite."""
        parts = (
            torch.stack([loss, expression_loss, loss.new_zeros(()) if au_loss is None else au_loss]).detach().float()
        )
        self._losses.append(parts)
        self.step += 1
        self._clips += clips
        if not bool(parts.isfinite().all()):
            values = ", ".join(f"{value:.6g}" for value in parts.tolist())
            raise RunError(
                f"loss, expression loss and AU loss are {values} at step {self.step - 1}: not finite; "
                "lower the learning rate"
            )

    def start_test(self) -> None:
        """The first test batch of the epoch ends its training time."""
        if self._tested is None:
            self._tested = time.monotonic()

    def record(self, lr: float, has_au: bool) -> dict[str, Any]:
        """The epoch's line with the keys of the native engine's, but for the scores."""
        now = time.monotonic()
        trained = self._tested if self._tested is not None else now
        seconds = trained - self._started
        loss, expression_loss, au_loss = torch.stack(self._losses).double().mean(dim=0).tolist()
        return {
            "epoch": self.number,
            "step": self.step,
            "lr": float(lr),
            "loss": loss,
            "expression_loss": expression_loss,
            "au_loss": au_loss if has_au else None,
            "seconds": seconds,
            "input_seconds": None,
            "evaluation_seconds": now - trained,
            "clips_per_second": self._clips / seconds if seconds else math.nan,
        }


def _name(clip: str) -> str:
    return PurePath(clip).name


run = Run()
