"""summary.json of a report: what `audfer regress` compares (analysis/summary.py has its form).

Shape letters: B clips, E expressions (7).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np

from harness.analysis.costs import parameters
from harness.analysis.metrics import POOLED
from harness.analysis.summary import GridShape, ModelCost, RunFacts, Score, SettingFacts, Summary, UpstreamIds
from harness.au.units import NUM_EXPRESSIONS
from harness.errors import ManifestError
from harness.manifest import RunConfig, read_run_config
from harness.report.compared import Measured
from harness.report.grids import Flops, Grid
from harness.report.headings import dataset_label
from harness.report.measured import Row, Setting
from harness.report.tables import Table
from harness.runs.records import CONFIG, Predictions, Run
from harness.upstream.manifest import load_upstreams, patches_dir

MARK = re.compile(r"<sup>.*?</sup>")  # the audit's footnotes are not the table's structure


def summarise(
    measured: Sequence[Measured],
    tables: Iterable[Table],
    flops: Flops,
    unfinished: Mapping[str, Path],
    counted: Mapping[tuple[str, str], int] | None = None,
) -> Summary:
    """The summary of a report. unfinished: run directories without DONE, by the name that the report gives them.
    counted: parameters by (model, scale), where they have been counted already.

    ManifestError for an upstream manifest that is wrong.
    """
    begun = [config for path in unfinished.values() if (config := _begun(path)) is not None]
    costs = {(run.config.model, run.config.scale) for one in measured for run in one.setting.runs}
    return Summary(
        settings={_name(one.setting): _setting(one, begun) for one in measured},
        unfinished=tuple(sorted(unfinished)),
        models={f"{model} {scale}": _cost((model, scale), flops, counted) for model, scale in sorted(costs)},
        upstreams=_upstreams(patches_dir()),
        tables={name: shape for table in tables for name, shape in _shapes(table, measured)},
    )


def _name(setting: Setting) -> str:
    return "/".join((setting.experiment, setting.dataset, setting.engine, setting.scale))


def _setting(one: Measured, begun: Sequence[RunConfig]) -> SettingFacts:
    setting = one.setting
    configs = [run.config for run in setting.runs]
    mine = (setting.experiment, setting.dataset, setting.engine, setting.scale)
    configs += [one for one in begun if (one.experiment, one.dataset.name, one.engine, one.scale) == mine]
    return SettingFacts(
        experiment=setting.experiment,
        dataset=setting.dataset,
        label=dataset_label(setting),
        engine=setting.engine,
        scale=setting.scale,
        fingerprints=_fingerprints(setting.runs),
        expected=_matrix(configs),
        runs={_run_name(run.config): _run(run) for run in setting.runs},
        scores={"/".join(key): _score(row, setting.all_runs) for key, row in one.rows.items()},
    )


def _begun(path: Path) -> RunConfig | None:
    """Configuration of an unfinished run; None if it did not come as far as to write one."""
    try:
        return read_run_config(path / CONFIG)
    except ManifestError:
        return None


def _matrix(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    """Names of all combinations of the models, arms, folds and seeds that occur: the runs there should be."""
    axes = [sorted({getattr(one, axis) for one in configs}) for axis in ("model", "arm", "fold", "seed")]
    return tuple(f"{model}/{arm}/fold{fold}-seed{seed}" for model, arm, fold, seed in product(*axes))


def _run_name(config: RunConfig) -> str:
    return f"{config.model}/{config.arm}/fold{config.fold}-seed{config.seed}"


def _fingerprints(runs: Iterable[Run]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for run in runs:
        found.setdefault(f"{run.config.model}/fold{run.config.fold}", set()).add(run.config.dataset.fingerprint)
    return {name: ", ".join(sorted(several)) for name, several in found.items()}


def _run(run: Run) -> RunFacts:
    environment, harness = run.environment, run.environment["harness"]
    rates = [epoch["clips_per_second"] for epoch in run.epochs if epoch.get("clips_per_second") is not None]
    upstream = environment.get("upstream") or {}
    return RunFacts(
        config=run.digest,
        device=f"{run.config.device.partition(':')[0]}, {environment['device_name']}",
        torch=str(environment["torch"]),
        precision=environment["precision"],
        harness=" ".join(filter(None, (harness.get("version"), harness.get("commit")))),
        upstream=upstream.get("patched_tree", ""),
        clips=run.config.dataset.clips["test"],
        clips_per_second=median(rates) if rates else None,
        predictions={rule: predictions_sha256(said) for rule, said in run.predictions.items()},
        not_finite=tuple(_not_finite(run)),
    )


def predictions_sha256(said: Predictions) -> str:
    """sha256 of clip names, labels and float32 logits in order of clip name, whatever order the file has."""
    digest = hashlib.sha256("\n".join(said.clips).encode())
    digest.update(np.ascontiguousarray(said.label_B, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(said.logits_BE, dtype="<f4").tobytes())
    return digest.hexdigest()


def _not_finite(run: Run) -> Iterable[str]:
    for number, epoch in enumerate(run.epochs, start=1):
        names = [name for name, value in epoch.items() if isinstance(value, float) and not math.isfinite(value)]
        yield from (f"epoch {number}: {name}" for name in sorted(names))


def _score(row: Row, runs: Iterable[Run]) -> Score:
    mine = [run for run in runs if (run.config.model, run.config.arm) == (row.model, row.arm)]
    totals = [
        np.bincount(run.predictions[row.rule].label_B, minlength=NUM_EXPRESSIONS)
        for run in mine
        if run.config.fold in row.folds and run.config.seed in row.seeds
    ]
    one_clip = _one_clip(totals, len(row.seeds), row.fold_set == POOLED)
    return Score(
        war=row.metrics.war,
        uar=row.metrics.uar,
        accuracy=tuple(None if math.isnan(share) else share for share in row.metrics.accuracy_E),
        clips=int(np.sum(totals)),
        folds=row.folds,
        seeds=row.seeds,
        one_clip_war=one_clip[0],
        one_clip_uar=one_clip[1],
    )


def _one_clip(totals: Sequence[np.ndarray], seeds: int, pooled: bool) -> tuple[float, float]:
    """The most by which one clip of one run moves WAR and UAR of the mean over runs, or over seeds where folds pool."""
    parts = [np.sum(totals, axis=0) // seeds] if pooled else totals
    means = seeds if pooled else len(totals)
    war = max(1 / int(total_E.sum()) for total_E in parts)
    uar = max(1 / (int(total_E[total_E > 0].min()) * int((total_E > 0).sum())) for total_E in parts)
    return war / means, uar / means


def _cost(model: tuple[str, str], flops: Flops, counted: Mapping[tuple[str, str], int] | None) -> ModelCost:
    known = parameters(*model) if counted is None else counted.get(model)
    return ModelCost(parameters=known, multiply_adds=flops.get(model))


def _upstreams(patches: Path) -> dict[str, UpstreamIds]:
    """Pins from the manifests, patches from the files themselves: an altered patch has another sha256 here."""
    return {
        pin.name: UpstreamIds(
            commit=pin.commit,
            tree=pin.tree,
            patched_tree=pin.patched_tree,
            patches={file.name: _sha256(file) for file in sorted((patches / pin.name).glob("*.patch"))},
        )
        for pin in load_upstreams()
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _shapes(table: Table, measured: Sequence[Measured]) -> Iterable[tuple[str, GridShape]]:
    """Grids by table, setting and heading; two experiments may have the same heading."""
    yield f"table {table.number}: {table.printed.heading}", _shape(table.printed)
    for one, section in zip(measured, table.sections, strict=True):
        for grid in section.grids:
            yield f"table {table.number}: {_name(one.setting)}: {grid.heading}", _shape(grid)


def _shape(grid: Grid) -> GridShape:
    labels = (" | ".join(row[: grid.left]) for row in grid.rows)
    return GridShape(columns=grid.columns, rows=tuple(MARK.sub("", label) for label in labels))
