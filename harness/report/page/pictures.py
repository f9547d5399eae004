"""Pictures of the clips that runs got wrong: a strip of a few frames each, as a small WebP, within a limit."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from PIL import Image

from harness.data.readers import READERS
from harness.dataset_manifest import DatasetManifest
from harness.report.page.payload import WrongClip, wrong_clips
from harness.runs.records import Run

FRAMES, SIDE, QUALITY = 4, 64, 60
LIMIT = 6_000_000  # bytes of all strips in a page, as base64
Source = tuple[DatasetManifest, Path]  # a data set and the root it lies at
Strips = Mapping[str, Mapping[str, str]]  # data set -> clip -> data URI


@dataclass(frozen=True)
class Pictures:
    """Strips by data set and clip; left_out: clips listed on the page that have none, for want of room or a frame."""

    strips: Strips
    left_out: int


def strips(runs: Iterable[Run], sources: Mapping[str, Source], limit: int = LIMIT) -> Pictures:
    """Strips of the wrong clips that the page lists, for the data sets whose frames are at hand.

    Each run's surest come first, so that a limit takes the least telling clips of all runs, not the last runs.
    Errors: DataError if a clip's folder is missing or empty.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    room, left_out = limit, 0
    for dataset, one in _in_turn([run for run in runs if run.config.dataset.name in sources]):
        strip = _strip(_frames(sources[dataset], one)) if room > 0 else None
        if strip is None or len(strip) > room:
            left_out += 1
            room = room if strip is None else 0
        else:
            found[dataset][one.clip] = strip
            room -= len(strip)
    return Pictures({name: dict(sorted(found[name].items())) for name in sorted(found)}, left_out)


def _in_turn(runs: Sequence[Run]) -> list[tuple[str, WrongClip]]:
    """The surest wrong clip of every run and rule, then the second of each, and so on; a clip once."""
    columns: list[list[tuple[str, WrongClip]]] = []
    for run in runs:
        for said in run.predictions.values():
            ranked = sorted(wrong_clips(said)[0], key=lambda one: (-one.share, one.clip))
            columns.append([(run.config.dataset.name, one) for one in ranked])
    ordered: dict[tuple[str, str], WrongClip] = {}
    for rank in zip_longest(*columns):
        for entry in rank:
            if entry is not None:
                ordered.setdefault((entry[0], entry[1].clip), entry[1])
    return [(dataset, one) for (dataset, _), one in ordered.items()]


def _frames(source: Source, one: WrongClip) -> Sequence[Path]:
    manifest, root = source
    (clip,) = READERS[manifest.layout].clips(root, manifest, {one.clip: one.label})
    return clip.frames


def _strip(frames: Sequence[Path]) -> str | None:
    """Evenly spaced frames side by side as a data URI; None if one of them cannot be read."""
    chosen = [frames[(2 * i + 1) * len(frames) // (2 * FRAMES)] for i in range(FRAMES)]
    sheet = Image.new("RGB", (FRAMES * SIDE, SIDE))
    for i, path in enumerate(chosen):
        try:
            with Image.open(path) as picture:
                sheet.paste(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR), (i * SIDE, 0))
        except OSError:
            return None
    stream = io.BytesIO()
    sheet.save(stream, "WEBP", quality=QUALITY)  # half a JPEG's size
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
