"""Tables 1, 2 and 3: the paper's rows as printed, the measured rows under the same column heads. Pure functions.

Every number is marked as printed or measured, by its row or by its column, and no number of another data set stands
beside those printed for DFEW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.report import cells
from harness.report.cells import CLASSES
from harness.report.headings import dataset_label, facts, plural, rule_label
from harness.report.measured import (
    ARMS,
    RULES,
    Difference,
    Key,
    Row,
    Setting,
    differences,
    fold_set_order,
    measure_rows,
    order_models,
)
from harness.report.printed import DATASETS, TABLE1_VALUES, TABLE2_VALUES, TABLE3_VALUES, Paper, PrintedRow

METRICS = ("WAR", "UAR")
PRINTED_2_AND_3 = "DFEW"  # the data set of the paper's Tables 2 and 3
Flops = Mapping[tuple[str, str], int]  # (model, scale) -> multiply-adds of one clip at inference


@dataclass(frozen=True)
class Grid:
    """One grid of cells under a heading; the first `left` columns are text, the notes stand below it."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """What was measured in one setting: its facts, then its grids."""

    heading: str
    facts: tuple[str, ...]
    grids: tuple[Grid, ...]


@dataclass(frozen=True)
class Table:
    """One of the three tables: how to read it, the printed grid, one section per setting."""

    number: int
    title: str
    legend: tuple[str, ...]
    printed: Grid
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Measured:
    """A setting with its rows and differences, worked out once for the three tables."""

    setting: Setting
    rows: dict[Key, Row]
    differences: dict[Key, Difference]
    methods: dict[str, str]  # model -> name in the tables, in their order

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms of the setting, in the harness's order; a model without one of them gets a row of missing cells."""
        return tuple(arm for arm in ARMS if any(key[1] == arm for key in self.rows))

    @property
    def grids(self) -> list[tuple[str, str]]:
        """(rule, fold set) of every grid, in order."""
        return [(rule, name) for rule in RULES for name in self.fold_sets(rule)]

    def fold_sets(self, rule: str) -> list[str]:
        """Fold sets that any row of a rule supports."""
        return fold_set_order(key[3] for key in self.rows if key[2] == rule)


def measure_setting(setting: Setting, paper: Paper) -> Measured:
    """Rows, differences and method names of a setting."""
    models = order_models({run.config.model for run in setting.runs}, list(paper.models))
    methods = {model: paper.models.get(model, model) for model in models}
    return Measured(setting, measure_rows(setting, list(paper.models)), differences(setting), methods)


def table1(paper: Paper, measured: Sequence[Measured]) -> Table:
    """Table 1: WAR and UAR on every data set; the measured fold sets stand side by side."""
    columns = ("Method", "Arm", *(name.replace("_", " ") for name in TABLE1_VALUES))
    printed = _printed_grid("Table 1", columns, paper.table1, TABLE1_VALUES, paper.notes.get("table1", ()))
    sections = [_section(one, [_grid1(one, rule, paper) for rule in RULES if one.fold_sets(rule)]) for one in measured]
    legend = _legend(measured, bool(printed.notes), BEST_ARM, REPLICATED, SEVEN, SEEDS)
    return Table(1, "WAR and UAR with and without the AU loss", legend, printed, tuple(sections))


def table2(paper: Paper, measured: Sequence[Measured], flops: Flops) -> Table:
    """Table 2: accuracy of each expression, WAR, UAR, macro-F1 and GFLOPs, with the clips behind each accuracy."""
    columns = ("Method", "Arm", *CLASSES, *METRICS, "GFLOPs")
    printed = _printed_grid("Table 2 (DFEW)", columns, paper.table2, TABLE2_VALUES, paper.notes.get("table2", ()))
    sections = []
    for one in measured:
        grids = [grid for rule, name in one.grids for grid in _grids2(one, rule, name, paper, flops)]
        sections.append(_section(one, grids))
    legend = _legend(measured, bool(printed.notes), BEST_ARM, REPLICATED, UNITS, COUNTS)
    return Table(2, "Accuracy of each expression", legend, printed, tuple(sections))


def table3(paper: Paper, measured: Sequence[Measured]) -> Table:
    """Table 3: the three pos_weight strategies, each with its difference to the baseline of the same fold and seed."""
    columns = ("Method", "Arm", *CLASSES, *METRICS)
    printed = _printed_grid("Table 3 (DFEW)", columns, paper.table3, TABLE3_VALUES, paper.notes.get("table3", ()))
    sections = [_section(one, [_grid3(one, rule, name, paper) for rule, name in one.grids]) for one in measured]
    legend = _legend(measured, bool(printed.notes), STRATEGIES, PAIRS)
    return Table(3, "The three pos_weight strategies against the baseline", legend, printed, tuple(sections))


BEST_ARM = (
    "The paper's AU row holds the best of three strategies and does not say by which rule it was picked; "
    "measured rows show all three: au-global (Eq. 6), au-distinct (Eq. 7), au-minor (Eq. 8)."
)
STRATEGIES = "au-global is Eq. 6, au-distinct Eq. 7, au-minor Eq. 8 of the paper."
REPLICATED = "† in a method's name: the paper's authors replicated it, as they print."
SEVEN = "The paper's MAFW figures of † rows are of seven classes."
SEEDS = "Seeds: how many a row is the mean of; where fold sets differ in it, one count for each, in the columns' order."
UNITS = "Measured GFLOPs count one fused multiply-add as one operation, for one clip at inference."
COUNTS = "Counts are summed over seeds; a mean over folds has no counts of its own, `pooled` has them."
PAIRS = (
    "ΔWAR, ΔUAR: AU arm minus baseline of the same fold and seed, in points; in a printed row, of two printed numbers. "
    "Pairs: how many such pairs stand behind it. "
    "A pair whose runs differ in device, torch, precision, data, recipe or initial weights is broken and left out."
)
SOURCES = (
    "`printed`: copied from arXiv 2507.07678, slips included; the paper states neither fold set nor selection rule. "
    "`measured`: worked out from the stored predictions of finished runs."
)
MARKS = (
    "Raised numbers behind a printed value or method are the audit's: the lines under the printed table say what is "
    "wrong with it; `audfer audit` gives the evidence by the id named there."
)
DASH = "`-` in a printed row: the paper prints nothing; in a measured row: not measured, or no clip of that expression."
PERCENT = "All values are percent, except GFLOPs. *oracle*: the epoch was picked by its score on the test fold."


def _legend(measured: Sequence[Measured], marked: bool, *more: str) -> tuple[str, ...]:
    labels = sorted({dataset_label(one.setting) for one in measured})
    return (f"Measured on: {', '.join(labels)}.", SOURCES, *([MARKS] if marked else []), DASH, PERCENT, *more)


def _printed_grid(
    name: str, columns: tuple[str, ...], rows: Iterable[PrintedRow], values: Sequence[str], notes: Sequence[str]
) -> Grid:
    """The printed rows; the audit's notes stand below, numbered as the marks in the cells."""
    text = tuple((*cells.printed_labels(row), *cells.printed_values(row, values)) for row in rows)
    numbered = tuple(f"<sup>{number}</sup> {note}" for number, note in enumerate(notes, start=1))
    return Grid(f"{name} as printed", columns, text, 2, numbered)


def _section(one: Measured, grids: Iterable[Grid]) -> Section:
    return Section(f"Measured on {dataset_label(one.setting)}", facts(one.setting), tuple(grids))


def _grid1(one: Measured, rule: str, paper: Paper) -> Grid:
    """One rule of Table 1: a row per model and arm, columns for the fold sets, then what is printed of the data set."""
    names, printed = one.fold_sets(rule), _printed_beside(one, paper.table1, DATASETS)
    rows: list[tuple[str, ...]] = []
    for model, method in one.methods.items():
        beside = {cells.printed_labels(row)[1]: _printed_pair(one, row) for row in printed.get(model, [])}
        for arm in (*one.arms, *(arm for arm in beside if arm not in one.arms)):
            found = [one.rows.get((model, arm, rule, name)) for name in names]
            measured = [cells.seed_counts(found), *(cell for row in found for cell in cells.war_uar(row))]
            rows.append((method, arm, *measured, *beside.get(arm, ("",) * (2 * bool(printed)))))
    # The heading above says what other data are; only a published data set's name may stand at the head of a column.
    title = f"{one.setting.title} " if one.setting.published else ""
    heads = [f"{title}{metric}, {name}" for name in names for metric in METRICS]
    heads += [f"{metric} as printed" for metric in METRICS if printed]
    heading = _heading(one, rule, "; ".join(names), [row for row in one.rows.values() if row.rule == rule])
    return Grid(heading, ("Method", "Arm", "Seeds", *heads), tuple(rows), left=2)


def _printed_pair(one: Measured, row: PrintedRow) -> tuple[str, ...]:
    return cells.printed_values(row, [f"{one.setting.title}_{metric}" for metric in METRICS])


def _grids2(one: Measured, rule: str, name: str, paper: Paper, flops: Flops) -> list[Grid]:
    """One rule and fold set of Table 2: percentages, then the clips behind them where the fold set has counts."""
    chosen, printed = _chosen(one, rule, name), _printed_beside(one, paper.table2, (PRINTED_2_AND_3,))
    rows: list[tuple[str, ...]] = []
    for model, method in _methods(one, chosen).items():
        for row in printed.get(model, []):
            *values, cost = cells.printed_values(row, TABLE2_VALUES)
            rows.append((method, cells.printed_labels(row)[1], "printed", "", *values, "", cost))
        cost = cells.giga(flops.get((model, one.setting.scale)))
        for arm in one.arms:
            found = chosen.get((model, arm))
            values = [cells.seed_count(found), *cells.scores(found), cells.macro_f1(found)]
            rows.append((method, arm, "measured", *values, cost))
    heading = _heading(one, rule, name, chosen.values())
    columns = ("Method", "Arm", "Source", "Seeds", *CLASSES, *METRICS, "macro-F1", "GFLOPs")
    return [Grid(heading, columns, tuple(rows), 3, _absent(one, chosen)), *_counts(one, heading, chosen)]


def _counts(one: Measured, heading: str, chosen: Mapping[tuple[str, str], Row]) -> list[Grid]:
    rows = []
    for (model, arm), row in chosen.items():
        correct_E, total_E = row.metrics.correct_E, row.metrics.total_E
        if correct_E is not None and total_E is not None:
            pairs = [*zip(correct_E, total_E, strict=True), (sum(correct_E), sum(total_E))]
            rows.append((one.methods[model], arm, *(f"{correct}/{total}" for correct, total in pairs)))
    columns = ("Method", "Arm", *CLASSES, "All")
    return [Grid(f"Right clips / clips: {heading}", columns, tuple(rows), left=2)] if rows else []


def _grid3(one: Measured, rule: str, name: str, paper: Paper) -> Grid:
    """One rule and fold set of Table 3: each strategy, printed above measured, with its difference to the baseline."""
    chosen, printed = _chosen(one, rule, name), _printed_beside(one, paper.table3, (PRINTED_2_AND_3,))
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for model, method in _methods(one, chosen).items():
        beside = {row.arm: row for row in printed.get(model, [])}
        for arm in one.arms:
            if arm in beside:
                values = cells.printed_values(beside[arm], TABLE3_VALUES)
                rows.append(
                    (method, arm, "printed", "", *values, *cells.printed_gain(beside[arm], beside["baseline"]), "")
                )
            row, difference = chosen.get((model, arm)), one.differences.get((model, arm, rule, name))
            gain = cells.gain(difference, row)
            rows.append((method, arm, "measured", cells.seed_count(row), *cells.scores(row), *gain))
            notes += [
                f"Broken pair, left out of {method} {arm}: {text}."
                for text in (difference.broken if difference else ())
            ]
    columns = ("Method", "Arm", "Source", "Seeds", *CLASSES, *METRICS, "ΔWAR", "ΔUAR", "Pairs")
    return Grid(_heading(one, rule, name, chosen.values()), columns, tuple(rows), 3, (*notes, *_absent(one, chosen)))


def _chosen(one: Measured, rule: str, name: str) -> dict[tuple[str, str], Row]:
    return {(row.model, row.arm): row for row in one.rows.values() if (row.rule, row.fold_set) == (rule, name)}


def _methods(one: Measured, chosen: Mapping[tuple[str, str], Row]) -> dict[str, str]:
    """The models that have a row in this grid."""
    return {model: method for model, method in one.methods.items() if any(key[0] == model for key in chosen)}


def _absent(one: Measured, chosen: Mapping[tuple[str, str], Row]) -> tuple[str, ...]:
    """A note that names the models without a row in this grid."""
    absent = [method for model, method in one.methods.items() if model not in _methods(one, chosen)]
    return (f"Not measured on this fold set with this rule: {', '.join(absent)}.",) if absent else ()


def _printed_beside(one: Measured, rows: Iterable[PrintedRow], titles: Collection[str]) -> dict[str, list[PrintedRow]]:
    """Printed rows by model if the setting is measured on a data set of the printed table (by title), else none."""
    found: dict[str, list[PrintedRow]] = defaultdict(list)
    for row in rows:
        if one.setting.published and one.setting.title in titles and row.arm != "reported":
            found[row.model].append(row)
    return {model: found[model] for model in one.methods if model in found}


def _heading(one: Measured, rule: str, fold_sets: str, rows: Iterable[Row]) -> str:
    setting, seeds = one.setting, sorted({len(row.seeds) for row in rows})
    count = plural(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    where = f"{dataset_label(setting)}, {setting.engine} engine, scale {setting.scale}"
    return f"{where}, {fold_sets}, {rule_label(rule)}, {count}"
