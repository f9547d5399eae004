"""FERV39k: one split of 38,935 clips from 22 scenes.

Layout (field notes, section 5): `2_ClipsforFaceCrop/<Scene>/<Emotion>/<clip>/<NN>.jpg` and
`4_setups/All_scenes/{train,test}_All.csv`, lines `Action/Happy/0267 Happy` from the first one on: there is no header.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.counts import Rows
from harness.data.lists import Line, read_lines, refused, rows_of, semicolons
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

PARTS_OF_NAME = 3


def read_part(root: Path, manifest: DatasetManifest, fold: int, part: str) -> Rows:
    """Clip name (`Action/Happy/0267`) -> label of the train or test list; of one scene, if the manifest names one.

    Errors: DataError of `lists.read_lines` and `lists.rows_of`; if a line is not a clip and a class, or they disagree.
    """
    assert fold == 1, "FERV39k has one split"
    path = root / manifest.split_dir / f"{part}_All.csv"
    rows = rows_of(path, _clips(path, read_lines(path)), manifest)
    if manifest.scene is None:
        return rows
    of_scene = {name: label for name, label in rows.items() if name.split("/")[0] == manifest.scene}
    if not of_scene:
        raise DataError(f"{path}: the list has no clip of {manifest.scene}; take the published list, or another scene")
    return of_scene


def _clips(path: Path, lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    for line in lines:
        cells = line.text.split()
        parts = cells[0].split("/")
        if len(cells) != 2 or len(parts) != PARTS_OF_NAME or not all(parts):
            raise refused(path, line, _why(line))
        _, folder, _ = parts
        # A number in place of the name is for rows_of, which knows where it comes from.
        if folder != cells[1] and not cells[1].isdecimal():
            raise refused(path, line, f"lies in folder {folder} and is labelled {cells[1]}")
        yield line, cells[0], cells[1]


def _why(line: Line) -> str:
    if ";" in line.text:
        return semicolons(line, " ")
    if line.number == 1 and "/" not in line.text:
        return "looks like a header, which the published list has not"
    return "is not 'Scene/Emotion/clip Emotion'"
