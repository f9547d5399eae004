"""Where a rendered data set is written: parameters checked, a folder that appears whole or not at all, its stamp.

Letters: A action units (18), E expressions (7).
"""

import errno
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.errors import DataError

RENDERER = 1
"""To be raised when the same parameters give other bytes."""
STAMP = "render.json"
SMALLEST_SIZE = 32

Summary = TypeVar("Summary")


def check(shares_EA: np.ndarray, clips: int, fewest: int, size: int, seed: int, workers: int) -> None:
    """DataError if a parameter is out of range."""
    if shares_EA.shape != (len(EXPRESSIONS), len(ACTION_UNITS)):
        raise DataError(f"AU shares of shape {shares_EA.shape}; give a row per expression, a column per AU: (7, 18)")
    if not ((shares_EA > 0) & (shares_EA < 1)).all():
        raise DataError("AU shares must lie between 0 and 1; check the pos_weight file (p = 1 / (1 + w), w > 0)")
    limits = (("clips", clips, fewest), ("size", size, SMALLEST_SIZE), ("seed", seed, 0), ("workers", workers, 1))
    for name, value, least in limits:
        if value < least:
            raise DataError(f"rendering with {name} {value}; give at least {least}")


def parameters_of(
    shares_EA: np.ndarray, clips: int, size: int, seed: int, full_clips: bool, layout: str = "dfew"
) -> dict[str, object]:
    """All that decides the bytes. DFEW's layout, the first there was, is not named."""
    shares = hashlib.sha256(np.ascontiguousarray(shares_EA, "<f8").tobytes()).hexdigest()
    named = {"layout": layout} if layout != "dfew" else {}
    return {
        **named, "renderer": RENDERER, "clips": clips, "size": size, "seed": seed, "full_clips": full_clips,
        "shares": shares,
    }  # fmt: skip


def write_stamp(partial: Path, parameters: Mapping[str, object], summary: Mapping[str, object]) -> None:
    """Write what the data set was made of, and its summary, into its folder."""
    text = json.dumps({"parameters": parameters, "summary": summary}, indent=1)
    (partial / STAMP).write_text(text + "\n", encoding="utf-8")


def already_rendered(
    root: Path, parameters: Mapping[str, object], restore: Callable[[dict[str, Any]], Summary]
) -> Summary | None:
    """The summary of the data set in `root`, made by `restore` of what its stamp holds; None if there is nothing.

    Errors: DataError if `root` holds anything else, or a data set with other parameters.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return None
    asked = {"layout": "dfew", **parameters}
    try:
        stamp = json.loads((root / STAMP).read_text(encoding="utf-8"))
        there = {"layout": "dfew", **stamp["parameters"]}
        other = [f"{name} {there.get(name)}, not {value}" for name, value in asked.items() if there.get(name) != value]
        found = None if other else restore(stamp["summary"])
    except (AttributeError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{root}: holds something else than rendered faces; name an empty folder") from error
    if other:
        raise DataError(f"{root}: was rendered with {'; '.join(other)}: remove it or name another folder")
    return found


def _remove_left_over(root: Path, here: str) -> None:
    """Remove the folders of this machine's processes that are gone."""
    for folder in list(root.parent.iterdir()) if root.parent.is_dir() else []:
        of_ours, number = folder.name.startswith(here), folder.name.removeprefix(here)
        if folder.name == f"{root.name}.partial" or (of_ours and number.isdecimal() and not _runs(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return int(process) != os.getpid()


def _take_place(partial: Path, root: Path) -> None:
    """Rename, unless another process came first with the same data set: its bytes are these."""
    try:
        partial.replace(root)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) or _made_with(root) != _made_with(partial):
            raise


def _made_with(folder: Path) -> object:
    try:
        return json.loads((folder / STAMP).read_text(encoding="utf-8"))["parameters"]
    except (LookupError, OSError, RecursionError, TypeError, ValueError):
        return None


@contextmanager
def partial_folder(root: Path, folders: Iterable[str]) -> Iterator[Path]:
    """A new folder beside `root` that takes its place at the end, and is gone after an error. Of two processes that
    make the same data set at once, the first to end puts it there, and the other drops its own.

    It is of this process alone: workers of one that was killed may go on writing into theirs for a moment.
    """
    here = f"{root.name}.partial-{socket.gethostname()}-"
    partial = root.with_name(f"{here}{os.getpid()}")
    try:
        _remove_left_over(root, here)
        for folder in folders:
            (partial / folder).mkdir(parents=True)
        yield partial
        _take_place(partial, root)
    except OSError as error:
        raise DataError(f"{partial}: cannot be written ({error.strerror}); it needs room and rights") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
