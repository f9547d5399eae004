"""From an experiment to its runs: every (model, arm, fold, seed), resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.au.knowledge import load_knowledge
from harness.au.units import ACTION_UNITS
from harness.data.prepare import Prepared
from harness.engine.device import best_precision
from harness.engine.fold import parts
from harness.errors import ManifestError
from harness.manifest import (
    Arm,
    AUArm,
    DatasetManifest,
    Experiment,
    Precision,
    RunConfig,
    RunData,
    load_dataset,
    load_model,
    manifests_dir,
    resolve_recipe,
)
from harness.recipe import Recipe
from harness.runs.published import differs_from_published


@dataclass(frozen=True)
class Machine:
    """What the runs are carried out with: engine, device, and where each model's initial weights are from."""

    engine: Literal["native", "upstream"] = "native"
    device: str = "cpu"
    initial: Mapping[str, str] = field(default_factory=dict)


def recipes(experiment: Experiment) -> dict[str, Recipe]:
    """The resolved recipe of each model of the experiment."""
    return {name: resolve_recipe(experiment, load_model(name)) for name in experiment.models}


def plan(
    experiment: Experiment,
    data_of: Callable[[Recipe, int], RunData],
    machine: Machine,
    au_facts: Mapping[str, Any] | None = None,
) -> list[RunConfig]:
    """All runs of the experiment; `data_of` says which data a recipe is given in a fold, `au_facts` what the files
    behind the AU loss hold (keys of AUArm).

    Fold by fold and seed by seed, a model's arms side by side, so that the first finished runs are whole pairs.
    With `ratios`, an AU arm is a run of the experiment `<name>/ratio-<ratio>` at each of them, in a folder of its own
    below the experiment's; the baseline, which knows no ratio, is one run of `<name>` and the pair of them all.
    ManifestError for what the upstream engine cannot do.
    """
    if machine.engine == "upstream" and experiment.features:
        raise ManifestError(
            f"experiment {experiment.name}: features are those of our own models; with --engine upstream leave "
            "features = false"
        )
    if machine.engine == "upstream" and "best-on-val" in experiment.selection:
        raise ManifestError(
            f"experiment {experiment.name}: the upstreams' scripts cut no validation split; with --engine upstream "
            "select last and best-on-test only (as manifests/experiments/demo-upstream.toml does)"
        )
    manifest = load_dataset(experiment.dataset)
    resolved = recipes(experiment)
    if experiment.nproc > 1:
        _check_nproc(experiment, machine, resolved)
    return [
        _run(one, manifest, recipe, data_of(recipe, fold), machine, model, arm, fold, seed, au_facts or {})
        for seed in experiment.seeds
        for fold in experiment.folds
        for model, recipe in resolved.items()
        for arm in experiment.arms
        for one in _at_ratios(experiment, arm)
    ]


def _check_nproc(experiment: Experiment, machine: Machine, resolved: Mapping[str, Recipe]) -> None:
    nproc = f"experiment {experiment.name}: nproc {experiment.nproc}"
    if machine.engine == "upstream":
        raise ManifestError(f"{nproc}: the upstream engine trains a run in one process; leave --nproc out")
    if machine.device not in ("cpu", "cuda"):
        raise ManifestError(f"{nproc}: each process takes a GPU of its own; give --device cuda, not {machine.device}")
    for model, recipe in resolved.items():
        if recipe.batch % experiment.nproc:
            raise ManifestError(
                f"{nproc}: does not divide the batch of {model}, {recipe.batch}; give another --nproc, or a batch by "
                f"--set {model}.batch=..."
            )


def _at_ratios(experiment: Experiment, arm: Arm) -> list[Experiment]:
    """The experiment as it stands, or for an AU arm one at each of its ratios."""
    if arm == "baseline" or not experiment.ratios:
        return [experiment]
    return [_at_ratio(experiment, ratio) for ratio in experiment.ratios]


def _at_ratio(experiment: Experiment, ratio: float) -> Experiment:
    au = experiment.au.model_copy(update={"ratio": ratio})
    return experiment.model_copy(update={"name": f"{experiment.name}/ratio-{ratio:g}", "au": au})


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
    au_facts: Mapping[str, Any],
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
        precision=_precision(experiment, machine),
        threads=experiment.threads,
        selection=experiment.selection,
        val_share=experiment.val_share,
        au=_au(experiment, arm, au_facts),
        recipe=recipe,
        initial=machine.initial.get(model, "random"),
        clips_per_class=experiment.clips_per_class,
        features=experiment.features,
        upstream_options=experiment.upstream_options.get(model, {}) if machine.engine == "upstream" else {},
        nproc=experiment.nproc,
    )


def _precision(experiment: Experiment, machine: Machine) -> Precision:
    """What `auto` stands for: the device's best, and fp32 for the upstreams' scripts, which are run as shipped."""
    if experiment.precision != "auto":
        return experiment.precision
    return "fp32" if machine.engine == "upstream" else best_precision(machine.device)


def _au(experiment: Experiment, arm: Arm, facts: Mapping[str, Any]) -> AUArm | None:
    if arm == "baseline":
        return None
    return AUArm.model_validate({**experiment.au.model_dump(), **facts, "strategy": arm.removeprefix("au-")})


def au_facts(experiment: Experiment, labels: str, unit_A: np.ndarray) -> dict[str, Any]:
    """What the files behind the AU loss hold, so that other AU files or another matrix make another run.

    labels: sha256 of the clips' AU labels. unit_A: False for units that the files lack.
    """
    lacking = tuple(unit for unit, there in zip(ACTION_UNITS, unit_A, strict=True) if not there)
    knowledge = experiment.au.knowledge.removeprefix("computed:")
    if knowledge == experiment.au.knowledge:
        return {"labels": labels, "lacking": lacking}
    load_knowledge(experiment.au.knowledge, manifests_dir() / "knowledge")
    return {"labels": labels, "lacking": lacking, "knowledge_sha256": sha256(Path(knowledge).read_bytes()).hexdigest()}


def packed_data(experiment: Experiment, manifest: DatasetManifest, prepared: Prepared, fold: int) -> RunData:
    """What `config.json` says about the packed data of a native run."""
    few = experiment.clips_per_class
    train_N, val_N, test_N = parts(prepared, fold, experiment.selection, experiment.val_share, few)
    differs = differs_from_published(manifest, prepared) if manifest.published else ""
    return RunData(
        name=manifest.name,
        title=manifest.title,
        published=manifest.published and not differs,
        differs=differs,
        labels=manifest.labels,
        clips={"train": len(train_N), "val": len(val_N), "test": len(test_N)},
        fingerprint=prepared.fingerprint,
    )
