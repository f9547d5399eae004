"""Tables 1, 2 and 3: the paper's rows as printed, the measured rows under the same column heads. Pure functions.

Every number is marked as printed or measured, by its row or by its column, and no number of another data set stands
beside those printed for DFEW.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.stats import IMPROVES, NO_EVIDENCE, WORSENS
from harness.report import cells
from harness.report.cells import CLASSES
from harness.report.compared import Measured
from harness.report.grids import METRICS, Flops, Grid, grid1, grids2, grids3, printed_grid
from harness.report.headings import dataset_label, facts
from harness.report.pairs import NO_PAIR
from harness.report.printed import TABLE1_VALUES, TABLE2_VALUES, TABLE3_VALUES, Paper


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


def table1(paper: Paper, measured: Sequence[Measured]) -> Table:
    """Table 1: WAR and UAR on every data set; a grid for each rule and fold set."""
    columns = ("Method", "Arm", *(name.replace("_", " ") for name in TABLE1_VALUES))
    printed = printed_grid("Table 1", columns, paper.table1, TABLE1_VALUES, paper.notes.get("table1", ()))
    sections = [_section(one, [grid1(one, rule, name, paper) for rule, name in one.grids]) for one in measured]
    legend = _legend(measured, bool(printed.notes), BEST_ARM, REPLICATED, SEVEN, DIFFERENCES, VERDICTS, SEEDS)
    return Table(1, "WAR and UAR with and without the AU loss", legend, printed, tuple(sections))


def table2(paper: Paper, measured: Sequence[Measured], flops: Flops) -> Table:
    """Table 2: accuracy of each expression, WAR, UAR, macro-F1 and GFLOPs, with the clips behind each accuracy."""
    columns = ("Method", "Arm", *CLASSES, *METRICS, "GFLOPs")
    printed = printed_grid("Table 2 (DFEW)", columns, paper.table2, TABLE2_VALUES, paper.notes.get("table2", ()))
    sections = []
    for one in measured:
        grids = [grid for rule, name in one.grids for grid in grids2(one, rule, name, paper, flops)]
        sections.append(_section(one, grids))
    legend = _legend(
        measured, bool(printed.notes), BEST_ARM, REPLICATED, DIFFERENCES, VERDICTS, CLASS_INTERVALS, UNITS, COUNTS
    )
    return Table(2, "Accuracy of each expression", legend, printed, tuple(sections))


def table3(paper: Paper, measured: Sequence[Measured]) -> Table:
    """Table 3: the three pos_weight strategies, each with its difference to the baseline of the same fold and seed."""
    columns = ("Method", "Arm", *CLASSES, *METRICS)
    printed = printed_grid("Table 3 (DFEW)", columns, paper.table3, TABLE3_VALUES, paper.notes.get("table3", ()))
    grids = [[grid for rule, name in one.grids for grid in grids3(one, rule, name, paper)] for one in measured]
    sections = [_section(one, several) for one, several in zip(measured, grids, strict=True)]
    legend = _legend(measured, bool(printed.notes), STRATEGIES, DIFFERENCES, VERDICTS, CLASS_INTERVALS, PAIRS)
    return Table(3, "The three pos_weight strategies against the baseline", legend, printed, tuple(sections))


BEST_ARM = (
    "The paper's AU row holds the best of three strategies and does not say by which rule it was picked; "
    "measured rows show all three: au-global (Eq. 6), au-distinct (Eq. 7), au-minor (Eq. 8)."
)
STRATEGIES = "au-global is Eq. 6, au-distinct Eq. 7, au-minor Eq. 8 of the paper."
REPLICATED = "† in a method's name: the paper's authors replicated it, as they print."
SEVEN = "The paper's MAFW figures of † rows are of seven classes."
SEEDS = "Seeds: how many a row is the mean of."
CLASS_INTERVALS = "Differences of single expressions and their intervals stand in the csv file; they have no verdict."
UNITS = "Measured GFLOPs count one fused multiply-add as one operation, for one clip at inference."
COUNTS = "Counts are summed over seeds; a mean over folds has no counts of its own, `pooled` has them."
DIFFERENCES = (
    "ΔWAR, ΔUAR: AU arm minus baseline of the same fold and seed, in points, with the 95 % interval of a paired "
    "bootstrap over clips; of printed numbers, the plain difference. A pair whose runs differ in device, torch, "
    "precision, data, recipe, initial weights, number of processes, clips or labels is broken and left out."
)
VERDICTS = (
    f"Behind a difference: {cells.MARKS[IMPROVES]} improves, {cells.MARKS[WORSENS]} worsens, "
    f"{cells.MARKS[NO_EVIDENCE]} no evidence of either (5 %, corrected by Holm over all verdicts of the same rule and "
    f"fold set; `verdicts.md` has p, basis and the smallest effect that could have been shown); "
    f"{cells.MARKS[NO_PAIR]} no whole pair, nothing can be said. An interval is of one difference, not corrected. "
    "Of printed numbers nothing can be said."
)
PAIRS = "Pairs: how many whole pairs stand behind a difference."
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


def _section(one: Measured, grids: Iterable[Grid]) -> Section:
    return Section(f"Measured on {dataset_label(one.setting)}", facts(one.setting), tuple(grids))
