"""Train one run by the upstream's own script, in its own process, into the same record as the native engine's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.engine.environment import describe
from harness.engine.record import write_epochs, write_predictions
from harness.engine.scores import confusion, predict, uar, war
from harness.engine.selection import Choice, update
from harness.engine.setup import prepare_machine
from harness.errors import RunError
from harness.files import write_text
from harness.manifest import RunConfig, SelectionRule
from harness.upstream.arguments import arguments
from harness.upstream.clips import arrays, read_parts
from harness.upstream.fetch import locked
from harness.upstream.job import AUJob, Job, JobArrays
from harness.upstream.layout import lay_out
from harness.upstream.manifest import UpstreamManifest, load_upstream
from harness.upstream.process import start
from harness.upstream.tree import THIRD_PARTY, export
from harness.upstream.weights import pretrained

EpochReport = Callable[[dict[str, Any]], None]
WORK, TREE, LOG = "work", "tree", "upstream.txt"


def train_run(
    config: RunConfig,
    root: Path,
    run_dir: Path,
    on_epoch: EpochReport | None = None,
    *,
    cache: Path,
    third_party: Path = THIRD_PARTY,
) -> None:
    """Train `config` on the data set at `root` and write its record into `run_dir`, but for DONE.

    The script runs on a copy of the patched tree, whose ids are checked first, in `run_dir/work`, which is removed at
    the end; what it prints stays in `run_dir/upstream.txt`. A run that was interrupted begins again: no upstream's own
    way of going on restores its generators. Errors: UpstreamError for a clone that is not the pinned one, ManifestError
    for a recipe that the script cannot carry out, RunError if it fails.
    """
    prepare_machine(config)
    manifest = load_upstream(config.model)
    job = make_job(config, manifest, run_dir / WORK, pretrained(manifest, config.initial, cache))
    clips = prepare_work(config, manifest, root, job, third_party, patched=True)
    write_text(run_dir / "environment.json", json.dumps(environment(config, manifest), sort_keys=True, indent=1) + "\n")
    _record(config, run_dir, clips, _epochs(job, clips, run_dir / LOG), on_epoch)
    shutil.rmtree(job.work)


def make_job(config: RunConfig, manifest: UpstreamManifest, work: Path, weights: Path | None) -> Job:
    """The job of a run in the folder `work`."""
    weights = weights.resolve() if weights else None
    return Job(
        upstream=manifest.name,
        tree=work.resolve() / TREE,
        entry=manifest.entry,
        work=work.resolve(),
        argv=tuple(arguments(config, str(weights) if weights else None)),
        shims=tuple(shim.name for shim in manifest.shims),
        seed=config.seed,
        threads=config.threads,
        device=config.device,
        weights=weights,
        au=AUJob(ratio=config.au.ratio, reduction=config.au.reduction) if config.au else None,
    )


def prepare_work(
    config: RunConfig, manifest: UpstreamManifest, root: Path, job: Job, third_party: Path, *, patched: bool
) -> JobArrays:
    """Fill the job's folder, anew: the checked tree, links to the clips, and lists. Returns the run's clips."""
    parts = read_parts(config, root)
    shutil.rmtree(job.work, ignore_errors=True)
    job.work.mkdir(parents=True)
    # Checking a clone locks its index, and the runs of a pair start side by side.
    with locked(manifest, third_party):
        export(manifest, third_party, job.tree, patched=patched)
    lay_out(config.model, job.work, parts)
    return arrays(config, root, parts)


def environment(config: RunConfig, manifest: UpstreamManifest) -> dict[str, Any]:
    """Content of `environment.json`: the native engine's, and the upstream with its ids, patches and shims."""
    upstream = {
        "name": manifest.name,
        "commit": manifest.commit,
        "tree": manifest.tree,
        "patched_tree": manifest.patched_tree,
        "patches": {pin.file: pin.sha256 for pin in manifest.patches},
        "shims": [shim.name for shim in manifest.shims],
    }
    # MAE-DFER's script always trains under fp16 autocast where there is CUDA, and never where there is none.
    mixed = manifest.name == "mae_dfer" and config.device != "cpu"
    precision = "fp16 autocast" if mixed else config.precision
    return {**describe(config), "upstream": upstream, "precision": precision}


def _epochs(job: Job, clips: JobArrays, log: Path) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Each epoch's line with its test logits (N, E)."""
    for line in start(job, clips, log):
        path = job.work / f"epoch{line['epoch']}.npy"
        yield line, np.load(path, allow_pickle=False)
        path.unlink()


def _record(
    config: RunConfig,
    run_dir: Path,
    clips: JobArrays,
    epochs: Iterator[tuple[dict[str, Any], np.ndarray]],
    on_epoch: EpochReport | None,
) -> None:
    label_N = clips.label_N[clips.test_N]
    names = [name for name, test in zip(clips.names, clips.test_N, strict=True) if test]
    lines: list[dict[str, Any]] = []
    choices: Mapping[SelectionRule, Choice] = {}
    for line, logits_NE in epochs:
        lines.append({**line, **_scores(label_N, logits_NE)})
        logits = torch.from_numpy(logits_NE)
        choices = update(choices, config.selection, line["epoch"], logits, lines[-1]["test_war"], None)
        if on_epoch:
            on_epoch(lines[-1])
    if len(lines) != config.recipe.epochs:
        told = f"{len(lines)} of {config.recipe.epochs} epochs"
        raise RunError(f"{run_dir / LOG}: the script ended after {told}; see this file, then run again")
    write_epochs(run_dir / "epochs.jsonl", lines)
    write_predictions(run_dir / "predictions.parquet", config.selection, names, label_N, choices)


def _scores(label_N: np.ndarray, logits_NE: np.ndarray) -> dict[str, float | None]:
    confusion_EE = confusion(label_N, predict(logits_NE))
    return {"val_war": None, "val_uar": None, "test_war": war(confusion_EE), "test_uar": uar(confusion_EE)}
