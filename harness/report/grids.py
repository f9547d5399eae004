"""Grids of cells: the printed rows, and what was measured under one selection rule on one fold set. Pure functions.

Every number is marked as printed or measured, by its row or by its column, and no number of another data set stands
beside those printed for DFEW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.au.units import EXPRESSIONS
from harness.report import cells
from harness.report.cells import CLASSES
from harness.report.compared import Measured
from harness.report.headings import dataset_label, plural, rule_label
from harness.report.measured import Key, Row
from harness.report.printed import DATASETS, Paper, PrintedRow

METRICS = ("WAR", "UAR")
SCORES = ("WAR", "ΔWAR [95 %]", "UAR", "ΔUAR [95 %]")
PRINTED = ("WAR", "ΔWAR", "UAR", "ΔUAR")
PRINTED_2_AND_3 = "DFEW"  # the data set of the paper's Tables 2 and 3
Flops = Mapping[tuple[str, str], int]  # (model, scale) -> multiply-adds of one clip at inference
Rows = list[tuple[str, ...]]
Chosen = Mapping[tuple[str, str], Row]  # (model, arm) -> the row of one rule and fold set
Printed = Mapping[str, Sequence[PrintedRow]]  # model -> its rows in the printed table
More = Callable[[str, str, PrintedRow | None], tuple[str, ...]]


@dataclass(frozen=True)
class Grid:
    """One grid of cells under a heading; the first `left` columns are text, the notes stand below it."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int
    notes: tuple[str, ...] = ()


def printed_grid(
    name: str, columns: tuple[str, ...], rows: Iterable[PrintedRow], values: Sequence[str], notes: Sequence[str]
) -> Grid:
    """The printed rows; the audit's notes stand below, numbered as the marks in the cells."""
    text = tuple((*cells.printed_labels(row), *cells.printed_values(row, values)) for row in rows)
    numbered = tuple(f"<sup>{number}</sup> {note}" for number, note in enumerate(notes, start=1))
    return Grid(f"{name} as printed", columns, text, 2, numbered)


def grid1(one: Measured, rule: str, name: str, paper: Paper) -> Grid:
    """One rule and fold set of Table 1: a row per model and arm; beside it what is printed of the data set."""
    chosen, printed = _chosen(one, rule, name), _printed_beside(one, paper.table1, DATASETS)
    values = [f"{one.setting.title}_{metric}" for metric in METRICS]
    rows: Rows = []
    for model, method in _methods(one, chosen).items():
        beside = dict(_labelled(printed.get(model, [])))
        for arm in _arms(one, beside):
            measured = _measured(one, (model, arm, rule, name), chosen.get((model, arm)))
            there = ("",) * (len(SCORES) * bool(printed))
            if arm in beside:
                there = _printed(beside[arm], printed[model], values)
            rows.append((method, arm, *measured, *there))
    # The heading says what other data are; only a published data set's name may stand at the head of a column.
    title = f"{one.setting.title} " if one.setting.published else ""
    heads = (*(f"{title}{head}" for head in SCORES), *(f"{head} as printed" for head in PRINTED if printed))
    heading, notes = _heading(one, rule, name, chosen), _notes(one, rule, name, chosen)
    return Grid(heading, ("Method", "Arm", "Seeds", *heads), tuple(rows), 2, notes)


def grids2(one: Measured, rule: str, name: str, paper: Paper, flops: Flops) -> list[Grid]:
    """One rule and fold set of Table 2: classes, scores and costs, then the clips behind them if the set has counts."""
    chosen, printed = _chosen(one, rule, name), _printed_beside(one, paper.table2, (PRINTED_2_AND_3,))

    def more(model: str, arm: str, row: PrintedRow | None) -> tuple[str, ...]:
        if row:
            return "", *cells.printed_values(row, ("GFLOPs",))
        return cells.macro_f1(chosen.get((model, arm))), cells.giga(flops.get((model, one.setting.scale)))

    scores = _score_grid(one, rule, name, chosen, printed, ("macro-F1", "GFLOPs"), more)
    return [_class_grid(one, rule, name, chosen, printed), scores, *_counts(one, rule, name, chosen)]


def grids3(one: Measured, rule: str, name: str, paper: Paper) -> list[Grid]:
    """One rule and fold set of Table 3: classes, then scores and how many pairs stand behind them."""
    chosen, printed = _chosen(one, rule, name), _printed_beside(one, paper.table3, (PRINTED_2_AND_3,))

    def more(model: str, arm: str, row: PrintedRow | None) -> tuple[str, ...]:
        found = None if row else one.contrasts.get((model, arm, rule, name))
        return (cells.pairs(found, chosen.get((model, arm))),)

    scores = _score_grid(one, rule, name, chosen, printed, ("Pairs",), more)
    return [_class_grid(one, rule, name, chosen, printed), scores]


def _class_grid(one: Measured, rule: str, name: str, chosen: Chosen, printed: Printed) -> Grid:
    """The seven accuracies."""
    rows: Rows = []
    for model, method, arm, row in _lines(one, chosen, printed):
        if row:
            rows.append((method, arm, "printed", *cells.printed_values(row, EXPRESSIONS)))
        else:
            rows.append((method, arm, "measured", *cells.accuracies(chosen.get((model, arm)))))
    heading = f"Accuracy of each expression: {_heading(one, rule, name, chosen)}"
    return Grid(heading, ("Method", "Arm", "Source", *CLASSES), tuple(rows), 3)


def _score_grid(
    one: Measured, rule: str, name: str, chosen: Chosen, printed: Printed, heads: tuple[str, ...], more: More
) -> Grid:
    """WAR and UAR with their differences to the baseline; `more` gives the cells under `heads`."""
    rows: Rows = []
    for model, method, arm, row in _lines(one, chosen, printed):
        if row:
            scores = ("", *_printed(row, printed[model], METRICS))
        else:
            scores = _measured(one, (model, arm, rule, name), chosen.get((model, arm)))
        rows.append((method, arm, "printed" if row else "measured", *scores, *more(model, arm, row)))
    columns = ("Method", "Arm", "Source", "Seeds", *SCORES, *heads)
    heading = f"WAR and UAR: {_heading(one, rule, name, chosen)}"
    return Grid(heading, columns, tuple(rows), 3, _notes(one, rule, name, chosen))


def _lines(one: Measured, chosen: Chosen, printed: Printed) -> Iterator[tuple[str, str, str, PrintedRow | None]]:
    """Model, method and arm of each row; what is printed of an arm stands above what is measured of it (None)."""
    for model, method in _methods(one, chosen).items():
        beside = dict(_labelled(printed.get(model, [])))
        for arm in _arms(one, beside):
            if arm in beside:
                yield model, method, arm, beside[arm]
            if arm in one.arms:
                yield model, method, arm, None


def _arms(one: Measured, beside: Mapping[str, PrintedRow]) -> tuple[str, ...]:
    """The measured arms, then those that are printed only."""
    return *one.arms, *(arm for arm in beside if arm not in one.arms)


def _labelled(rows: Iterable[PrintedRow]) -> Iterator[tuple[str, PrintedRow]]:
    return ((cells.printed_labels(row)[1], row) for row in rows)


def _counts(one: Measured, rule: str, name: str, chosen: Chosen) -> list[Grid]:
    rows: Rows = []
    for (model, arm), row in chosen.items():
        correct_E, total_E = row.metrics.correct_E, row.metrics.total_E
        if correct_E is not None and total_E is not None:
            pairs = [*zip(correct_E, total_E, strict=True), (sum(correct_E), sum(total_E))]
            rows.append((one.methods[model], arm, *(f"{correct}/{total}" for correct, total in pairs)))
    columns = ("Method", "Arm", *CLASSES, "All")
    heading = f"Right clips / clips: {_heading(one, rule, name, chosen)}"
    return [Grid(heading, columns, tuple(rows), left=2)] if rows else []


def _measured(one: Measured, key: Key, row: Row | None) -> tuple[str, ...]:
    """Seeds, WAR, its difference, UAR, its difference."""
    (war, uar), contrast = cells.war_uar(row), one.contrasts.get(key)
    return cells.seed_count(row), war, cells.gain(contrast, row, "WAR"), uar, cells.gain(contrast, row, "UAR")


def _printed(row: PrintedRow, rows: Iterable[PrintedRow], values: Sequence[str]) -> tuple[str, ...]:
    """WAR, its difference to the printed baseline, UAR, its difference."""
    baseline = next(other for other in rows if other.arm == "baseline")
    (war, uar), gains = cells.printed_values(row, values), cells.printed_gain(row, baseline, values)
    return war, gains[0], uar, gains[1]


def _chosen(one: Measured, rule: str, name: str) -> Chosen:
    return {(row.model, row.arm): row for row in one.rows.values() if (row.rule, row.fold_set) == (rule, name)}


def _methods(one: Measured, chosen: Chosen) -> dict[str, str]:
    """The models that have a row in this grid."""
    return {model: method for model, method in one.methods.items() if any(key[0] == model for key in chosen)}


def _notes(one: Measured, rule: str, name: str, chosen: Chosen) -> tuple[str, ...]:
    """Why pairs are broken, and the models without a row in this grid."""
    broken = [
        f"Broken pair, left out of {one.methods[model]} {arm}: {text}."
        for model, arm in chosen
        if (contrast := one.contrasts.get((model, arm, rule, name)))
        for text in contrast.broken
    ]
    absent = [method for model, method in one.methods.items() if model not in _methods(one, chosen)]
    return (*broken, *([f"Not measured on this fold set with this rule: {', '.join(absent)}."] if absent else []))


def _printed_beside(one: Measured, rows: Iterable[PrintedRow], titles: Collection[str]) -> dict[str, list[PrintedRow]]:
    """Printed rows by model if the setting is measured on a data set of the printed table (by title), else none."""
    found: dict[str, list[PrintedRow]] = defaultdict(list)
    for row in rows:
        if one.setting.published and one.setting.title in titles and row.arm != "reported":
            found[row.model].append(row)
    return {model: found[model] for model in one.methods if model in found}


def _heading(one: Measured, rule: str, fold_set: str, chosen: Chosen) -> str:
    setting, seeds = one.setting, sorted({len(row.seeds) for row in chosen.values()})
    count = plural(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    where = f"{dataset_label(setting)}, {setting.engine} engine, scale {setting.scale}"
    return f"{where}, {fold_set}, {rule_label(rule)}, {count}"
