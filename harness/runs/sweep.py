"""From an experiment to its runs: every (model, arm, fold, seed), resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.data.prepare import Prepared
from harness.engine.fold import parts
from harness.errors import ManifestError
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


@dataclass(frozen=True)
class Machine:
    """What the runs are carried out with: engine, device, and where each model's initial weights are from."""

    engine: Literal["native", "upstream"] = "native"
    device: str = "cpu"
    initial: Mapping[str, str] = field(default_factory=dict)


def recipes(experiment: Experiment) -> dict[str, Recipe]:
    """The resolved recipe of each model of the experiment."""
    return {name: resolve_recipe(experiment, load_model(name)) for name in experiment.models}


def plan(experiment: Experiment, data_of: Callable[[Recipe, int], RunData], machine: Machine) -> list[RunConfig]:
    """All runs of the experiment; `data_of` says which data a recipe is given in a fold.

    Fold by fold and seed by seed, a model's arms side by side, so that the first finished runs are whole pairs.
    ManifestError for what the upstream engine cannot do.
    """
    if machine.engine == "upstream" and "best-on-val" in experiment.selection:
        raise ManifestError(
            f"experiment {experiment.name}: the upstreams' scripts cut no validation split; with --engine upstream "
            "select last and best-on-test only (as manifests/experiments/demo-upstream.toml does)"
        )
    manifest = load_dataset(experiment.dataset)
    resolved = recipes(experiment)
    return [
        _run(experiment, manifest, recipe, data_of(recipe, fold), machine, model, arm, fold, seed)
        for seed in experiment.seeds
        for fold in experiment.folds
        for model, recipe in resolved.items()
        for arm in experiment.arms
    ]


def _run(
    experiment: Experiment,
    manifest: DatasetManifest,
    recipe: Recipe,
    data: RunData,
    machine: Machine,
    model: str,
    arm: Arm,
    fold: int,
    seed: int,
) -> RunConfig:
    return RunConfig(
        experiment=experiment.name,
        dataset=data,
        model=model,
        scale=experiment.scale,
        arm=arm,
        fold=fold,
        folds=manifest.folds,
        seed=seed,
        engine=machine.engine,
        device=machine.device,
        precision=experiment.precision,
        threads=experiment.threads,
        selection=experiment.selection,
        val_share=experiment.val_share,
        au=_au(experiment, arm),
        recipe=recipe,
        initial=machine.initial.get(model, "random"),
        clips_per_class=experiment.clips_per_class,
        upstream_options=experiment.upstream_options.get(model, {}) if machine.engine == "upstream" else {},
    )


def _au(experiment: Experiment, arm: Arm) -> AUArm | None:
    if arm == "baseline":
        return None
    return AUArm.model_validate({**experiment.au.model_dump(), "strategy": arm.removeprefix("au-")})


def packed_data(experiment: Experiment, manifest: DatasetManifest, prepared: Prepared, fold: int) -> RunData:
    """What `config.json` says about the packed data of a native run."""
    few = experiment.clips_per_class
    train_N, val_N, test_N = parts(prepared, fold, experiment.selection, experiment.val_share, few)
    return RunData(
        name=manifest.name,
        title=manifest.title,
        published=manifest.published,
        labels=manifest.labels,
        clips={"train": len(train_N), "val": len(val_N), "test": len(test_N)},
        fingerprint=prepared.fingerprint,
    )
