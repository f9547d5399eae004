"""Driving an upstream's training script from outside: stopping it at a call, feeding it batches, noting its losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from harness.upstream.manifest import UpstreamError


class _Reached(Exception):  # noqa: N818  (it carries a call's arguments out of the upstream's main)
    pass


def until(module: ModuleType, name: str, run: Callable[[], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with which `run` first calls `module.name`; it goes no further."""

    def reached(*args: Any, **options: Any) -> None:
        raise _Reached(args, options)

    with patch.object(module, name, reached):
        try:
            run()
        except _Reached as call:
            return call.args[0], call.args[1]
    raise UpstreamError(f"{module.__file__}: {name} was not called; run `audfer upstream fetch` for the pinned tree")


class Seeded:
    """A data loader of a stated length over a few batches; seeds torch and NumPy before each."""

    def __init__(self, items: Sequence[Any], first_step: int, length: int, seed: Callable[[int], int]) -> None:
        self.items, self.first_step, self.length, self.seed = items, first_step, length, seed

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        for step, item in enumerate(self.items, self.first_step):
            torch.manual_seed(self.seed(step))
            np.random.seed(self.seed(step) % 2**32)  # noqa: NPY002  (the upstream's mixing draws from it)
            yield item


@contextmanager
def noted(criterion: nn.Module) -> Iterator[list[float]]:
    """The values of a criterion, call by call."""
    values: list[float] = []
    handle = criterion.register_forward_hook(lambda module, inputs, output: values.append(float(output)))
    try:
        yield values
    finally:
        handle.remove()


@contextmanager
def noted_shares(mixup: Any, shares: list[float]) -> Iterator[None]:
    """Notes the share that each call of the upstream's mixing draws."""
    draw = mixup._mix_batch

    def noted(clip: Tensor) -> float:
        shares.append(float(draw(clip)))
        return shares[-1]

    with patch.object(mixup, "_mix_batch", noted):
        yield


def kept(kind: Callable[..., Any], made: list[Any]) -> Callable[..., Any]:
    def make(*args: Any, **options: Any) -> Any:
        made.append(kind(*args, **options))
        return made[-1]

    return make
