"""What today's machines need to run the upstreams' scripts, outside the patched trees.

Each shim is one function of the job, applied in the upstream's process only, before its script starts; each manifest in
manifests/upstreams lists the shims of its upstream with the reason. Patched and unpatched tree run under the same
shims. A shim changes nothing where what it stands in for is there.
"""

from __future__ import annotations

import argparse
import builtins
import multiprocessing
import os
import stat
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.upstream.job import Job
from harness.upstream.manifest import UpstreamError

# What the DFEW scripts import but do not need there: video decoding, event files, and drawing curves and heat maps.
DISPENSABLE = {
    "cv2": (),
    "decord": (),
    "matplotlib": ("pyplot",),
    "seaborn": (),
    "tensorboardX": (),
}
# Optimisers that timm 1 renamed or dropped; the recipes use AdamW of torch.
FORMER_TIMM_OPTIMIZERS = (("nadam", "Nadam"), ("radam", "RAdam"))


def apply(job: Job) -> None:
    """Apply the shims that the job names, in that order; UpstreamError for a name that is not here."""
    for name in job.shims:
        if name not in SHIMS:
            raise UpstreamError(f"{job.upstream}: no shim {name!r}; known: {', '.join(SHIMS)}")
        SHIMS[name](job)


def torchvision_operators(job: Job) -> None:
    """A CPU build of PyTorch cannot load torchvision's compiled operators, and its import stops."""
    from harness import torchvision_ops

    assert torchvision_ops is not None


def no_cuda(job: Job) -> None:
    """Without a CUDA device the scripts' unconditional calls into torch.cuda leave everything where it is."""
    if torch.cuda.is_available():
        return
    torch.Tensor.cuda = _itself  # type: ignore[method-assign,assignment]
    torch.nn.Module.cuda = _itself  # type: ignore[method-assign,assignment]
    torch.cuda.synchronize = _nothing
    torch.cuda.amp.GradScaler = _unit_scaler  # type: ignore[assignment,misc]


def absent_modules(job: Job) -> None:
    """Modules that the scripts import but need nothing of on DFEW are stood in for where they are not installed."""
    for name, parts in DISPENSABLE.items():
        if find_spec(name) is None:
            for whole in (name, *(f"{name}.{part}" for part in parts)):
                sys.modules[whole] = _Dummy(whole)


def numpy_2(job: Job) -> None:
    """NumPy 2 has neither np.float nor numpy.lib.function_base."""
    if "float" not in vars(np):
        vars(np)["float"] = builtins.float
    if find_spec("numpy.lib.function_base") is None:
        module = ModuleType("numpy.lib.function_base")
        vars(module)["disp"] = print
        sys.modules[module.__name__] = module


def torch_six(job: Job) -> None:
    """torch._six, of which the script imports `inf`, left PyTorch with 2.0."""
    if find_spec("torch._six") is None:
        module = ModuleType("torch._six")
        vars(module)["inf"] = float("inf")
        sys.modules[module.__name__] = module


def timm_1(job: Job) -> None:
    """timm 1 moved `layers` and the registry, renamed optimisers, and gives models arguments that these do not take."""
    import timm
    import timm.layers
    import timm.models

    sys.modules["timm.models.layers"] = timm.layers
    registry = ModuleType("timm.models.registry")
    vars(registry)["register_model"] = timm.models.register_model
    sys.modules[registry.__name__] = registry
    for module, name in FORMER_TIMM_OPTIMIZERS:
        place = f"timm.optim.{module}"
        found = import_module(place) if find_spec(place) else ModuleType(place)
        if not hasattr(found, name):
            setattr(found, name, _Dummy(name))
        sys.modules[place] = found
    vars(timm.models)["create_model"] = _create_model


def kinetics_weights(job: Job) -> None:
    """torchvision downloads the Kinetics weights at construction; here they come from a checked file, or not at all."""
    from torchvision.models import video

    build = video.r3d_18

    def r3d_18(*, weights: object = None, **options: Any) -> torch.nn.Module:
        model = build(weights=None, **options)
        if weights is not None and job.weights is not None:
            model.load_state_dict(torch.load(job.weights, map_location="cpu", weights_only=True))
        return model

    video.r3d_18 = r3d_18


def single_process(job: Job) -> None:
    """The script ran under torch.distributed.launch: its last barrier needs no partner, each epoch its own order."""
    torch.distributed.barrier = _nothing
    torch.utils.data.DistributedSampler = _EpochSampler  # type: ignore[misc]


def plain_checkpoints(job: Job) -> None:
    """torch.load is weights_only today, and the pre-trained checkpoint also holds the options it was trained with."""
    torch.serialization.add_safe_globals([argparse.Namespace])


def folder_size(job: Job) -> None:
    """The loader skips a clip whose folder reports less than 1 KiB; some file systems report that for every folder."""
    size_of = os.path.getsize

    def getsize(path: str) -> int:
        size = size_of(path)
        return max(size, 1024) if stat.S_ISDIR(os.stat(path).st_mode) else size

    os.path.getsize = getsize  # type: ignore[assignment]


def forked_loaders(job: Job) -> None:
    """The scripts' loaders rely on processes made by fork, which is no longer the default everywhere."""
    multiprocessing.set_start_method("fork", force=True)


def seeds(job: Job) -> None:
    """Not every script seeds every generator; both arms of a pair start all of them from the run's seed."""
    import random

    random.seed(job.seed)
    np.random.seed(job.seed % 2**32)  # noqa: NPY002  (the generator that the scripts draw from)
    torch.manual_seed(job.seed)


Shim = Callable[[Job], None]
SHIMS: dict[str, Shim] = {
    shim.__name__: shim
    for shim in (
        torchvision_operators,
        no_cuda,
        absent_modules,
        numpy_2,
        torch_six,
        timm_1,
        kinetics_weights,
        single_process,
        plain_checkpoints,
        folder_size,
        forked_loaders,
        seeds,
    )
}


def _itself(value: Any, *arguments: object, **options: object) -> Any:
    return value


def _nothing(*arguments: object, **options: object) -> None:
    return None


def _unit_scaler(*arguments: object, **options: object) -> torch.amp.GradScaler:
    """A scaler that multiplies by one for ever: a disabled one has no scale for the script to print."""
    return torch.amp.GradScaler("cpu", init_scale=1.0, growth_interval=2**31 - 1)


def _create_model(model_name: str, pretrained: bool = False, **options: Any) -> torch.nn.Module:
    import timm.models

    given = {key: value for key, value in options.items() if value is not None}
    model: torch.nn.Module = timm.models.model_entrypoint(model_name)(pretrained=pretrained, **given)
    return model


class _EpochSampler(torch.utils.data.DistributedSampler[Any]):
    """A sampler that goes on to the next epoch's order by itself, as the script makes it do when it is distributed."""

    def __iter__(self) -> Iterator[Any]:
        order = super().__iter__()
        self.set_epoch(self.epoch + 1)
        return order


class _Dummy(ModuleType):
    """Answers to every name and every call with itself, so that drawing a curve draws nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: object, **options: object) -> Any:
        return self
