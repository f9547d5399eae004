"""Section 3.1 from end to end: AU files and a trained M3DFEL in, a knowledge matrix that runs can be trained with out.

Shape letters: N clips, F AU rows, C frames of the packed clips, E expressions (7), A action units (18).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.au.extraction import (
    AU28,
    TEXT_OFFSET,
    Knowledge,
    Offset,
    SetKnowledge,
    combine,
    extract_set,
    select,
)
from harness.au.files.frames import FrameTable, interpolate_zeros, read_frames
from harness.au.knowledge import unit_table_csv
from harness.au.units import ACTION_UNITS, EXPRESSIONS, NUM_EXPRESSIONS
from harness.data.clips import Listing
from harness.data.counts import matches_published
from harness.data.pack import Pack
from harness.data.prepare import fingerprint, pack_listing
from harness.data.readers import read_listing
from harness.engine.frame_probabilities import (
    FrameModel,
    FrameProbabilities,
    frame_probabilities,
    load_frame_model,
    rows_of_probabilities,
    thinned,
    video_of,
)
from harness.errors import DataError, ManifestError
from harness.files import write_text
from harness.manifest import DatasetManifest, load_dataset
from harness.runs.records import Run, read_run

Part = Literal["train", "all"]
Stage = Callable[[str], Callable[[int, int], None]]


@dataclass(frozen=True)
class Source:
    """One data set: its name, its folder, and AU files that lie elsewhere (None: where its manifest says)."""

    dataset: str
    root: Path
    au: Path | None = None


@dataclass(frozen=True)
class Options:
    """How knowledge is extracted. theta: threshold of section 3.1, whose value the paper does not tell.

    part: clips of the training part of the run's fold (of fold 1 where a data set has no such fold), or all. stride,
    device: of the per-frame predictions. au28, offset: see harness/au/extraction.py.
    """

    theta: float = 0.5
    part: Part = "train"
    stride: int = 1
    min_confidence: float = 0.0
    au28: AU28 = "expression"
    offset: Offset = TEXT_OFFSET
    device: str | None = None


@dataclass(frozen=True)
class SourceFacts:
    """What a data set was when it was read. published: whether its class counts are (None: none are).

    without_row: frames of its clips for which the AU files have no row. missing_videos: clips or videos without file.
    chosen_frames: the clips' frames are a choice of them, to which the AU rows of whole clips were spread.
    """

    dataset: str
    title: str
    published: bool | None
    fingerprint: str
    fold: int
    clips: int
    frames: int
    without_row: int
    missing_videos: int
    chosen_frames: bool


@dataclass(frozen=True, eq=False)
class Extracted:
    """A knowledge matrix with all that it was made from; `out/knowledge.csv` holds the matrix."""

    out: Path
    knowledge: Knowledge
    sources: tuple[SourceFacts, ...]
    options: Options
    run: dict[str, Any]

    @property
    def choice(self) -> str:
        """What an experiment names to be trained with it, such as `au.knowledge=computed:<file>`."""
        return f"computed:{self.out / 'knowledge.csv'}"

    def lines(self) -> list[str]:
        """What was done, in plain lines."""
        count = len(self.sources)
        return [
            f"{self.run['model']} {self.run['arm']}, fold {self.run['fold']}, run {self.run['digest']}: frames with "
            f"P(own class) > {self.options.theta:g}, clips of part '{self.options.part}'",
            *(
                line
                for facts, one in zip(self.sources, self.knowledge.sets, strict=True)
                for line in _lines(facts, one)
            ),
            f"S of {count} data set{'s' * (count > 1)} lies in (0, {count}): here {self.knowledge.sum_EA.min():.3f} to "
            f"{self.knowledge.sum_EA.max():.3f}; minus {self.knowledge.offset:g} and through a sigmoid "
            f"{self.knowledge.knowledge_EA.min():.3f} to {self.knowledge.knowledge_EA.max():.3f}",
            *([_SCALE] if count != 4 and self.options.offset == TEXT_OFFSET else []),
            f"written: {self.out}",
        ]

    def to_json(self) -> dict[str, Any]:
        """The same, with the matrices, as plain values: what `summary.json` holds."""
        return {
            "options": asdict(self.options),
            "run": self.run,
            "sources": [asdict(facts) for facts in self.sources],
            "frames": {one.name: _frames_of(one) for one in self.knowledge.sets},
            "offset": self.knowledge.offset,
            "expressions": list(EXPRESSIONS),
            "units": list(ACTION_UNITS),
            "sum": self.knowledge.sum_EA.tolist(),
            "knowledge": self.knowledge.knowledge_EA.tolist(),
        }


_SCALE = (
    "the text's 2.5 is for a sum of four data sets: of fewer all weights come out small, of more large; offset "
    "mid-range centres any number of them"
)


def extract_knowledge(
    sources: Sequence[Source],
    run_dir: Path,
    out: Path,
    *,
    cache: Path,
    options: Options | None = None,
    workers: int = 1,
    stage: Stage | None = None,
) -> Extracted:
    """Extract knowledge from data sets with the M3DFEL of a finished run, and write it to `out`.

    Packs and per-frame predictions are kept below `cache`, so that an interrupted or repeated call (another theta) goes
    on from them. `stage` names a part of the work and takes its progress. Writes `knowledge.csv`, per data set
    `median_<name>.csv` and `knowledge_<name>.csv`, and last `summary.json`. Errors: ManifestError for a data set named
    twice, RunError for a run that cannot be used, DataError of readers and AU files or for a class without any frame.
    """
    options = options or Options()
    select(np.zeros(0), np.zeros(0), options.theta)
    names = [source.dataset for source in sources]
    if not names or len(set(names)) < len(names):
        raise ManifestError(f"knowledge from {', '.join(names) or 'nothing'}: name one data set or several, each once")
    run = read_run(run_dir)
    model = load_frame_model(run_dir, run.config, options.device)
    read = [_of_source(source, run, model, cache, options, workers, stage or _silent) for source in sources]
    knowledge = combine([one for one, _ in read], options.offset)
    extracted = Extracted(out, knowledge, tuple(facts for _, facts in read), options, _of_run(run, model))
    _write(extracted)
    return extracted


def _of_source(
    source: Source, run: Run, model: FrameModel, cache: Path, options: Options, workers: int, stage: Stage
) -> tuple[SetKnowledge, SourceFacts]:
    manifest = load_dataset(source.dataset)
    if manifest.classes[:NUM_EXPRESSIONS] != EXPRESSIONS:
        raise ManifestError(f"{manifest.title}: its classes do not begin with {', '.join(EXPRESSIONS)}")
    listing = read_listing(manifest, source.root)
    size = run.config.recipe.pack_size
    bar = stage(f"{manifest.title}: packing clips at {size} pixels")
    pack = pack_listing(manifest, listing, size, cache / "packs", workers=workers, progress=bar)
    fold, position_N = _clips_of(manifest, listing, pack, run.config.fold, options.part)
    probabilities = frame_probabilities(
        model, pack, cache / "frames", stride=options.stride, progress=stage(f"{manifest.title}: predictions of frames")
    )
    table = _au_rows(source, manifest, listing, pack, position_N, options, workers, stage)
    one, without_row = _join(manifest.name, table, listing, pack, position_N, probabilities, options, workers)
    facts = SourceFacts(
        dataset=manifest.name,
        title=manifest.title,
        published=_published(manifest, listing),
        fingerprint=fingerprint(listing),
        fold=fold,
        clips=len(position_N),
        frames=int(pack.count_N[position_N].sum()),
        without_row=without_row,
        missing_videos=len(table.missing),
        chosen_frames=thinned(listing),
    )
    return one, facts


def _clips_of(manifest: DatasetManifest, listing: Listing, pack: Pack, fold: int, part: Part) -> tuple[int, np.ndarray]:
    """The fold, and positions in the pack of its training clips, or of all, that are of the seven expressions."""
    fold = fold if fold in listing.folds else 1
    names = pack.names if part == "all" else listing.folds[fold].train
    position_N = np.sort(pack.positions(names))
    position_N = position_N[pack.label_N[position_N] < NUM_EXPRESSIONS]
    if not len(position_N):
        raise DataError(f"{manifest.title}: fold {fold} has no clip of the seven expressions in part '{part}'")
    return fold, position_N


def _au_rows(
    source: Source,
    manifest: DatasetManifest,
    listing: Listing,
    pack: Pack,
    position_N: np.ndarray,
    options: Options,
    workers: int,
    stage: Stage,
) -> FrameTable:
    """The AU rows of the clips' videos, zero intensities interpolated (Eq. 1)."""
    videos = list(dict.fromkeys(video_of(listing, pack, position) for position in position_N))
    table = read_frames(
        source.au or source.root / manifest.openface_dir,
        videos,
        workers=workers,
        min_confidence=options.min_confidence,
        progress=stage(f"{manifest.title}: reading AU files"),
    )
    if not table.has_intensity_R.all():
        raise DataError(
            f"{manifest.title}: its AU files lack {int((~table.has_intensity_R).sum())} of 17 intensities; section 3.1 "
            "takes medians of them: run OpenFace 2.2"
        )
    return table


def _join(
    name: str,
    table: FrameTable,
    listing: Listing,
    pack: Pack,
    position_N: np.ndarray,
    probabilities: FrameProbabilities,
    options: Options,
    workers: int,
) -> tuple[SetKnowledge, int]:
    """Knowledge of a data set, and how many of its frames have no AU row. Class and probability go to the rows, not
    back, and zeros are filled in the table itself: the intensities, the largest array, are not copied.
    """
    row_P, frame_P = rows_of_probabilities(table, listing, pack, position_N, probabilities)
    label_C = np.repeat(pack.label_N.astype(np.int64), pack.count_N)
    expression_F = np.full(len(table.frame_F), -1)
    expression_F[row_P] = label_C[frame_P]
    probability_F = np.full(len(table.frame_F), np.nan, dtype=np.float32)
    probability_F[row_P] = probabilities.probability_FE[frame_P, label_C[frame_P]]
    usable_F = table.success_F & (expression_F >= 0)
    intensity_FR = interpolate_zeros(
        table.intensity_FR, table.offset_V, table.success_F, table.frame_F, workers=workers, in_place=True
    )
    one = extract_set(name, intensity_FR, expression_F, probability_F, usable_F, theta=options.theta, au28=options.au28)
    return one, int(pack.count_N[position_N].sum()) - len(np.unique(frame_P))


def _published(manifest: DatasetManifest, listing: Listing) -> bool | None:
    if manifest.published and not manifest.counts:
        return None
    lists = {
        number: {
            part: {name: listing.clips[name].label for name in names}
            for part, names in (("train", fold.train), ("test", fold.test))
        }
        for number, fold in listing.folds.items()
    }
    return manifest.published and matches_published(lists, manifest)


def _of_run(run: Run, model: FrameModel) -> dict[str, Any]:
    config = run.config
    keys = {"experiment", "model", "scale", "arm", "fold", "seed", "precision"}
    data = {"dataset": config.dataset.name, "data_fingerprint": config.dataset.fingerprint}
    return {**config.model_dump(include=keys), **data, "digest": run.digest, "checkpoint_sha256": model.fingerprint}


def _write(extracted: Extracted) -> None:
    out = extracted.out
    out.mkdir(parents=True, exist_ok=True)
    # The summary vouches for the tables: an old one must not stand beside new tables.
    (out / "summary.json").unlink(missing_ok=True)
    for one in extracted.knowledge.sets:
        write_text(out / f"median_{one.name}.csv", unit_table_csv(EXPRESSIONS, one.median_EA))
        write_text(out / f"knowledge_{one.name}.csv", unit_table_csv(EXPRESSIONS, one.knowledge_EA))
    write_text(out / "knowledge.csv", unit_table_csv(EXPRESSIONS, extracted.knowledge.knowledge_EA))
    write_text(out / "summary.json", json.dumps(extracted.to_json(), indent=1, sort_keys=True) + "\n")


def _frames_of(one: SetKnowledge) -> dict[str, dict[str, int]]:
    counts = {"rows": one.frames_E, "usable": one.usable_E, "selected": one.selected_E}
    return {label: {what: int(count_E[e]) for what, count_E in counts.items()} for e, label in enumerate(EXPRESSIONS)}


def _lines(facts: SourceFacts, one: SetKnowledge) -> list[str]:
    per_class = ", ".join(
        f"{label} {selected:,} of {usable:,}"
        for label, selected, usable in zip(EXPRESSIONS, one.selected_E.tolist(), one.usable_E.tolist(), strict=True)
    )
    lost = f"{facts.without_row:,} frames without AU row, {facts.missing_videos:,} files missing"
    what = {True: "", False: " (not the published data)", None: " (no published counts to compare with)"}[
        facts.published
    ]
    spread = [
        "  every clip has as many frames: an AU row of a longer file goes to the nearest of them"
    ] * facts.chosen_frames
    first = f"{facts.title}{what}: {facts.clips:,} clips, {facts.frames:,} frames, {lost}"
    return [first, *spread, f"  selected: {per_class}"]


def _silent(name: str) -> Callable[[int, int], None]:
    return lambda done, of: None
