"""The same numbers for a machine: one line per number, the same columns for all three tables. Pure functions."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter

from harness.analysis.stats import Effect
from harness.au.units import EXPRESSIONS
from harness.report.compared import Measured
from harness.report.grids import PRINTED_2_AND_3, Flops
from harness.report.headings import ORACLE, dataset_label
from harness.report.measured import Row, Setting
from harness.report.pairs import Contrast
from harness.report.printed import TABLE1_VALUES, TABLE2_VALUES, TABLE3_VALUES, Paper, PrintedRow


@dataclass(frozen=True)
class Cell:
    """One number. value: percent, points for a difference, 10^9 for GFLOPs, empty where there is none.

    Lists are joined by `;`: folds, seeds, and audit, the ids of the audit's findings about a printed number. A measured
    `dataset` that is not published is called rendered faces. Of a difference only: the ends of its 95 % interval, in
    points, the verdict, and how many whole pairs it is of; a single expression has no verdict.
    """

    table: int
    row: int
    method: str
    arm: str
    source: str
    dataset: str
    experiment: str = ""
    engine: str = ""
    scale: str = ""
    fold_set: str = ""
    folds: str = ""
    selection: str = ""
    seeds: str = ""
    quantity: str = ""
    expression: str = ""
    value: str = ""
    correct: str = ""
    total: str = ""
    note: str = ""
    audit: str = ""
    interval_low: str = ""
    interval_high: str = ""
    verdict: str = ""
    pairs: str = ""


HEADER = tuple("class" if field.name == "expression" else field.name for field in fields(Cell))
LINE = attrgetter(*(field.name for field in fields(Cell)))
CONFUSION_HEADER = (
    *("experiment", "dataset", "engine", "scale", "model", "arm", "fold", "seed", "selection"),
    *("label", *(f"as_{name}" for name in EXPRESSIONS)),
)


def table_csv(number: int, paper: Paper, measured: Sequence[Measured], flops: Flops) -> str:
    """The csv text of one table: printed cells in the paper's order, then the measured ones."""
    rows, values = {
        1: (paper.table1, TABLE1_VALUES),
        2: (paper.table2, TABLE2_VALUES),
        3: (paper.table3, TABLE3_VALUES),
    }[number]
    cells = [cell for order, row in enumerate(rows, start=1) for cell in _printed(number, order, row, values)]
    order = len(rows)
    for one in measured:
        for row in one.rows.values():
            order += 1
            cells += _measured(number, order, one, row, flops)
    return _text(HEADER, map(LINE, cells))


def confusion_csv(settings: Iterable[Setting]) -> str:
    """The csv text of every run's confusion matrix: one line per label, the clips taken for each expression in it."""
    return _text(CONFUSION_HEADER, (line for setting in settings for line in _confusion_lines(setting)))


def _confusion_lines(setting: Setting) -> Iterator[tuple[object, ...]]:
    where = (setting.experiment, dataset_label(setting), setting.engine, setting.scale)
    for run in setting.runs:
        for rule, said in run.predictions.items():
            which = (*where, run.config.model, run.config.arm, run.config.fold, run.config.seed, rule)
            for label, row_E in zip(EXPRESSIONS, said.confusion_EE.tolist(), strict=True):
                yield (*which, label, *row_E)


def _printed(number: int, order: int, row: PrintedRow, values: Sequence[str]) -> Iterator[Cell]:
    note = "replicated by the paper's authors" if row.replicated else ""
    for name in values:
        dataset, _, metric = name.rpartition("_")
        cell = Cell(number, order, row.method, row.arm, "printed", dataset or PRINTED_2_AND_3, note=note)
        quantity, expression = ("accuracy", name) if name in EXPRESSIONS else (metric, "")
        yield replace(cell, quantity=quantity, expression=expression, value=row.values[name],
                      audit=";".join((*row.ids.get(name, ()), *row.ids.get("method", ()))))  # fmt: skip


def _measured(number: int, order: int, one: Measured, row: Row, flops: Flops) -> Iterator[Cell]:
    cell = _where(number, order, one, row)
    if number > 1:
        yield from _accuracies(cell, row)
    correct, total = _all_clips(row)
    yield replace(cell, quantity="WAR", value=_percent(row.metrics.war), correct=correct, total=total)
    yield replace(cell, quantity="UAR", value=_percent(row.metrics.uar))
    if number == 2:
        yield replace(cell, quantity="macro-F1", value=_percent(row.metrics.macro_f1))
        multiply_adds = flops.get((row.model, one.setting.scale))
        yield replace(cell, quantity="GFLOPs", value="" if multiply_adds is None else f"{multiply_adds / 1e9:.6f}")
    contrast = one.contrasts.get((row.model, row.arm, row.rule, row.fold_set))
    if contrast is not None:
        yield from _differences(cell, contrast, number > 1)


def _where(number: int, order: int, one: Measured, row: Row) -> Cell:
    setting = one.setting
    return Cell(
        number,
        order,
        method=one.methods[row.model],
        arm=row.arm,
        source="measured",
        dataset=dataset_label(setting),
        experiment=setting.experiment,
        engine=setting.engine,
        scale=setting.scale,
        fold_set=row.fold_set,
        folds=_joined(row.folds),
        selection=row.rule,
        seeds=_joined(row.seeds),
        note="oracle" if row.rule == ORACLE else "",
    )


def _accuracies(cell: Cell, row: Row) -> Iterator[Cell]:
    correct_E, total_E = row.metrics.correct_E, row.metrics.total_E
    for e, name in enumerate(EXPRESSIONS):
        accuracy = replace(cell, quantity="accuracy", expression=name, value=_percent(row.metrics.accuracy_E[e]))
        if correct_E is not None and total_E is not None:
            accuracy = replace(accuracy, correct=str(correct_E[e]), total=str(total_E[e]))
        yield accuracy


def _all_clips(row: Row) -> tuple[str, str]:
    correct_E, total_E = row.metrics.correct_E, row.metrics.total_E
    return (str(sum(correct_E)), str(sum(total_E))) if correct_E is not None and total_E is not None else ("", "")


def _differences(cell: Cell, contrast: Contrast, classes: bool) -> Iterator[Cell]:
    """WAR's and UAR's difference, and with `classes` each expression's; a broken pair gives lines without a value."""
    note = "; ".join(text for text in (cell.note, *(f"broken: {text}" for text in contrast.broken)) if text)
    pairs = len(contrast.seeds) * len(contrast.folds)
    cell = replace(cell, seeds=_joined(contrast.seeds), note=note, pairs=str(pairs))
    for metric, judged, verdict in zip(("WAR", "UAR"), (contrast.war, contrast.uar), contrast.verdicts, strict=True):
        named = replace(cell, quantity=f"{metric} difference", verdict=verdict)
        yield _with_interval(named, judged.effect) if judged else named
    if classes:
        for e, name in enumerate(EXPRESSIONS):
            named = replace(cell, quantity="accuracy difference", expression=name)
            yield _with_interval(named, contrast.recall_E[e]) if contrast.recall_E else named


def _with_interval(cell: Cell, effect: Effect) -> Cell:
    value, low, high = map(_percent, (effect.difference, effect.low, effect.high))
    return replace(cell, value=value, interval_low=low, interval_high=high)


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{round(100 * share, 4) + 0.0:.4f}"


def _joined(numbers: Iterable[int]) -> str:
    return ";".join(map(str, numbers))


def _text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
