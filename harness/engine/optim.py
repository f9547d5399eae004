"""Optimiser and its parameter groups."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import nn

from harness.recipe import Optimizer, Recipe


def base_lr(recipe: Recipe) -> float:
    """Learning rate after scaling by the batch (MAE-DFER: lr x batch / 256)."""
    optimizer = recipe.optimizer
    return optimizer.lr * (recipe.batch / optimizer.reference_batch if optimizer.reference_batch else 1.0)


def lr_rule(recipe: Recipe) -> str:
    """How the base learning rate comes about, for a reader."""
    optimizer = recipe.optimizer
    if optimizer.reference_batch is None:
        return f"{optimizer.lr:g}, not scaled by the batch"
    return f"{optimizer.lr:g} x {recipe.batch} / {optimizer.reference_batch} = {base_lr(recipe):g}, by the global batch"


def build_optimizer(model: nn.Module, head: nn.Module | None, recipe: Recipe) -> torch.optim.Optimizer:
    """Fused AdamW or SGD over the model and, in a group of its own behind the model's, the AU head.

    The groups follow the recipe: no weight decay for vectors and for what the model names in `no_weight_decay` if
    `decay_norm_and_bias` is off; lr x layer_decay^(layers above) if `layer_decay` is below one.
    """
    groups = parameter_groups(model, recipe.optimizer, base_lr(recipe))
    if head is not None:
        groups += _grouped(
            list(head.named_parameters()), recipe.optimizer, base_lr(recipe), lambda name: 1.0, frozenset()
        )
    if recipe.optimizer.name == "sgd":
        return torch.optim.SGD(groups, lr=base_lr(recipe), momentum=recipe.optimizer.momentum, fused=True)
    return torch.optim.AdamW(
        groups, lr=base_lr(recipe), betas=recipe.optimizer.betas, eps=recipe.optimizer.eps, fused=True
    )


def parameter_groups(model: nn.Module, optimizer: Optimizer, lr: float) -> list[dict[str, object]]:
    """Groups of equal learning rate and weight decay, in the order of the model's parameters."""
    exempt = frozenset(getattr(model, "no_weight_decay", frozenset)())
    layers = 1 + max((_layer(name, 0) for name, _ in model.named_parameters()), default=0)
    return _grouped(
        list(model.named_parameters()),
        optimizer,
        lr,
        lambda name: optimizer.layer_decay ** (layers - _layer(name, layers)),
        exempt,
    )


def _layer(name: str, top: int) -> int:
    """Depth of a parameter: 0 for what comes before the blocks, i + 1 for block i, `top` behind them."""
    block = re.match(r"blocks\.(\d+)\.", name)
    if block:
        return int(block[1]) + 1
    return 0 if name.startswith(("patch_embed", "pos_embed")) else top


def _grouped(
    named: list[tuple[str, nn.Parameter]],
    optimizer: Optimizer,
    lr: float,
    scale: Callable[[str], float],
    exempt: frozenset[str],
) -> list[dict[str, object]]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        decays = optimizer.decay_norm_and_bias or (
            parameter.ndim > 1 and not name.endswith(".bias") and name not in exempt
        )
        key = (scale(name), optimizer.weight_decay if decays else 0.0)
        groups.setdefault(key, []).append(parameter)
    return [{"params": params, "lr": lr * share, "weight_decay": decay} for (share, decay), params in groups.items()]
