"""The upstreams as references: each one's model, optimiser, schedule and training loop, by its own code.

An upstream's `main` is run up to the call of its training function, with our model and a counted data set in the place
of its own: so optimiser, schedule and criterion are what it builds itself. Its training function then trains on our
batches. Works in a process that `modules.prepare` has made ready.

Shape letters: B batch, T frames, C channels, H W pixels, E expressions, S steps, G parameter groups.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from harness.au.loss import mix_shares
from harness.upstream.driving import Seeded, kept, noted, noted_shares, until
from harness.upstream.manifest import UpstreamError
from harness.upstream.modules import load, prepare


@dataclass(frozen=True)
class Clips:
    """clip_BTCHW and its target: expressions (B,), or shares of a mixed batch (B, E) before smoothing."""

    clip_BTCHW: Tensor
    target: Tensor


@dataclass(frozen=True)
class Trained:
    """The loss of each step, and the batches as the upstream's own mixing left them."""

    losses: list[float]
    batches: list[Clips]


class Trainer(Protocol):
    """What an upstream's `main` built for one model: its optimiser, its rates, its training loop."""

    optimizer: torch.optim.Optimizer

    def rates(self) -> np.ndarray:
        """Learning rates (S, G) of every step of the whole run, by parameter group. Uses the trainer up."""

    def train(self, first_step: int, batches: Sequence[Clips], seed: Callable[[int], int]) -> Trained:
        """Train on `batches` as the steps from `first_step` on; torch is seeded by `seed(step)` before each."""


class Reference(Protocol):
    """An upstream: the dotted name of its classifier, its model, its recipe's trainer."""

    classifier: str

    def build(self, frames: int) -> nn.Module:
        """The model as the upstream's `main` builds it, for clips of so many frames, randomly initialised."""

    def layout(self, clip_BTCHW: Tensor) -> Tensor:
        """A clip in the upstream's order of axes."""

    def trainer(self, model: nn.Module, steps_per_epoch: int) -> Trainer:
        """The upstream's own optimiser, schedule and loop for `model`."""


def reference(name: str, folder: Path) -> Reference:
    """Make this process ready for the upstream `name` in `folder` and return it."""
    kinds: dict[str, Callable[[Path], Reference]] = {"m3dfel": M3DFEL, "former_dfer": FormerDFER, "mae_dfer": MAEDFER}
    if name not in kinds:
        raise UpstreamError(f"upstream '{name}' has no reference; use one of: {', '.join(kinds)}")
    prepare(name, folder)
    return kinds[name](folder)


class M3DFEL:
    """github.com/ECNU-Cross-Innovation-Lab/M3DFEL_replicate: options.py, solver.py, utils.py."""

    classifier = "fc"

    def __init__(self, folder: Path) -> None:
        self.args = load(folder, "options").Options().initialize().parse_args([])
        self.args.gpu_ids, self.args.output_path = [], ""
        self.solver = load(folder, "solver")

    def build(self, frames: int) -> nn.Module:
        assert frames == self.args.num_frames
        return self.solver.create_model(self.args)

    def layout(self, clip_BTCHW: Tensor) -> Tensor:
        return clip_BTCHW

    def trainer(self, model: nn.Module, steps_per_epoch: int) -> Trainer:
        counted = [None] * steps_per_epoch
        with (
            patch.object(self.solver, "create_model", lambda args: model),
            patch.object(self.solver, "create_dataloader", lambda args, mode: counted),
        ):
            return M3DFELTrainer(self.solver.Solver(self.args), steps_per_epoch)


class M3DFELTrainer:
    def __init__(self, solver: Any, steps_per_epoch: int) -> None:
        self.solver, self.steps_per_epoch = solver, steps_per_epoch
        self.optimizer: torch.optim.Optimizer = solver.optimizer

    def rates(self) -> np.ndarray:
        # The schedule is told of a step behind that step: the first step runs at the rate set at construction.
        lines = [_rates_now(self.optimizer)]
        for step in range(self.solver.args.epochs * self.steps_per_epoch - 1):
            self.solver.scheduler.step_update(step)
            lines.append(_rates_now(self.optimizer))
        return np.array(lines)

    def train(self, first_step: int, batches: Sequence[Clips], seed: Callable[[int], int]) -> Trained:
        epoch = _whole_epochs(first_step, self.steps_per_epoch)
        if first_step:
            self.solver.scheduler.step_update(first_step - 1)
        pairs = [(batch.clip_BTCHW, batch.target) for batch in batches]
        self.solver.train_dataloader = Seeded(pairs, first_step, self.steps_per_epoch, seed)
        with noted(self.solver.criterion) as losses:
            self.solver.train(epoch)
        return Trained(losses, list(batches))


class FormerDFER:
    """github.com/zengqunzhao/Former-DFER: main_DFEW.py."""

    classifier = "fc"

    def __init__(self, folder: Path) -> None:
        with patch.object(sys, "argv", ["main_DFEW.py"]):  # it reads its options at import
            self.main = load(folder, "main_DFEW")
        vars(self.main)["log_txt_path"] = os.devnull

    def build(self, frames: int) -> nn.Module:
        return self.main.GenerateModel()

    def layout(self, clip_BTCHW: Tensor) -> Tensor:
        return clip_BTCHW

    def trainer(self, model: nn.Module, steps_per_epoch: int) -> Trainer:
        counted = [0] * (steps_per_epoch * self.main.args.batch_size)
        schedules: list[Any] = []
        with (
            patch.object(self.main, "GenerateModel", lambda: model),
            patch.object(self.main, "train_data_loader", lambda **options: counted),
            patch.object(self.main, "test_data_loader", lambda **options: counted),
            patch.object(torch.optim.lr_scheduler, "StepLR", kept(torch.optim.lr_scheduler.StepLR, schedules)),
        ):
            arguments, _ = until(self.main, "train", self.main.main)
        return FormerDFERTrainer(self.main, arguments, schedules[0], steps_per_epoch)


class FormerDFERTrainer:
    def __init__(self, main: ModuleType, arguments: tuple[Any, ...], schedule: Any, steps_per_epoch: int) -> None:
        _, self.model, self.criterion, self.optimizer, _, self.args = arguments
        self.main, self.schedule, self.steps_per_epoch = main, schedule, steps_per_epoch

    def rates(self) -> np.ndarray:
        lines = []
        for _ in range(self.args.epochs):
            lines += [_rates_now(self.optimizer)] * self.steps_per_epoch
            self.schedule.step()
        return np.array(lines)

    def train(self, first_step: int, batches: Sequence[Clips], seed: Callable[[int], int]) -> Trained:
        epoch = _whole_epochs(first_step, self.steps_per_epoch)
        for _ in range(epoch):
            self.schedule.step()
        pairs = [(batch.clip_BTCHW, batch.target) for batch in batches]
        loader = Seeded(pairs, first_step, self.steps_per_epoch, seed)
        with noted(self.criterion) as losses:
            self.main.train(loader, self.model, self.criterion, self.optimizer, epoch, self.args)
        return Trained(losses, list(batches))


# As scripts/dfew/ starts run_class_finetuning.py, but for one process with the whole batch of its three GPUs.
MAE_DFER_OPTIONS = (
    *("--model", "vit_base_dim512_no_depth_patch16_160", "--depth", "16", "--input_size", "160"),
    *("--data_set", "DFEW", "--nb_classes", "7", "--sampling_rate", "4", "--num_sample", "1", "--batch_size", "96"),
    *("--opt", "adamw", "--opt_betas", "0.9", "0.999", "--lr", "1e-3", "--weight_decay", "0.05", "--epochs", "100"),
    *("--attn_type", "local_global", "--lg_region_size", "2", "5", "10", "--lg_classify_token_type", "region"),
    *("--device", "cpu", "--num_workers", "0"),
)


class MAEDFER:
    """github.com/sunlicai/MAE-DFER: run_class_finetuning.py, engine_for_finetuning.py, optim_factory.py, utils.py."""

    classifier = "head"

    def __init__(self, folder: Path) -> None:
        self.main = load(folder, "run_class_finetuning")

    def build(self, frames: int) -> nn.Module:
        create = self.main.create_model
        with patch.object(self.main, "build_dataset", lambda **options: ([0], 7)):
            names, options = until(self.main, "create_model", lambda: self.main.main(self._args(frames), None))
        return create(*names, **options)

    def layout(self, clip_BTCHW: Tensor) -> Tensor:
        return clip_BTCHW.transpose(1, 2)

    def trainer(self, model: nn.Module, steps_per_epoch: int) -> Trainer:
        args = self._args(16)
        counted = [0] * (steps_per_epoch * args.batch_size)
        with (
            patch.object(self.main, "create_model", lambda name, **options: model),
            patch.object(self.main, "build_dataset", lambda **options: (counted, 7)),
        ):
            arguments, options = until(self.main, "train_one_epoch", lambda: self.main.main(args, None))
        return MAEDFERTrainer(self.main.train_one_epoch, arguments, options)

    def _args(self, frames: int) -> Any:
        options = ["run_class_finetuning.py", *MAE_DFER_OPTIONS, "--num_frames", str(frames)]
        with patch.object(sys, "argv", options):
            args, _ = self.main.get_args()
        return args


class MAEDFERTrainer:
    def __init__(self, train: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.train_one_epoch, self.options = train, options
        self.model, self.criterion, _, self.optimizer, self.device, _, self.scaler, self.clip, _, self.mixup = arguments

    def rates(self) -> np.ndarray:
        scale_G = np.array([group["lr_scale"] for group in self.optimizer.param_groups])
        return np.asarray(self.options["lr_schedule_values"])[:, None] * scale_G

    def train(self, first_step: int, batches: Sequence[Clips], seed: Callable[[int], int]) -> Trained:
        shares: list[float] = []
        # The upstream mixes in place: it is given copies.
        items = [(batch.clip_BTCHW.transpose(1, 2).clone(), batch.target, None, None) for batch in batches]
        loader = Seeded(items, first_step, len(items), seed)
        options = {**self.options, "start_steps": first_step, "num_training_steps_per_epoch": len(items)}
        with noted(self.criterion) as losses, noted_shares(self.mixup, shares):
            self.train_one_epoch(
                self.model, self.criterion, loader, self.optimizer, self.device, 0, self.scaler, self.clip, None,
                self.mixup, **options,
            )  # fmt: skip
        mixed = [
            Clips(clip.transpose(1, 2), mix_shares(target, torch.arange(len(target)).flip(0), share))
            for (clip, target, _, _), share in zip(items, shares, strict=True)
        ]
        return Trained(losses, mixed)


def _rates_now(optimizer: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def _whole_epochs(step: int, steps_per_epoch: int) -> int:
    epoch, rest = divmod(step, steps_per_epoch)
    assert rest == 0, "an upstream's loop starts at the first step of an epoch"
    return epoch
