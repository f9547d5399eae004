"""Checkpoints: everything a run needs to go on, written under another name and renamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from harness.errors import RunError
from harness.files import replacing


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values) so that `path` holds either the old checkpoint or the whole new one."""
    with replacing(path) as temporary:
        torch.save(state, temporary)


def load(path: Path, digest: str, device: str) -> dict[str, Any] | None:
    """The state at `path`, or None if there is none; RunError if it cannot be read or is of another configuration."""
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise RunError(f"{path}: checkpoint cannot be read ({error}); remove it to train this run anew") from error
    if state["digest"] != digest:
        raise RunError(f"{path}: checkpoint of another configuration; remove it to train this run anew")
    return state
