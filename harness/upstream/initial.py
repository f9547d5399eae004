"""Initial weights for a native model from a file: an upstream's checkpoint, torchvision's R3D-18, or one of our own.

Nothing in such a file is executed: torch files are read with `weights_only=True`, where `argparse.Namespace` and
NumPy's numbers, which the upstreams put beside their weights, are the only kinds allowed besides tensors.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.errors import ManifestError, RunError
from harness.models import build
from harness.upstream.namemap import MAE_PRETRAINING, R3D_18, UPSTREAM, Pairs, fit, rename

logger = logging.getLogger(__name__)

WRAPPERS = ("model", "module", "state_dict")  # keys under which checkpoints keep their weights
PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every name
CLASSIFIER = ("classifier.weight", "classifier.bias")


@dataclass(frozen=True)
class Format:
    """A kind of file. `aside` starts the names that the native model has no use for; `parts` the names it must fill."""

    title: str
    pairs: Pairs
    aside: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("",)


def formats(model: str) -> list[Format]:
    """The kinds of file that can start `model`."""
    found = [Format("our own checkpoint", (("*", "*"),)), Format("the upstream's checkpoint", UPSTREAM[model])]
    if model == "m3dfel":
        found.append(Format("torchvision's r3d_18", R3D_18, aside=("fc.",), parts=("backbone.",)))
    if model == "mae_dfer":
        aside = ("encoder.norm.", "encoder.head.", "decoder.", "encoder_to_decoder.", "mask_token", "pos_embed")
        parts = ("patch_embed.", "region_tokens", "blocks.")
        found.append(Format("MAE-DFER's pre-training checkpoint", MAE_PRETRAINING, aside, parts))
    return found


def load_initial(model_name: str, scale: str, path: Path, num_classes: int = 7) -> dict[str, Tensor]:
    """Weights at `path` under the native model's names and in its shapes; load them with `strict=False`.

    Reads safetensors and torch files. What the file's kind does not hold (the classifier of another number of classes,
    everything but the backbone of torchvision's r3d_18) is not in the answer, and is logged. Errors, one line each:
    RunError if the file cannot be read or holds more than weights; ManifestError if the weights are not this model's.
    """
    if model_name not in UPSTREAM:
        raise ManifestError(f"model '{model_name}' has no name map; use one of: {', '.join(UPSTREAM)}")
    with torch.device("meta"):
        own = build(model_name, scale, num_classes).state_dict()
    weights = _weights(_read(path), path)
    kind = max(formats(model_name), key=lambda kind: len(_named(weights, kind, own)))
    named = _named(weights, kind, own)
    _refuse(model_name, scale, path, weights, kind, named, own)
    state = _fitted(named, own, path)
    left = sorted(own.keys() - state.keys())
    if left:
        logger.warning("%s: read as %s; left at random: %s", path, kind.title, _short(left))
    return state


def initial_name(path: Path) -> str:
    """What a run's configuration says of its initial weights: the sha256 of the file, wherever it lies."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); give --init a file of weights") from error


def _read(path: Path) -> Any:
    if not path.is_file():
        raise RunError(f"{path}: no such file; give --init a file of weights")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with torch.serialization.safe_globals(_allowed()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(
            f"{path}: not a file of weights, or one that holds other objects ({reason[:160]}); "
            "keep the state_dict alone, where the file can be trusted"
        ) from error


def _allowed() -> list[Any]:
    scalar = np.float64(0).__reduce__()[0]  # how NumPy rebuilds a number; older files name its old module
    old_name = "numpy.core.multiarray.scalar"
    return [argparse.Namespace, scalar, (scalar, old_name), np.dtype, type(np.dtype("f8")), type(np.dtype("i8"))]


def _weights(content: Any, path: Path) -> dict[str, Tensor]:
    """The tensors by name, out of their wrappers and without prefixes."""
    while isinstance(content, Mapping) and (inner := [key for key in WRAPPERS if _holds(content.get(key))]):
        content = content[inner[0]]
    tensors = {}
    if isinstance(content, Mapping):
        tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise RunError(f"{path}: holds no weights by name; give --init a state_dict or a checkpoint that has one")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _holds(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) > 0


def _named(weights: Mapping[str, Tensor], kind: Format, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that have a name in the native model, by that name."""
    named = ((rename(name, kind.pairs), value) for name, value in weights.items())
    return {name: value for name, value in named if name is not None and name in own}


def _refuse(
    model: str,
    scale: str,
    path: Path,
    weights: Mapping[str, Tensor],
    kind: Format,
    named: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
) -> None:
    needed = [name for name in own if name.startswith(kind.parts) and name not in CLASSIFIER]
    missing = [name for name in needed if name not in named]
    unknown = [
        name for name in weights if rename(name, kind.pairs) not in own and not name.startswith(kind.aside or ("\0",))
    ]
    faults = [f"{len(names)} {what} ({_short(names)})" for what, names in (("missing", missing), ("unknown", unknown))
              if names]  # fmt: skip
    if faults:
        raise ManifestError(
            f"{path}: not weights of {model} at scale {scale}: read as {kind.title}, {', '.join(faults)}; "
            "give --init a file of this model"
        )


def _fitted(named: Mapping[str, Tensor], own: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    classifier = {name: named[name] for name in CLASSIFIER if name in named}
    other = any(value.shape != own[name].shape for name, value in classifier.items())
    same_features = all(value.shape[1:] == own[name].shape[1:] for name, value in classifier.items())
    try:
        kept = fit({name: value for name, value in named.items() if not (other and name in CLASSIFIER)}, own)
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from error
    if other and not same_features:
        raise ManifestError(f"{path}: the classifier takes other features; give weights of this model at this scale")
    return {name: value.to(own[name].dtype) for name, value in kept.items()}


def _short(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
