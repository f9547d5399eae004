"""The same numbers for a machine: one line per number, the same columns for all three tables. Pure functions."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace

from harness.au.units import EXPRESSIONS
from harness.engine.scores import confusion, predict
from harness.report.headings import ORACLE, dataset_label
from harness.report.measured import Difference, Row, Setting
from harness.report.printed import TABLE1_VALUES, TABLE2_VALUES, TABLE3_VALUES, Paper, PrintedRow
from harness.report.tables import PRINTED_2_AND_3, Flops, Measured


@dataclass(frozen=True)
class Cell:
    """One number. value: percent, points for a difference, 10^9 for GFLOPs, empty where there is none.

    Lists are joined by `;`: folds, seeds, and audit, the ids of the audit's findings about a printed number. A measured
    `dataset` that is not published is called rendered faces.
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


HEADER = tuple("class" if field.name == "expression" else field.name for field in fields(Cell))
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
    return _text(HEADER, (astuple(cell) for cell in cells))


def confusion_csv(settings: Iterable[Setting]) -> str:
    """The csv text of every run's confusion matrix: one line per label, the clips taken for each expression in it."""
    return _text(CONFUSION_HEADER, (line for setting in settings for line in _confusion_lines(setting)))


def _confusion_lines(setting: Setting) -> Iterator[tuple[object, ...]]:
    where = (setting.experiment, dataset_label(setting), setting.engine, setting.scale)
    for run in setting.runs:
        for rule, said in run.predictions.items():
            confusion_EE = confusion(said.label_B, predict(said.logits_BE))
            which = (*where, run.config.model, run.config.arm, run.config.fold, run.config.seed, rule)
            for label, row_E in zip(EXPRESSIONS, confusion_EE.tolist(), strict=True):
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
    difference = one.differences.get((row.model, row.arm, row.rule, row.fold_set))
    if number == 3 and difference is not None:
        yield from _differences(cell, difference)


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


def _differences(cell: Cell, difference: Difference) -> Iterator[Cell]:
    note = "; ".join(text for text in (cell.note, *(f"broken: {text}" for text in difference.broken)) if text)
    cell = replace(cell, seeds=_joined(difference.seeds), note=note)
    yield replace(cell, quantity="WAR difference", value=_percent(difference.war))
    yield replace(cell, quantity="UAR difference", value=_percent(difference.uar))


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
