"""Carry out one run inside a worker process: lock its directory, train, seal its record."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.data.prepare import Prepared, open_prepared
from harness.engine.fold import load_fold
from harness.engine.train import train_run
from harness.errors import RunError
from harness.manifest import read_run_config
from harness.runs.records import seal

LOCK_PATIENCE = 10.0  # seconds; a worker whose parent was killed needs a moment to end


def execute(run_dir: Path, prepared: Path, on_epoch: Callable[[str, dict[str, Any]], None]) -> None:
    """Train the run of `run_dir/config.json` to its end and seal it; RunError if another process is at it."""
    config = read_run_config(run_dir / "config.json")
    digest = config.digest()
    with _locked(run_dir):
        if (run_dir / "DONE").is_file():
            return
        with _logged(run_dir / "log.txt"):
            data = load_fold(_prepared(prepared), config)
            train_run(config, data, run_dir, lambda record: on_epoch(digest, record))
        seal(run_dir)


@lru_cache(maxsize=2)
def _prepared(path: Path) -> Prepared:
    return open_prepared(path)


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """What the run logs (degenerate pos_weights, missing AU files) goes to its directory, not over the bars."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


@contextmanager
def _locked(run_dir: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_PATIENCE
    with (run_dir / ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise RunError(f"{run_dir}: another process is training this run; wait for it or end it") from error
                time.sleep(0.1)
        yield
