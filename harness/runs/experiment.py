"""An experiment from its data to its finished runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.au.knowledge import read_unit_table
from harness.au.units import EXPRESSIONS
from harness.data.lists import Lists
from harness.data.pack import verify_pack
from harness.data.prepare import Prepared, prepare
from harness.data.readers import read_listing, read_lists
from harness.data.rendered.dataset import RenderSummary, render_dfew
from harness.engine.device import check_device, check_named
from harness.engine.environment import shares
from harness.errors import DataError, ManifestError
from harness.manifest import DatasetManifest, Experiment, RunConfig, RunData, load_dataset, manifests_dir
from harness.recipe import Recipe
from harness.runs.forecast import Forecast, counted_data, counts_of_lists, forecast, rendered_counts
from harness.runs.launch import launch
from harness.runs.launch_manifest import LOCAL, Launch
from harness.runs.lists import lists_of
from harness.runs.materials import Materials
from harness.runs.planned import Tell
from harness.runs.sweep import Machine, au_facts, packed_data, plan, recipes
from harness.runs.tensorboard import with_events
from harness.upstream.clips import label_facts, run_data
from harness.upstream.initial import initial_name, load_initial
from harness.upstream.manifest import load_upstream
from harness.upstream.weights import initial_of

Bar = Callable[[int, int], None]
HASHED_AT_START = 8 << 30  # bytes of a pack whose frames are hashed before each start: seconds beside hours of training


@dataclass(frozen=True)
class Watcher:
    """Who is told how far the work is: a bar (done, of) for a named stage, lines, epochs and finished runs."""

    stage: Callable[[str], Bar]
    line: Callable[[str], None]
    planned: Callable[[list[RunConfig]], None]
    epoch: Callable[[RunConfig, dict[str, Any]], None]
    finished: Callable[[RunConfig], None]


@dataclass(frozen=True)
class Means:
    """How and where an experiment is carried out.

    data_root: the data set (None: rendered, or from its variable). cache: rendered faces, packs, pretrained weights.
    out: run directories. init: a file of initial weights for the one model of a native experiment. random_init: let
    an upstream that starts from pretrained weights start at random. third_party: the upstreams' clones. lists: the
    upstream whose split lists stand in for the data set's own. au: AU files that lie elsewhere, or AU tables.
    tensorboard: write event files beside the records. launch: who carries the runs out; detach: do not wait for it.
    """

    data_root: Path | None
    cache: Path
    out: Path
    engine: Literal["native", "upstream"] = "native"
    device: str = "cpu"
    jobs: int | None = None
    init: Path | None = None
    random_init: bool = False
    third_party: Path = Path("third_party")
    lists: str | None = None
    au: Path | None = None
    tensorboard: bool = False
    launch: Launch = LOCAL
    detach: bool = False


def run_experiment(experiment: Experiment, means: Means, watcher: Watcher) -> list[Path]:
    """Carry out every run of `experiment`; returns the run directories.

    What exists is not made again, so an interrupted experiment goes on where it was. Errors: HarnessError, one line.
    """
    if means.launch.launcher == "local":
        check_device(means.device)
    else:
        check_named(means.device)  # the jobs' machines have it, this one need not
    on_epoch = with_events(means.out, watcher.epoch) if means.tensorboard else watcher.epoch
    names, files = _initial(experiment, means)
    manifest = load_dataset(experiment.dataset)
    root = means.data_root or _default_root(experiment, manifest, means.cache, watcher)
    paths: dict[int, Path] = {}
    if means.engine == "upstream":
        # The upstreams' own loaders read the frames: nothing is packed.
        listing = read_listing(manifest, root)
        if means.lists or means.au:
            raise ManifestError("--lists and --au are for the native engine; the upstream engine reads the root alone")

        facts = au_facts(experiment, *label_facts(manifest, root, listing, experiment.au))

        def data_of(recipe: Recipe, fold: int) -> RunData:
            return run_data(manifest, listing, fold, experiment.clips_per_class)
    else:
        prepared = _prepare(experiment, manifest, root, means, watcher)
        paths = {size: data.path for size, data in prepared.items()}
        labels = next(iter(prepared.values())).au_labels(experiment.au.label_frames)
        facts = au_facts(experiment, labels.digest, labels.unit_A)

        def data_of(recipe: Recipe, fold: int) -> RunData:
            return packed_data(experiment, manifest, prepared[recipe.pack_size], fold)

    configs = plan(experiment, data_of, Machine(means.engine, means.device, names), facts)
    watcher.planned(configs)
    for line in _shares(configs):
        watcher.line(line)
    return launch(
        configs,
        Materials(paths, root, means.cache, means.third_party, files),
        means.out,
        means.launch,
        jobs=means.jobs or default_jobs(experiment, means.device),
        tell=Tell(watcher.line, on_epoch, watcher.finished),
        detach=means.detach,
    )


def _shares(configs: Sequence[RunConfig]) -> list[str]:
    """For each model that several processes train together: their parts of the batch, and the learning rate."""
    found = {config.model: shares(config) for config in configs if config.nproc > 1}
    return [
        f"{model}: {part['world_size']} processes a run, batch {part['global_batch']} ({part['batch_per_rank']} each), "
        f"learning rate {part['learning_rate']}"
        for model, part in found.items()
    ]


def _initial(experiment: Experiment, means: Means) -> tuple[dict[str, str], dict[str, Path]]:
    """What each run's configuration says of its initial weights, and the files to load, by model."""
    if means.engine == "upstream":
        if means.init:
            raise ManifestError("--init: is for the native engine; an upstream's file goes into weights/ below --cache")
        manifests = {model: load_upstream(model) for model in experiment.models}
        at_random = means.random_init or experiment.random_init
        return {model: initial_of(one, random_init=at_random) for model, one in manifests.items()}, {}
    if means.init is None:
        return {}, {}
    if len(experiment.models) > 1:
        raise ManifestError(f"--init {means.init}: a file starts one model; name it by --model")
    (model,) = experiment.models
    # Read once before any work on the data: a wrong file is refused now.
    load_initial(model, experiment.scale, means.init, len(load_dataset(experiment.dataset).labels))
    return {model: initial_name(means.init)}, {model: means.init}


def default_jobs(experiment: Experiment, device: str) -> int:
    """Runs at a time: on a CPU as many as have their threads, on a GPU one."""
    if device != "cpu" or experiment.threads is None:
        return 1
    return max(1, len(os.sched_getaffinity(0)) // max(experiment.threads, experiment.nproc))


def rendered_root(experiment: Experiment, cache: Path) -> Path:
    """Where the rendered faces of an experiment lie; the name says what they were rendered from."""
    render = experiment.render
    assert render is not None
    return cache / f"rendered-{render.clips}clips-{render.size}px-seed{render.seed}"


def _default_root(experiment: Experiment, manifest: DatasetManifest, cache: Path, watcher: Watcher) -> Path:
    if experiment.render is not None:
        return _render(experiment, cache, watcher)
    return data_root(manifest)


def data_root(manifest: DatasetManifest) -> Path:
    """The folder that the data set's variable names; an error of one line if it names none."""
    variable = manifest.access.variable
    if variable is None:
        raise ManifestError(f"{manifest.title}: has no default folder; give --data-root")
    root = _root_of_variable(manifest)
    if root is None:
        raise DataError(
            f"{manifest.title}: no data root; set {variable} or give --data-root "
            f"(licensed data: ask for access at {manifest.access.url})"
        )
    return root


def _root_of_variable(manifest: DatasetManifest) -> Path | None:
    value = os.environ.get(manifest.access.variable or "")
    return Path(value) if value else None


def _render(experiment: Experiment, cache: Path, watcher: Watcher) -> Path:
    render = experiment.render
    assert render is not None
    root = rendered_root(experiment, cache)
    summary: RenderSummary = render_dfew(
        root,
        dfew_shares(),
        clips=render.clips,
        size=render.size,
        seed=render.seed,
        workers=len(os.sched_getaffinity(0)),
        progress=watcher.stage("rendering clips"),
    )
    for line in summary.lines():
        watcher.line(line)
    return root


def dfew_shares() -> Any:
    """Share of frames in which an AU is present, (7, 18), per expression of DFEW: p = 1 / (1 + pos_weight)."""
    path = manifests_dir() / "knowledge" / "pos_weight_dfew.csv"
    return 1.0 / (1.0 + read_unit_table(path, (*EXPRESSIONS, "all"))[: len(EXPRESSIONS)])


def _prepare(
    experiment: Experiment, manifest: DatasetManifest, root: Path, means: Means, watcher: Watcher
) -> Mapping[int, Prepared]:
    lists = split_lists(manifest, means)
    found = {}
    for size in sorted({recipe.pack_size for recipe in recipes(experiment).values()}):
        found[size] = prepare(
            manifest,
            root,
            size,
            means.cache / "packs",
            lists=lists,
            au=means.au,
            label_frames=experiment.au.label_frames,
            min_confidence=experiment.au.min_confidence,
            workers=len(os.sched_getaffinity(0)),
            progress=watcher.stage(f"packing clips at {size} pixels"),
        )
        _hash_again(found[size], manifest, watcher)
        if unread := found[size].pack.quarantined:
            where = found[size].path / "quarantine.csv"
            watcher.line(f"{unread:,} frames could not be read and are left out of their clips; {where} names them")
    return found


def _hash_again(prepared: Prepared, manifest: DatasetManifest, watcher: Watcher) -> None:
    """DataError if the packed frames are not those that were packed; a large pack is left to `data pack --verify`."""
    size = prepared.pack.frames_FHWC.nbytes
    if size > HASHED_AT_START:
        asked = f"`audfer data pack {manifest.name} --verify`"
        watcher.line(f"{prepared.path}: {size / 1e9:.0f} GB of frames are not hashed at each start; {asked} does")
    elif wrong := verify_pack(prepared.path, workers=len(os.sched_getaffinity(0))):
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise DataError(
            f"{prepared.path}: the frames of {wrong[0]}{more} changed since packing; remove the folder and run again"
        )


def split_lists(manifest: DatasetManifest, means: Means) -> Lists | None:
    """The split lists of the upstream that was named; None: the data set's own."""
    return lists_of(manifest, means.lists, means.third_party)[0] if means.lists else None


def forecast_experiment(experiment: Experiment, means: Means, watcher: Watcher) -> tuple[str, list[Forecast]]:
    """What the experiment would take, and where the numbers of clips are from. Nothing is written or packed.

    Without a data root the published counts stand in; ManifestError for a data set that has none.
    """
    check_device(means.device)
    manifest = load_dataset(experiment.dataset)
    root = means.data_root or _root_of_variable(manifest)
    machine = Machine(means.engine, means.device)
    if root is not None:
        lists = split_lists(manifest, means) or read_lists(manifest, root)
        counts, source = counts_of_lists(lists, manifest), f"split lists at {root}"
    elif experiment.render is not None:
        counts, source = rendered_counts(experiment.render.clips), "rendered faces"
    elif manifest.counts:
        counts, source = manifest.counts, f"published counts of {manifest.title}"
    else:
        raise ManifestError(f"{manifest.title}: its clips are in no public list; give --data-root")
    configs = plan(experiment, lambda _, fold: counted_data(experiment, manifest, counts[str(fold)]), machine)
    watcher.planned(configs)
    return source, forecast(configs, means.out, watcher.line)
