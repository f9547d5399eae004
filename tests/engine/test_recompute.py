"""Gradient checkpointing: the same losses, weights and statistics from fewer activations."""

from typing import Any

import pytest
import torch

from harness.data.prepare import Prepared
from harness.engine.batch import make_batch
from harness.engine.fold import load_fold
from harness.engine.setup import Setup, build, prepare_machine
from harness.engine.train import train_step


def with_checkpointing(config: Any, on: bool) -> Any:
    recipe = config.recipe.model_copy(update={"gradient_checkpointing": on})
    return config.model_copy(update={"recipe": recipe})


def kept_bytes(setup: Setup, clip_BTCHW: torch.Tensor) -> int:
    """What the graph of one forward pass holds, less the weights."""
    weights = {parameter.data_ptr() for parameter in setup.model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits_BE = setup.model(clip_BTCHW)
    assert logits_BE.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_nothing_changes_but_what_is_kept(model: str, make_config: Any, prepared: Prepared) -> None:
    config = make_config(model, "au-global")
    prepare_machine(config)
    data = load_fold(prepared, config)
    found = []
    for on in (False, True):
        asked = with_checkpointing(config, on)
        setup = build(asked, data)
        setup.model.train()
        losses = train_step(setup, make_batch(data, asked, 0), 0)
        state = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
        found.append((losses, state, kept_bytes(setup, make_batch(data, asked, 2).clip_BTCHW)))
    (losses, state, kept), (again, state_again, kept_again) = found
    assert torch.equal(losses, again)
    assert [name for name in state if not torch.equal(state[name], state_again[name])] == []
    assert kept_again < 0.7 * kept


def test_draws_inside_a_stage_are_repeated(make_config: Any, prepared: Prepared) -> None:
    """Stochastic depth drops the same rows when a block is seen again."""
    config = make_config("mae_dfer", "baseline")
    prepare_machine(config)
    data, gradients = load_fold(prepared, config), []
    for on in (False, True):
        setup = build(with_checkpointing(config, on), data)
        setup.model.train()
        for block in setup.model.blocks:  # type: ignore[union-attr]
            block.drop_path = 0.5
        torch.manual_seed(0)
        setup.model(make_batch(data, config, 0).clip_BTCHW).square().sum().backward()
        gradients.append([parameter.grad for parameter in setup.model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
