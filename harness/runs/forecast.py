"""What an experiment would take: runs, clips, multiply-adds and hours, before anything is trained.

Hours come from clips per second: those of finished runs of the same model, scale, device and precision where there are
any, else those that `audfer bench` has left for this device (docs/bench.md), else measured on the spot. The forecast
says which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from harness.analysis.flops import inference_multiply_adds
from harness.data.clips import split_validation
from harness.data.counts import class_counts
from harness.data.lists import Lists
from harness.data.rendered.folds import FOLDS, apportion
from harness.dataset_manifest import DatasetManifest, FoldCounts
from harness.engine.environment import device_name
from harness.engine.throughput import BACKWARD_AND_FORWARD, Throughput, measure_throughput
from harness.manifest import Experiment, RunConfig, RunData
from harness.runs.records import Run, read_runs

BENCH = Path("reports", "bench")  # beside the folder of runs


@dataclass(frozen=True)
class Forecast:
    """One model of an experiment, over all its arms, folds and seeds.

    train_clips, test_clips: clips that pass through the model in all runs, epoch by epoch (validation counts as test).
    multiply_adds: of one view's forward pass. views: per test clip. hours: of all runs, one after the other.
    """

    model: str
    runs: int
    epochs: int
    train_clips: int
    test_clips: int
    multiply_adds: int
    views: int
    train_per_second: float
    test_per_second: float
    source: str

    @property
    def total_multiply_adds(self) -> float:
        """Training counts three forward passes a clip (forward, and twice as much backward)."""
        return float(self.multiply_adds) * (BACKWARD_AND_FORWARD * self.train_clips + self.views * self.test_clips)

    @property
    def hours(self) -> float:
        """Wall time of all runs on one device."""
        return (self.train_clips / self.train_per_second + self.views * self.test_clips / self.test_per_second) / 3600

    def row(self) -> dict[str, str]:
        """For a terminal."""
        return {
            "model": self.model,
            "runs": str(self.runs),
            "epochs": str(self.epochs),
            "training clips": f"{self.train_clips:,}",
            "test clips": f"{self.test_clips:,}",
            "G multiply-adds a clip": f"{self.multiply_adds / 1e9:.2f}",
            "P multiply-adds": f"{self.total_multiply_adds / 1e15:.3g}",
            "clips/s": f"{self.train_per_second:.3g}",
            "hours": f"{self.hours:.3g}",
            "clips/s from": self.source,
        }

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**asdict(self), "total_multiply_adds": self.total_multiply_adds, "hours": self.hours}


def forecast(configs: Sequence[RunConfig], out: Path, told: Callable[[str], None] = lambda _: None) -> list[Forecast]:
    """A forecast for each model of the planned runs. `out`: where finished runs lie, and beside it what was measured
    before; `told` hears what is measured now.
    """
    finished = read_runs(out)[0] if out.is_dir() else []
    benches = read_benches(out.parent / BENCH)
    by_model: dict[str, list[RunConfig]] = {}
    for config in configs:
        by_model.setdefault(config.model, []).append(config)
    return [_of_model(model, runs, finished, benches, told) for model, runs in by_model.items()]


def counted_data(experiment: Experiment, manifest: DatasetManifest, counts: FoldCounts) -> RunData:
    """The data of a planned run by its counts alone: clips of each part, with the validation split cut off."""
    few = experiment.clips_per_class
    train = [min(count, few.train) if few else count for count in counts.train]
    test = sum(min(count, few.test) if few else count for count in counts.test)
    held_out = 0
    if "best-on-val" in experiment.selection:
        label_N = np.repeat(np.arange(len(train)), train)
        held_out = len(split_validation(label_N, experiment.val_share)[1])
    clips = {"train": sum(train) - held_out, "val": held_out, "test": test}
    return RunData(
        name=manifest.name,
        title=manifest.title,
        published=manifest.published,
        labels=manifest.labels,
        clips=clips,
        fingerprint="",
    )


def counts_of_lists(lists: Lists, manifest: DatasetManifest) -> dict[str, FoldCounts]:
    """Class counts of each fold of split lists, as a manifest has them."""
    return {
        str(fold): FoldCounts(**{part: tuple(class_counts(rows, manifest)) for part, rows in parts.items()})
        for fold, parts in lists.items()
    }


def rendered_counts(clips: int) -> dict[str, FoldCounts]:
    """Class counts of rendered faces, to a clip: one part in five of each class is tested on."""
    test = [count // FOLDS for count in apportion(clips)]
    train = [count - held for count, held in zip(apportion(clips), test, strict=True)]
    return {str(fold): FoldCounts(train=tuple(train), test=tuple(test)) for fold in range(1, FOLDS + 1)}


def read_benches(folder: Path) -> dict[str, dict[str, Any]]:
    """What `audfer bench --out` left in `folder`, by file; a file that is not of it is passed over."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            found[path.name] = {"scale": data["scale"], "rates": data["rates"], **data["machine"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _of_model(
    model: str,
    configs: Sequence[RunConfig],
    finished: Sequence[Run],
    benches: Mapping[str, dict[str, Any]],
    told: Callable[[str], None],
) -> Forecast:
    first = configs[0]
    views = first.recipe.sampling.test_segments if first.recipe.sampling.rule == "mae_dfer" else 1
    multiply_adds = inference_multiply_adds([(model, first.scale)])[model, first.scale]
    speed = _of_records(first, finished, views)
    if speed is None:
        one = _of_records(_alone(first), finished, views) or _of_bench(first, benches, views)
        speed = _of_processes(first, one or _measured(first, multiply_adds, told))
    return Forecast(
        model,
        len(configs),
        first.recipe.epochs,
        sum(_train_clips(config) for config in configs),
        sum(_test_clips(config.dataset.clips) * config.recipe.epochs for config in configs),
        multiply_adds,
        views,
        speed.train,
        speed.test,
        speed.source,
    )


def _train_clips(config: RunConfig) -> int:
    """Whole batches of every epoch."""
    return config.dataset.clips["train"] // config.recipe.batch * config.recipe.batch * config.recipe.epochs


def _test_clips(clips: Mapping[str, int]) -> int:
    return clips["test"] + clips.get("val", 0)


def _of_records(config: RunConfig, finished: Sequence[Run], views: int) -> Throughput | None:
    """Medians over the epochs of finished native runs of the same kind on the same processor or GPU."""
    name = device_name(config.device)
    alike = [
        run
        for run in finished
        if _kind(run.config) == _kind(config) and run.environment["device_name"] == name and run.epochs
    ]
    if not alike:
        return None
    train = median(epoch["clips_per_second"] for run in alike for epoch in run.epochs)
    test = median(
        views * _test_clips(run.config.dataset.clips) / epoch["evaluation_seconds"]
        for run in alike
        for epoch in run.epochs
        if epoch["evaluation_seconds"]
    )
    return Throughput(train, test, f"{len(alike)} finished runs")


def _alone(config: RunConfig) -> RunConfig:
    """The baseline in one process."""
    return config.model_copy(update={"arm": "baseline", "au": None, "nproc": 1})


def _measured(config: RunConfig, multiply_adds: float, told: Callable[[str], None]) -> Throughput:
    told(f"{config.model}: measuring a few steps on {config.device}")
    return measure_throughput(_alone(config), multiply_adds)


def _of_processes(config: RunConfig, one: Throughput) -> Throughput:
    """What a run's processes reach together, if nothing is lost: each has its own GPU, or all share the cores."""
    if config.nproc == 1 or not config.device.startswith("cuda"):
        return one
    note = f"{one.source}; times {config.nproc} processes, if nothing is lost between them"
    return Throughput(config.nproc * one.train, config.nproc * one.test, note)


def _of_bench(config: RunConfig, benches: Mapping[str, dict[str, Any]], views: int) -> Throughput | None:
    """Whole runs of the same model, scale and precision that were measured on the same processor or GPU."""
    wanted: dict[str, Any] = {"scale": config.scale, "precision": config.precision}
    wanted |= {"device_name": device_name(config.device)}
    wanted |= {"threads": config.threads} if config.threads else {}
    for name, bench in benches.items():
        rates = bench["rates"].get(config.model)
        if rates and config.engine == "native" and all(bench.get(key) == value for key, value in wanted.items()):
            return Throughput(rates["train"], views * rates["test"], f"{BENCH / name}: {rates['note']}")
    return None


def _kind(config: RunConfig) -> tuple[Any, ...]:
    processes, recipe = (config.threads, config.nproc), config.recipe
    return config.engine, config.model, config.scale, config.precision, processes, recipe.input, recipe.batch
