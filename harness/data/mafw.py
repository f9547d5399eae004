"""MAFW: five folds of single-labelled clips, in eleven classes or the seven basic ones.

Layout (field notes, section 5): `frames/<clip>/<n>.png` and `split/single/no_caption/set_<k>/{train,test}.txt`, lines
`00025.mp4 anger`. Three orders of the classes are in use, so only names are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.data.counts import Rows
from harness.data.lists import Line, read_lines, refused, rows_of, semicolons
from harness.dataset_manifest import DatasetManifest

LINE = re.compile(r"(?P<clip>\d+)\.mp4\s+(?P<label>\S+)", re.ASCII)


def read_part(root: Path, manifest: DatasetManifest, fold: int, part: str) -> Rows:
    """Clip name (`00025`) -> label of one list of a fold; clips of the manifest's ignored classes are left out.

    Errors: DataError of `lists.read_lines` and `lists.rows_of`, or if a line is not a video and a class.
    """
    path = root / manifest.split_dir / f"set_{fold}" / f"{part}.txt"
    return rows_of(path, _clips(path, read_lines(path)), manifest)


def _clips(path: Path, lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    for line in lines:
        match = LINE.fullmatch(line.text)
        if match is None:
            raise refused(path, line, semicolons(line, " ") or "is not '<number>.mp4 <class>'")
        yield line, match["clip"], match["label"]
