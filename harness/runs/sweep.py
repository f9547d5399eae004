"""From an experiment to its runs: every (model, arm, fold, seed), resolved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.data.clips import split_validation
from harness.data.prepare import Prepared
from harness.manifest import (
    Arm,
    AUArm,
    DatasetManifest,
    Experiment,
    RunConfig,
    RunData,
    load_dataset,
    load_model,
    resolve_recipe,
)
from harness.recipe import Recipe


def recipes(experiment: Experiment) -> dict[str, Recipe]:
    """The resolved recipe of each model of the experiment."""
    return {name: resolve_recipe(experiment, load_model(name)) for name in experiment.models}


def plan(experiment: Experiment, prepared: Mapping[int, Prepared], device: str) -> list[RunConfig]:
    """All runs of the experiment; `prepared` holds the data by pack size.

    Fold by fold and seed by seed, a model's arms side by side, so that the first finished runs are whole pairs.
    """
    manifest = load_dataset(experiment.dataset)
    resolved = recipes(experiment)
    return [
        _run(experiment, manifest, resolved[model], prepared[resolved[model].pack_size], model, arm, fold, seed, device)
        for seed in experiment.seeds
        for fold in experiment.folds
        for model in experiment.models
        for arm in experiment.arms
    ]


def _run(
    experiment: Experiment,
    manifest: DatasetManifest,
    recipe: Recipe,
    prepared: Prepared,
    model: str,
    arm: Arm,
    fold: int,
    seed: int,
    device: str,
) -> RunConfig:
    return RunConfig(
        experiment=experiment.name,
        dataset=_data(experiment, manifest, prepared, fold),
        model=model,
        scale=experiment.scale,
        arm=arm,
        fold=fold,
        folds=manifest.folds,
        seed=seed,
        device=device,
        precision=experiment.precision,
        threads=experiment.threads,
        selection=experiment.selection,
        val_share=experiment.val_share,
        au=_au(experiment, arm),
        recipe=recipe,
    )


def _au(experiment: Experiment, arm: Arm) -> AUArm | None:
    if arm == "baseline":
        return None
    return AUArm.model_validate({**experiment.au.model_dump(), "strategy": arm.removeprefix("au-")})


def _data(experiment: Experiment, manifest: DatasetManifest, prepared: Prepared, fold: int) -> RunData:
    names = prepared.folds[fold]
    train_N = prepared.pack.positions(names.train)
    held_out: np.ndarray = np.array([])
    if "best-on-val" in experiment.selection:
        held_out = split_validation(prepared.pack.label_N[train_N], experiment.val_share)[1]
    clips = {"train": len(train_N) - len(held_out), "val": len(held_out), "test": len(names.test)}
    return RunData(
        name=manifest.name,
        title=manifest.title,
        published=manifest.published,
        labels=manifest.labels,
        clips=clips,
        fingerprint=prepared.fingerprint,
    )
