"""What a run trains: model, AU head and AU loss, optimiser and schedule, all from its configuration and seed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from harness import models
from harness.au.head import AUHead
from harness.au.knowledge import load_knowledge
from harness.au.loss import AULoss
from harness.au.pos_weight import load_released, pos_weight
from harness.engine.device import take_device
from harness.engine.distributed import ALONE, Ranks, as_one, in_step
from harness.engine.fold import FoldData
from harness.engine.memory import keep_freed
from harness.engine.optim import build_optimizer
from harness.engine.recompute import recompute_stages
from harness.engine.schedule import recipe_factor
from harness.engine.seeds import derive, torch_generator
from harness.errors import DataError
from harness.manifest import AUArm, RunConfig, manifests_dir

CLASSIFIER = "classifier"


@dataclass(frozen=True)
class Setup:
    """The parts of one run. `head` and `au_loss` are None for a baseline; `au_ratio` is then 0.

    With several `ranks`, `parallel` is model and head as a step calls them: what averages the ranks' gradients. A
    compiled step is there too; evaluation calls `model`, as it is.
    """

    config: RunConfig
    model: nn.Module
    head: AUHead | None
    au_loss: AULoss | None
    au_ratio: float
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR
    steps_per_epoch: int
    ranks: Ranks = ALONE
    parallel: nn.Module | None = None

    def forward(self, clip_BTCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """logits_BE and, where the AU loss has a part in the step, au_logits_BA; in training mode."""
        if self.parallel is not None:
            if clip_BTCHW.is_cuda and self.config.recipe.compile != "off":
                torch.compiler.cudagraph_mark_step_begin()
            return self.parallel(clip_BTCHW)
        logits_BE = self.model(clip_BTCHW)
        return logits_BE, self.head() if self.head is not None and self.au_ratio > 0 else None

    def autocast(self) -> AbstractContextManager[None]:
        """bf16 autocast on the run's device, or nothing for fp32."""
        if self.config.precision == "fp32":
            return nullcontext()
        return torch.autocast(torch.device(self.config.device).type, dtype=torch.bfloat16)


def prepare_machine(config: RunConfig, ranks: Ranks = ALONE) -> None:
    """Device, threads, memory and determinism of this process; HarnessError if the device is not there."""
    if ranks.world == 1:  # one of several has taken the GPU of its number
        take_device(config.device)
    threads = config.threads or (len(os.sched_getaffinity(0)) if ranks.world > 1 else 0)
    if threads:
        torch.set_num_threads(max(1, threads // ranks.world))
    keep_freed()
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    # fp32 is fp32 on a GPU too, where convolutions would be TF32 by default; what bf16 leaves in fp32 may be TF32.
    exact = "ieee" if config.precision == "fp32" else "tf32"
    backends: Any = torch.backends
    if config.device != "cpu":
        # By its old name, too: torch.compile asks by it, and it must agree with the new ones.
        torch.set_float32_matmul_precision("highest" if config.precision == "fp32" else "high")
    for operations in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
        operations.fp32_precision = exact


def build(
    config: RunConfig, data: FoldData, initial: Mapping[str, torch.Tensor] | None = None, ranks: Ranks = ALONE
) -> Setup:
    """Build a run. The model draws from the run's seed alone, the AU head from a generator of its own, so the arms of a
    pair start from the same weights. `initial` replaces the weights it names.
    """
    torch.manual_seed(derive(config.seed, "weights"))
    model = models.build(config.model, config.scale, num_classes=len(config.dataset.labels)).to(config.device)
    if initial is not None:
        model.load_state_dict(initial, strict=False)
    model = as_one(model, config.device, ranks)
    _to_channels_last(model)
    head = au_loss = None
    if config.au:
        head = AUHead(model, CLASSIFIER, generator=torch_generator(config.seed, "au-head")).to(config.device)
        au_loss = _au_loss(config, config.au, data).to(config.device)
    optimizer = build_optimizer(model, head, config.recipe)
    steps = data.steps_per_epoch(config.recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe_factor(config.recipe, steps))
    ratio = config.au.ratio if config.au else 0.0
    if config.recipe.gradient_checkpointing:
        recompute_stages(model)
    parallel = None
    if ranks.world > 1 or config.recipe.compile != "off":
        parallel = _compiled(in_step(model, head if ratio else None, config.device, ranks), config.recipe.compile)
    return Setup(config, model, head, au_loss, ratio, optimizer, schedule, steps, ranks, parallel)


def _compiled(module: nn.Module, mode: str) -> nn.Module:
    """The module as torch.compile makes it in a mode; batches have one shape, so nothing is dynamic."""
    if mode == "off":
        return module
    # What was compiled for the runs before counts towards a limit, behind which nothing is compiled any more.
    torch.compiler.reset()
    warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # fp32 is fp32
    return cast(nn.Module, torch.compile(module, mode=mode, dynamic=False))


def _to_channels_last(model: nn.Module) -> None:
    """Convolution weights in the memory format of the clips (data/augment.py); values stay."""
    three_d = any(parameter.ndim == 5 for parameter in model.parameters())
    model.to(memory_format=torch.channels_last_3d if three_d else torch.channels_last)  # type: ignore[call-overload]


def _au_loss(config: RunConfig, au: AUArm, data: FoldData) -> AULoss:
    knowledge_EA = load_knowledge(au.knowledge, manifests_dir() / "knowledge")
    if au.knowledge_sha256:
        path = Path(au.knowledge.removeprefix("computed:"))
        if sha256(path.read_bytes()).hexdigest() != au.knowledge_sha256:
            raise DataError(f"{path}: changed since the run was planned; give the same command again")
    return AULoss(knowledge_EA, _pos_weight(config, au, data), reduction=au.reduction, unit_A=data.au_unit_A)


def _pos_weight(config: RunConfig, au: AUArm, data: FoldData) -> np.ndarray:
    if au.pos_weight == "released":
        return load_released(manifests_dir() / "knowledge" / f"pos_weight_{config.dataset.name}.csv", au.strategy)
    train_N = data.train_N
    return pos_weight(
        au.strategy,
        data.au_label_NA[train_N].numpy(),
        data.au_mask_N[train_N].numpy(),
        data.label_N[train_N].numpy(),
    )
