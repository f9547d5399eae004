"""`audfer au labels`: the AU files of a data set's clips as tables, and OpenFace run where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from harness.au.files.extract import Extraction, extract_openface
from harness.au.files.tables import TableSummary, write_tables
from harness.data.clips import Clip
from harness.data.lists import Lists
from harness.data.readers import read_listing
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

Bar = Callable[[int, int], None]


def label_tables(
    manifest: DatasetManifest,
    root: Path,
    source: Path,
    out: Path,
    *,
    lists: Lists | None = None,
    min_confidence: float = 0.0,
    workers: int = 1,
    progress: Bar | None = None,
) -> TableSummary:
    """Write `frames.parquet`, `clips.parquet` and `summary.json` of every listed clip (or video) into `out`.

    `source`: folder of AU files, a released list, or tables. A file with fewer rows than its clip's frames is refused.
    """
    rows = _rows_needed(read_listing(manifest, root, lists).clips.values())
    return write_tables(
        source,
        tuple(rows),
        out,
        least_frames=tuple(rows.values()),
        min_confidence=min_confidence,
        workers=workers,
        progress=progress,
    )


def extract_missing(
    manifest: DatasetManifest,
    root: Path,
    out: Path,
    *,
    lists: Lists | None = None,
    workers: int = 1,
    progress: Bar | None = None,
) -> Extraction:
    """Run FeatureExtraction on each clip that has no file in `out` yet; what fails is named in the answer."""
    if manifest.layout == "affwild2":
        raise DataError(
            f"{manifest.title}: its folders lack the frames where no face was found, so OpenFace would number the "
            "others wrongly; run FeatureExtraction on the videos and put <video>.csv into the folder of AU files"
        )
    clips = read_listing(manifest, root, lists).clips
    folders = {name: clip.frames[0].parent for name, clip in clips.items()}
    return extract_openface(folders, out, workers=workers, progress=progress)


def _rows_needed(clips: Iterable[Clip]) -> dict[str, int]:
    """AU files by name, each with the number of rows that its clips' frames need."""
    rows: dict[str, int] = {}
    for clip in clips:
        video = clip.video or clip.name
        rows[video] = max(rows.get(video, 0), max(clip.numbers, default=len(clip.frames)))
    return rows
