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
from harness.engine.train import EpochReport, train_run
from harness.errors import RunError
from harness.manifest import RunConfig, read_run_config
from harness.runs.materials import Materials
from harness.runs.records import seal
from harness.upstream.initial import load_initial

LOCK_PATIENCE = 10.0  # seconds; a worker whose parent was killed needs a moment to end


def execute(run_dir: Path, materials: Materials, on_epoch: Callable[[str, dict[str, Any]], None]) -> None:
    """Train the run of `run_dir/config.json` to its end and seal it; RunError if another process is at it."""
    config = read_run_config(run_dir / "config.json")
    digest = config.digest()
    with _locked(run_dir):
        if (run_dir / "DONE").is_file():
            return
        with _logged(run_dir / "log.txt"):
            train = _train_upstream if config.engine == "upstream" else _train_native
            train(config, materials, run_dir, lambda record: on_epoch(digest, record))
        seal(run_dir)


def _train_native(config: RunConfig, materials: Materials, run_dir: Path, on_epoch: EpochReport) -> None:
    data = load_fold(_prepared(materials.prepared[config.recipe.pack_size]), config)
    path = materials.initial.get(config.model)
    initial = load_initial(config.model, config.scale, path, len(config.dataset.labels)) if path else None
    train_run(config, data, run_dir, on_epoch, initial)


def _train_upstream(config: RunConfig, materials: Materials, run_dir: Path, on_epoch: EpochReport) -> None:
    # Imported here: it needs GitPython and a clone, a native run neither.
    from harness.upstream.run import train_run as train_upstream

    train_upstream(config, materials.root, run_dir, on_epoch, cache=materials.cache, third_party=materials.third_party)


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
