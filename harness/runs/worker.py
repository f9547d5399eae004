"""Carry out one run inside a worker process: claim its directory, train, seal its record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.data.prepare import Prepared, open_prepared
from harness.engine import stop
from harness.engine.distributed import ALONE, Ranks, joined
from harness.engine.fold import load_fold
from harness.engine.train import EpochReport, train_run
from harness.errors import HarnessError
from harness.files import remove_left_over, writing
from harness.manifest import RunConfig, read_run_config
from harness.runs.claim import claimed
from harness.runs.materials import Materials
from harness.runs.records import CONFIG, DONE, FEATURES, SEALED, seal
from harness.upstream.initial import load_initial

log = logging.getLogger(__name__)


def execute(
    run_dir: Path, materials: Materials, on_epoch: Callable[[str, dict[str, Any]], None], patience: float = 0.0
) -> None:
    """Train the run of `run_dir/config.json` to its end and seal it.

    Errors: RunClaimed if another process is at it, still after `patience` seconds; RunStopped if this one was asked to
    stop; RunError if the run failed.
    """
    if (run_dir / "DONE").is_file():
        return
    config = read_run_config(run_dir / "config.json")
    digest = config.digest()
    with writing(run_dir), claimed(run_dir, patience) as (claim, before), stop.told():
        if (run_dir / "DONE").is_file():
            return

        def report(record: dict[str, Any]) -> None:
            claim.epoch(record)
            on_epoch(digest, record)

        for name in (*SEALED, FEATURES, DONE):
            if name != CONFIG:  # which launchers write
                remove_left_over(run_dir / name)
        with _logged(run_dir / "log.txt"):
            if before:
                log.warning("taken over from %s, which has had this run since %s", before.owner, before.since[:19])
            if config.engine == "upstream":
                _train_upstream(config, materials, run_dir, report)
            elif config.nproc > 1:
                _train_together(config, materials, run_dir, report)
            else:
                _train_native(config, materials, run_dir, report)
        seal(run_dir)


def _train_together(config: RunConfig, materials: Materials, run_dir: Path, on_epoch: EpochReport) -> None:
    # Imported here: torch's launch takes its time, and most runs need none.
    from harness.engine.elastic import run_ranks

    with stop.patient():  # the ranks are told, and save
        run_ranks(str(run_dir), config.nproc, _rank, run_dir, materials, hear=lambda _, record: on_epoch(record))


def _rank(say: Callable[[str, Any], None], run_dir: Path, materials: Materials) -> None:
    """One of the processes that train a run together; the first one speaks and writes for all."""
    config = read_run_config(run_dir / "config.json")
    with joined(config.device) as ranks, _logged(run_dir / "log.txt") if ranks.writes else _silent():
        _train_native(config, materials, run_dir, lambda record: say("epoch", record), ranks)


def _train_native(
    config: RunConfig, materials: Materials, run_dir: Path, on_epoch: EpochReport, ranks: Ranks = ALONE
) -> None:
    data = load_fold(_prepared(materials.prepared[config.recipe.pack_size]), config)
    path = materials.initial.get(config.model)
    initial = load_initial(config.model, config.scale, path, len(config.dataset.labels)) if path else None
    train_run(config, data, run_dir, on_epoch, initial, ranks)


def _train_upstream(config: RunConfig, materials: Materials, run_dir: Path, on_epoch: EpochReport) -> None:
    # Imported here: it needs GitPython and a clone, a native run neither.
    from harness.upstream.run import train_run as train_upstream

    train_upstream(config, materials.root, run_dir, on_epoch, cache=materials.cache, third_party=materials.third_party)


@lru_cache(maxsize=2)
def _prepared(path: Path) -> Prepared:
    return open_prepared(path)


@contextmanager
def _silent() -> Iterator[None]:
    """What every rank would log, the first one does."""
    logging.disable(logging.WARNING)
    yield


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """What the run logs (degenerate pos_weights, missing AU files) goes to its directory, not over the bars."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    except HarnessError:
        raise
    except Exception:
        log.exception("the run failed")
        raise
    finally:
        root.removeHandler(handler)
        handler.close()
