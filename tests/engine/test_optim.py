"""Optimisers and their parameter groups."""

import torch
from torch import nn

from harness import models
from harness.au.head import AUHead
from harness.engine.optim import base_lr, build_optimizer, parameter_groups
from harness.manifest import load_model


def group_of(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict[str, object]:
    return next(group for group in optimizer.param_groups if any(parameter is member for member in group["params"]))


def test_every_parameter_is_in_one_group() -> None:
    for name in models.MODELS:
        model = models.build(name, "demo")
        optimizer = build_optimizer(model, None, load_model(name).recipe["full"])
        grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        assert len(grouped) == len({id(parameter) for parameter in grouped}) == len(list(model.parameters()))


def test_mae_dfer_rate_is_scaled_by_the_batch() -> None:
    assert base_lr(load_model("mae_dfer").recipe["full"]) == 1e-3 * 96 / 256


def test_layer_decay_and_weight_decay_of_mae_dfer() -> None:
    recipe = load_model("mae_dfer").recipe["full"]
    model = models.build("mae_dfer", "demo")
    depth = len(model.blocks)
    optimizer = build_optimizer(model, None, recipe)
    lr = base_lr(recipe)
    cases = {
        model.classifier.weight: (1.0, 0.05),
        model.classifier.bias: (1.0, 0.0),
        model.blocks[depth - 1].mlp[0].weight: (0.75, 0.05),
        model.blocks[0].mlp[0].weight: (0.75**depth, 0.05),
        model.blocks[0].mlp_norm.weight: (0.75**depth, 0.0),
        model.patch_embed.weight: (0.75 ** (depth + 1), 0.05),
        model.region_tokens: (1.0, 0.0),
    }
    for parameter, (scale, decay) in cases.items():
        group = group_of(optimizer, parameter)
        assert abs(group["initial_lr"] if "initial_lr" in group else group["lr"]) - lr * scale < 1e-12  # type: ignore[operator]
        assert group["weight_decay"] == decay


def test_m3dfel_decays_everything() -> None:
    groups = parameter_groups(models.build("m3dfel", "demo"), load_model("m3dfel").recipe["full"].optimizer, 5e-4)
    assert [group["weight_decay"] for group in groups] == [0.05]


def test_the_head_has_groups_of_its_own_behind_the_models() -> None:
    model = models.build("former_dfer", "demo")
    head = AUHead(model)
    with_head = build_optimizer(model, head, load_model("former_dfer").recipe["full"])
    without = build_optimizer(model, None, load_model("former_dfer").recipe["full"])
    assert len(with_head.param_groups) == len(without.param_groups) + 1
    assert group_of(with_head, head.linear.weight) is with_head.param_groups[-1]
