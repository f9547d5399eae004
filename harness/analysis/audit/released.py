"""The constants of the released code beside the paper and the public lists: knowledge matrix and pos_weight rows.

Shape letters: E expressions (7), A action units (18), R rows of a released table (expressions, then `all`).
Form of the frames (CSV): `dataset,class,train_clips,train_frames,test_clips,test_frames,source`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.audit.finding import Finding
from harness.au.knowledge import load_knowledge, read_unit_table
from harness.au.pos_weight import RELEASED_ROWS, ReleasedRow, examine_released
from harness.au.rederive import HighCell, Rederivation, rederive
from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.errors import DataError

Array = NDArray[Any]

COLUMNS = ("dataset", "class", "train_clips", "train_frames", "test_clips", "test_frames", "source")
POOLED = "all"
LARGEST_PRINTED = 5.0  # section 3.1: the sum stays in [0, 5]
SAME_COUNT = 1e-3
"""Share by which two counts of the same frames may differ: lists and AU files are a few frames apart."""


@dataclass(frozen=True)
class Frames:
    """Clips of one class, and their frames, in the training and the test part of the public lists."""

    train_clips: int
    train_frames: int
    test_clips: int
    test_frames: int

    @property
    def all_frames(self) -> int:
        """Of both parts."""
        return self.train_frames + self.test_frames


def released(folder: Path, frames: Mapping[str, Mapping[str, Frames]]) -> list[Finding]:
    """The code audit of a folder of constants (`manifests/knowledge`). DataError as `load_knowledge`.

    `pos_weight_<data set>.csv` are the released rows; the data set's frames, if given, are what they should count. The
    rows of the strategy *minor* are not among them: they are those of *distinct* for the minor expressions.
    """
    released_EA, fig4_EA = load_knowledge("released", folder), load_knowledge("fig4", folder)
    findings = knowledge_findings(released_EA, fig4_EA)
    tables = {path.stem: read_unit_table(path, RELEASED_ROWS) for path in sorted(folder.glob("pos_weight_*.csv"))}
    for name in tables:
        rows = examine_released(tables, name)
        findings += row_findings(name, rows) + frame_findings(
            name, rows, frames.get(name.removeprefix("pos_weight_"), {})
        )
    return findings


def read_frames_by_class(path: Path) -> dict[str, dict[str, Frames]]:
    """Frames by data set and class from a CSV file; DataError names file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); give a UTF-8 CSV file") from error
    found: dict[str, dict[str, Frames]] = {}
    for number, line in enumerate(lines, start=2):
        if set(line) != set(COLUMNS) or not all((line[name] or "").isdecimal() for name in COLUMNS[2:6]):
            raise DataError(f"{path}:{number}: not {', '.join(COLUMNS)} with whole numbers; mend the line")
        found.setdefault(line["dataset"], {})[line["class"]] = Frames(*(int(line[name]) for name in COLUMNS[2:6]))
    return found


def knowledge_findings(released_EA: Array, fig4_EA: Array) -> list[Finding]:
    """The released matrix beside Fig. 4, and both beside the steps of section 3.1 (`harness.au.rederive`).

    The released matrix is Fig. 4's only after another number is subtracted from their common sum S. S is said to be a
    sum of four sigmoids, hence below 4, and in [0, 5]. A unit that is the same for every expression says nothing.
    """
    found = rederive(released_EA, fig4_EA)
    findings = []
    as_it_stands = int((np.abs(np.round(released_EA, 2) - fig4_EA) < 1e-9).sum())
    if as_it_stands < found.cells:
        findings.append(_offset(found, as_it_stands))
    if found.above_bound:
        findings.append(_too_large(found))
    constant = [unit for unit, column_E in zip(ACTION_UNITS, released_EA.T, strict=True) if np.ptp(column_E) < 1e-9]
    return findings + [_constant(unit, released_EA, fig4_EA) for unit in constant]


def row_findings(name: str, rows: tuple[ReleasedRow, ...]) -> list[Finding]:
    """Rows equal to another data set's or class's row, and a pooled row outside the range of its parts.

    Counts of other frames do not give eighteen equal ratios. A ratio over all classes lies between the smallest and the
    largest of the classes: negatives over positives, each a sum.
    """
    findings = []
    for row in rows:
        # Of a class row and the pooled row of one table it is the pooled one that should differ.
        equals = [one for one in row.equals if row.name == POOLED or one != f"{name}:{POOLED}"]
        if equals:
            findings.append(_equal(name, row.name, equals))
        if row.name == POOLED and row.outside:
            findings.append(_outside(name, row.outside))
    return findings


def frame_findings(name: str, rows: tuple[ReleasedRow, ...], frames: Mapping[str, Frames]) -> list[Finding]:
    """The frames behind each row (the smallest number that gives all its weights) beside those in the public lists.

    Eq. 6-8 count clips, and training may use training clips alone. A row that counts the frames of training and test
    clips carries the test part into the loss; one that counts neither counts other clips. Other frames in a row that
    equals another are left to `row_findings`.
    """
    if not frames:
        return []
    known = {**frames, POOLED: _total(frames)}
    both, findings = {}, []
    for row in rows:
        if row.frames is None or row.name not in known:
            continue
        if _near(row.frames, known[row.name].all_frames):
            both[row.name] = {"behind": row.frames, "listed": known[row.name].all_frames,
                              "listed_train": known[row.name].train_frames}  # fmt: skip
        elif not row.equals and not _near(row.frames, known[row.name].train_frames):
            findings.append(_other_frames(name, row.name, row.frames, known[row.name]))
    return findings + ([_both_parts(name, both)] if both else [])


def _equal(name: str, row: str, equals: list[str]) -> Finding:
    return Finding(
        "released-constant",
        name,
        row,
        "",
        f"{name}: the row of {row} is, in all {len(ACTION_UNITS)} units, {' and '.join(equals)}.",
        derived=", ".join(equals),
        evidence={"equal_to": equals},
    )


def _outside(name: str, units: tuple[str, ...]) -> Finding:
    return Finding(
        "released-constant",
        name,
        POOLED,
        ", ".join(units),
        f"{name}: {len(units)} of {len(ACTION_UNITS)} weights over all classes lie outside the range of the classes' "
        f"own ({', '.join(units)}): no pooling of those counts gives them.",
        evidence={"units": list(units)},
    )


def _total(frames: Mapping[str, Frames]) -> Frames:
    parts = [(one.train_clips, one.train_frames, one.test_clips, one.test_frames) for one in frames.values()]
    return Frames(*map(sum, zip(*parts, strict=True)))


def _near(count: int, listed: int) -> bool:
    return abs(count - listed) <= SAME_COUNT * listed


def _offset(found: Rederivation, as_it_stands: int) -> Finding:
    return Finding(
        "released-constant",
        "knowledge_released",
        "",
        "offset",
        f"The released matrix agrees with Fig. 4 in {as_it_stands} of {found.cells} cells as it stands; with the "
        f"mid-range {found.mid_range:g} of its sum restored and 2.5 subtracted, in {found.matches} of {found.cells}.",
        printed="2.5",
        derived=f"{found.mid_range:g}",
        evidence={
            "cells": found.cells,
            "agree_as_released": as_it_stands,
            "agree_after_offset": found.matches,
            "mid_range": found.mid_range,
            "mid_ranges_that_fit": list(found.possible or ()),
        },
    )


def _too_large(found: Rederivation) -> Finding:
    cells = found.above_bound
    named = [f"{cell.expression} {cell.unit} {cell.sum_printed:.2f}" for cell in cells]
    return Finding(
        "released-constant",
        "knowledge_fig4",
        "",
        "S",
        f"Fig. 4 needs a sum S above {found.bound:g} in {len(cells)} cells ({', '.join(named)}), which four sigmoids "
        f"cannot give; the largest released S is {found.sum_max:.3f}"
        + (f", outside the stated range up to {LARGEST_PRINTED:g} too." if found.sum_max > LARGEST_PRINTED else "."),
        derived=f"{found.sum_max:.3f}",
        evidence={
            "bound": found.bound,
            "sum_max": found.sum_max,
            "sum_min": found.sum_min,
            "cells": [_plain(cell) for cell in cells],
        },
    )


def _constant(unit: str, released_EA: Array, fig4_EA: Array) -> Finding:
    place = ACTION_UNITS.index(unit)
    return Finding(
        "released-constant",
        "knowledge_released",
        "",
        unit,
        f"{unit} has one value for all {len(EXPRESSIONS)} expressions: it carries no knowledge of any.",
        printed=f"{fig4_EA[0, place]:g}",
        derived=f"{released_EA[0, place]:.6f}",
        evidence={"released": released_EA[:, place].tolist(), "fig4": fig4_EA[:, place].tolist()},
    )


def _other_frames(name: str, row: str, count: int, listed: Frames) -> Finding:
    clips = listed.train_clips + listed.test_clips
    return Finding(
        "released-constant",
        name,
        row,
        "frames",
        f"{name}: behind the row of {row} are {count:,} frames or a multiple; the public lists have "
        f"{listed.train_frames:,} in training and {listed.test_frames:,} in test clips, {listed.all_frames:,} in all.",
        printed=str(count),
        derived=str(listed.all_frames),
        evidence={
            "behind": count,
            "listed_train": listed.train_frames,
            "listed_test": listed.test_frames,
            "times_all": round(count / listed.all_frames, 4),
            "listed_clips": clips,
            "clips_of_16_frames": count // 16 if count % 16 == 0 else None,
            "clips_of_the_surplus": round((count - listed.all_frames) * clips / listed.all_frames),
        },
        confidence="likely",
    )


def _both_parts(name: str, rows: Mapping[str, Mapping[str, int]]) -> Finding:
    apart = max(abs(one["behind"] - one["listed"]) for one in rows.values())
    return Finding(
        "released-constant",
        name,
        ", ".join(rows),
        "frames",
        f"{name}: the rows of {', '.join(rows)} count the frames of all listed clips, training and test together (at "
        f"most {apart} frames apart), where Eq. 7 counts clips.",
        evidence={"rows": {row: dict(counts) for row, counts in rows.items()}},
    )


def _plain(cell: HighCell) -> dict[str, Any]:
    return {
        "expression": cell.expression,
        "unit": cell.unit,
        "printed": cell.printed,
        "sum_least": round(cell.sum_least, 3),
        "sum_released": round(cell.sum_released, 3),
    }
