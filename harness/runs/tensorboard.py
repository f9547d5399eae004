"""TensorBoard event files of runs, an option: each epoch's numbers, as they come in, beside the run's record.

What is written is no part of a run's identity, its seal or any report.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.manifest import RunConfig

FOLDER = "tensorboard"  # below a run directory
NOT_CURVES = {"epoch", "step"}
OnEpoch = Callable[[RunConfig, dict[str, Any]], None]


def with_events(out: Path, on_epoch: OnEpoch) -> OnEpoch:
    """`on_epoch`, which also writes the epoch to an event file below its run directory in `out`.

    Each epoch is a small file, whole when this returns; TensorBoard shows a folder's files as one course, so a run that
    goes on after an interruption goes on there too. HarnessError if the package tensorboard is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise HarnessError(
            '--tensorboard: the package is not installed; python -m pip install ".[tensorboard]" in the harness folder'
        )

    def both(config: RunConfig, record: dict[str, Any]) -> None:
        write_epoch(out / config.directory() / FOLDER, record)
        on_epoch(config, record)

    return both


def write_epoch(folder: Path, record: Mapping[str, Any]) -> None:
    """Add an event file with every number of an epoch's line (epochs.jsonl), at the step of the epoch's number."""
    from torch.utils.tensorboard import SummaryWriter  # here: it needs a package that few have

    with SummaryWriter(str(folder)) as writer:
        for name, value in record.items():
            if name not in NOT_CURVES and value is not None:
                writer.add_scalar(name, value, record["epoch"])
