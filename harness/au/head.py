"""The AU classifier beside a model's expression classifier (section 3.2, Fig. 2(c)); the model is left untouched.

Shape letters: B batch, D features, A action units.
"""

from __future__ import annotations

import difflib
import math
from typing import Any

import torch
from torch import Tensor, nn

from harness.au.units import NUM_UNITS
from harness.errors import HarnessError

_WRAPPERS = ("module", "_orig_mod")  # what DistributedDataParallel and torch.compile put before a name


class _Keeper:
    """A forward pre-hook that keeps the layer's input while the layer trains. Copies and pickles keep nothing."""

    def __init__(self) -> None:
        self.feature: Tensor | None = None

    def keep(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.feature = (*args, *kwargs.values())[0] if layer.training else None

    def take(self) -> Tensor | None:
        feature, self.feature = self.feature, None
        return feature

    def __getstate__(self) -> dict[str, Any]:
        # A kept feature belongs to an autograd graph, which can be neither copied nor pickled.
        return {"feature": None}


class AUHead(nn.Module):
    """One linear layer from the input of the model's expression classifier to AU logits.

    The head is a module of its own: the model's parameters, state_dict and inference stay those of the baseline. Give
    the head's parameters to the optimiser beside the model's; under DistributedDataParallel wrap the head as well.

        head = AUHead(model, "classifier")
        logits_BE = model(clip_BCTHW)      # in training mode
        au_logits_BA = head()              # of the same forward pass

    `layer` is the dotted name of an nn.Linear in `model`. Weights have the distribution of nn.Linear's default and come
    from `generator` (default: a CPU generator of its own, seeded 0), so that the global generator is as without a head.
    Where the layer runs several times in one forward pass, the last input counts. Raises HarnessError if there is no
    such linear layer.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str = "classifier",
        *,
        num_units: int = NUM_UNITS,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        found = _linear_layer(model, layer)
        self.layer_name = layer
        self.linear = _draw_linear(found, num_units, generator or torch.Generator().manual_seed(0))
        self._keeper = _Keeper()
        self._handle = found.register_forward_pre_hook(self._keeper.keep, with_kwargs=True)

    def forward(self) -> Tensor:
        """au_logits_BA of the feature kept by the model's last training-mode forward pass; forgets the feature."""
        feature_BD = self._keeper.take()
        if feature_BD is None:
            raise HarnessError(
                f"AU head on '{self.layer_name}' has no feature: run the model in training mode once before each call"
            )
        if feature_BD.dim() != 2:
            raise HarnessError(
                f"AU head on '{self.layer_name}': the layer's input has shape {tuple(feature_BD.shape)}, not (batch, "
                "features); name a classifier layer that takes one pooled feature per clip"
            )
        # A bf16 feature kept under autocast meets fp32 weights when the head is called outside it.
        return self.linear(feature_BD.to(self.linear.weight.dtype))

    def remove(self) -> None:
        """Takes the hook off the model and forgets any kept feature; the head cannot be called afterwards."""
        self._handle.remove()
        self._keeper.take()


def _linear_layer(model: nn.Module, name: str) -> nn.Linear:
    if isinstance(model, nn.DataParallel):
        raise HarnessError("AU head: nn.DataParallel mixes its replicas' features; use DistributedDataParallel")
    modules = {_without_wrappers(key): module for key, module in model.named_modules()}
    found = modules.get(_without_wrappers(name))
    # An nn.LazyLinear that has seen no input has no size yet.
    if isinstance(found, nn.Linear) and found.in_features > 0:
        return found
    linear = [key for key, module in modules.items() if isinstance(module, nn.Linear)]
    near = difflib.get_close_matches(name, linear, n=3, cutoff=0.4) or linear[-3:]
    what = "no such layer" if found is None else f"is a {type(found).__name__}, not an nn.Linear"
    hint = f"linear layers near that name: {', '.join(near)}" if near else "the model has no linear layer"
    raise HarnessError(f"AU head: layer '{name}' of {type(model).__name__}: {what}; {hint}")


def _without_wrappers(name: str) -> str:
    head, _, rest = name.partition(".")
    return _without_wrappers(rest) if head in _WRAPPERS and rest else name


def _draw_linear(beside: nn.Linear, num_units: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer for the same input, on the same device and of the same dtype, drawn from `generator` alone."""
    linear = nn.utils.skip_init(nn.Linear, beside.in_features, num_units, device=generator.device)
    bound = 1 / math.sqrt(beside.in_features)
    nn.init.kaiming_uniform_(linear.weight, a=math.sqrt(5), generator=generator)
    nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
    return linear.to(device=beside.weight.device, dtype=beside.weight.dtype)
