"""A training step on a device that does not exist: does every tensor of it lie there?

    python tests/engine/elsewhere.py

Tensors have shapes and a device but no values (PyTorch's fake tensors), the device is a made-up accelerator: an
operation that mixes devices, or reads a value, fails. Says so of each model and arm, and of a step whose AU loss was
left on the CPU, which must fail. In fp32: such a device has no autocast.
PyTorch calls what this rests on experimental; it is process-wide, so it is a process of its own.
"""

import sys
from dataclasses import fields, replace

import torch
import torch._dynamo  # before the list of devices is changed: it is bound by name in other modules
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _foreach_utils
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from harness.bench.ask import Ask
from harness.bench.subjects import random_batch, random_setup
from harness.engine.batch import Batch
from harness.engine.optim import build_optimizer
from harness.engine.schedule import recipe_factor
from harness.engine.setup import Setup
from harness.engine.train import train_step
from harness.manifest import Arm

NAME, MODELS = "elsewhere", ("m3dfel", "former_dfer", "mae_dfer")
DEVICE, ARMS = f"{NAME}:0", ("baseline", "au-distinct")


def make_device() -> None:
    """Register the accelerator, with fused optimisers and without autocast."""
    _setup_privateuseone_for_python_backend(NAME)
    module = getattr(torch, NAME)
    module.get_amp_supported_dtype = list
    module.is_autocast_enabled = lambda: False
    supported = [*_foreach_utils._get_fused_kernels_supported_devices(), NAME]
    for loaded in list(sys.modules.values()):
        if getattr(loaded, "_get_fused_kernels_supported_devices", None):
            loaded._get_fused_kernels_supported_devices = lambda: supported  # type: ignore[attr-defined]


def moved(tensor: torch.Tensor, mode: FakeTensorMode) -> torch.Tensor:
    fake = mode.from_tensor(tensor)
    with mode:
        return fake.to(DEVICE)


def move(module: nn.Module, mode: FakeTensorMode) -> None:
    """What `Module.to` does, which fake tensors refuse."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(moved(parameter.data, mode))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = moved(buffer, mode)


def setup_elsewhere(setup: Setup, mode: FakeTensorMode, misplace: bool) -> Setup:
    for module in (setup.model, setup.head, None if misplace else setup.au_loss):
        if module is not None:
            move(module, mode)
    recipe = setup.config.recipe
    optimizer = build_optimizer(setup.model, setup.head, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe_factor(recipe, setup.steps_per_epoch))
    config = setup.config.model_copy(update={"device": DEVICE})
    return replace(setup, config=config, optimizer=optimizer, schedule=schedule)


def step_elsewhere(ask: Ask, arm: Arm, misplace: bool) -> torch.Tensor:
    setup, batch, mode = random_setup(ask, arm), random_batch(ask), FakeTensorMode(allow_non_fake_inputs=misplace)
    setup = setup_elsewhere(setup, mode, misplace)
    setup.model.train()
    batch = Batch(*(moved(getattr(batch, field.name), mode) for field in fields(batch)))
    with mode:
        return train_step(setup, batch, 0)


def main() -> None:
    make_device()
    for model, arm, misplace in [
        *((model, arm, False) for model in MODELS for arm in ARMS),
        (MODELS[0], ARMS[1], True),
    ]:
        plain = dict.fromkeys(("upstream", "absent", "prepared", "root", "work"), "")
        ask = Ask("step", model, "demo", "cpu", "fp32", 1, 1, 0, 4, "off", "wall", **plain)
        named = f"{model} {arm}{', misplaced' * misplace}"
        try:
            print(f"{named}: losses on {step_elsewhere(ask, arm, misplace).device}")
        except Exception as error:
            print(f"{named}: {type(error).__name__}: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
