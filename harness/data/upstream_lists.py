"""Split lists that an upstream's repository holds: for those who lack the published lists, and to compare with.

Lines are `path [frames] number`; which classes the numbers mean stands in the data set's manifest, by name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from harness.data.counts import PARTS
from harness.data.lists import Line, Rows, check_lists, leads_out, read_lines, refused
from harness.dataset_manifest import DatasetManifest, UpstreamLists
from harness.errors import DataError

NUMBER = re.compile(r"[0-9]{1,9}")
FILLED_UP = 16
"""What Former-DFER's lists of DFEW's folds 2 to 5 say of clips with fewer frames; fold 1 has their true numbers."""
PINNED = "take the upstream's files at its pin"


class _Clip(NamedTuple):
    name: str
    label: int
    frames: int | None


def read_upstream_lists(
    manifest: DatasetManifest, upstream: str, clone: Path
) -> tuple[dict[int, dict[str, Rows]], dict[str, int]]:
    """Fold -> part -> clip name -> label, and frames per clip where the lists hold them, from the clone of `upstream`.

    Classes that the manifest has not, and clips of other scenes than its own, are left out. Errors: DataError if the
    upstream has no lists of this data set, a list is missing, a line is not of their form, or lists disagree.
    """
    source = _source(manifest, upstream)
    frames: dict[str, int] = {}
    lists: dict[int, dict[str, Rows]] = {
        fold: {part: _read_list(source, manifest, clone, fold, part, frames) for part in PARTS}
        for fold in range(1, manifest.folds + 1)
    }
    check_lists(lists, manifest, clone)
    return lists, frames


def _source(manifest: DatasetManifest, upstream: str) -> UpstreamLists:
    for source in manifest.upstream_lists:
        if source.upstream == upstream:
            return source
    having = "|".join(source.upstream for source in manifest.upstream_lists)
    remedy = f"give --lists {having}" if having else "no upstream has any, put the published lists into the data root"
    raise DataError(f"{upstream}: holds no split lists of {manifest.title}; {remedy}")


def _read_list(
    source: UpstreamLists, manifest: DatasetManifest, clone: Path, fold: int, part: str, frames: dict[str, int]
) -> Rows:
    path = clone / source.path.format(fold=fold, part=part)
    if not path.is_file():
        raise DataError(f"{path}: no such list; run audfer upstream fetch {source.upstream}")
    rows: dict[str, int] = {}
    seen: set[str] = set()
    for line in read_lines(path):
        clip = _clip(path, line, source, manifest)
        if clip is None:
            continue
        if clip.name in seen:
            raise refused(path, line, f"lists clip {clip.name} twice", PINNED)
        seen.add(clip.name)
        rows[clip.name] = clip.label
        if clip.frames is not None:
            before = frames.get(clip.name, clip.frames)
            if before != clip.frames and max(before, clip.frames) != FILLED_UP:
                raise refused(path, line, f"has {clip.frames} frames, {before} in another list", PINNED)
            frames[clip.name] = min(before, clip.frames)
    if not rows:
        raise DataError(f"{path}: the list has no clip of {manifest.title}; {PINNED}")
    return rows


def _clip(path: Path, line: Line, source: UpstreamLists, manifest: DatasetManifest) -> _Clip | None:
    """What a line says; None if it is of a class or a scene that is left out."""
    place, *numbers = line.text.split()
    parts = place.split("/")
    counted = 2 if source.frame_counts else 1
    if len(parts) < source.name_parts or not counted <= len(numbers) <= 2 or not all(map(NUMBER.fullmatch, numbers)):
        form = "path, frames and class number" if source.frame_counts else "path and class number"
        raise refused(path, line, f"is not {form}, parted by blanks", PINNED)
    if int(numbers[-1]) >= len(source.classes):
        raise refused(path, line, f"has no class of {source.upstream} (0 to {len(source.classes) - 1})", PINNED)
    name = parts[-source.name_parts :]
    if leads_out("/".join(name)):
        raise refused(path, line, "names a clip outside the folder of clips", PINNED)
    expression = source.classes[int(numbers[-1])]
    if expression not in manifest.classes or manifest.scene not in (None, name[0]):
        return None
    frames = int(numbers[0]) if source.frame_counts else None
    return _Clip("/".join(name), manifest.classes.index(expression), frames)
