"""Checkpoints: everything a run needs to go on. The one before is kept, for a file that is cut short or altered.

A checkpoint is a zip file as torch writes it, with a CRC-32 for each of its parts: torch itself does not look at them
when it reads, so they are checked here first. Nothing in one is executed (`weights_only=True`).
"""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from harness.errors import RunError
from harness.files import remove_left_over, replacing

log = logging.getLogger(__name__)

AGAIN = "remove it to train this run anew"


def before(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is kept."""
    return path.with_name(f"{path.stem}-before{path.suffix}")


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values) to `path`, whole or not at all; what was there is kept as `before`.

    Errors: OSError if it cannot be written; what was there is then still there.
    """
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            _put(state, file)
            file.flush()
            os.fsync(file.fileno())
        if path.is_file():
            os.replace(path, before(path))


def _put(state: dict[str, Any], file: BinaryIO) -> None:
    """To a file of Python's, so that a full disk is an OSError that says so; torch puts an error of its own before."""
    try:
        torch.save(state, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise


def load(path: Path, digest: str) -> dict[str, Any] | None:
    """The state at `path`, or where that is damaged or missing the one before, which the log says; None without either.
    Its tensors are on the CPU.

    The run must be locked by the caller: what killed writers left beside `path` is removed. Errors: RunError if no
    file can be read, or one is of another configuration.
    """
    remove_left_over(path)
    faults = []
    for place in (path, before(path)):
        try:
            state = _read(place)
        except FileNotFoundError:
            continue
        except Exception as error:
            faults.append(f"{place.name} cannot be read ({reason(error)})")
            continue
        if state["digest"] != digest:
            raise RunError(f"{place}: checkpoint of another configuration; {AGAIN}")
        if place != path:
            log.warning("%s: %s; going on from %s", path, "; ".join(faults) or "missing", place.name)
        return state
    if faults:
        raise RunError(f"{path}: checkpoint cannot be read: {'; '.join(faults)}; {AGAIN}")
    return None


def _read(path: Path) -> dict[str, Any]:
    """The state in one file; any error if it is not whole."""
    with path.open("rb") as file:
        with zipfile.ZipFile(file) as parts:
            damaged = parts.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} is altered: another CRC-32")
        file.seek(0)
        state = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or "digest" not in state:
        raise ValueError("holds something else than a run's state")
    return state


def reason(error: Exception) -> str:
    """The first line of an error; torch's go on for pages."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
