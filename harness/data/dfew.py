"""DFEW: five folds of single-labelled clips, as published and as the rendered faces are written.

Layout (field notes, section 5): `Clip/<frames>/<clip>/<n>.jpg` and `EmoLabel_DataSplit/{train,test}(single-labeled)/
set_<k>.csv` with the header `video_name,label` and labels 1 to 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.counts import Rows
from harness.data.lists import Line, read_lines, refused, rows_of, semicolons
from harness.dataset_manifest import DatasetManifest

HEADER = ["video_name", "label"]
DIGITS = 5
"""Clip folders are named 00001, 00002, ...; the lists may leave out the zeros."""


def read_part(root: Path, manifest: DatasetManifest, fold: int, part: str) -> Rows:
    """Clip name -> label of one list of a fold.

    Errors: DataError of `lists.read_lines` and `lists.rows_of`, or if the header or a clip's number is missing.
    """
    path = root / manifest.split_dir / f"{part}(single-labeled)" / f"set_{fold}.csv"
    first, *lines = read_lines(path)
    if _cells(first) != HEADER:
        why = f"is not '{','.join(HEADER)}'"
        raise refused(path, first, semicolons(first, ",") or f"{why}: the header is missing")
    return rows_of(path, _clips(path, lines), manifest)


def _clips(path: Path, lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    for line in lines:
        cells = _cells(line)
        if len(cells) != len(HEADER):
            raise refused(path, line, semicolons(line, ",") or "is not a clip's number, a comma and a label")
        if not (cells[0].isascii() and cells[0].isdecimal()):
            raise refused(path, line, f"begins with {cells[0]!r}, where a clip's number is expected")
        # 1, 00001 and 000001 are one clip.
        yield line, cells[0].lstrip("0").zfill(DIGITS), cells[1]


def _cells(line: Line) -> list[str]:
    return [cell.strip().strip('"') for cell in line.text.split(",")]
