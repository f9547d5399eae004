"""One cell of a table at a time. Shares become percent here and nowhere before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from harness.analysis.stats import IMPROVES, NO_EVIDENCE, WORSENS, Effect
from harness.au.units import EXPRESSIONS
from harness.report.measured import Row
from harness.report.pairs import NO_PAIR, Contrast
from harness.report.printed import PrintedRow

MISSING = "-"
MARKS = {IMPROVES: "↑", WORSENS: "↓", NO_EVIDENCE: "○", NO_PAIR: "✗"}
"""What stands behind a difference, by the verdict's word."""
CLASSES = tuple(f"{name[:3].capitalize()}." for name in EXPRESSIONS)


def printed_labels(row: PrintedRow) -> tuple[str, str]:
    """Method with its citation (and dagger), and the arm."""
    arm = {"reported": "", "au": "AU, best of three"}.get(row.arm, row.arm)
    return f"{row.method} [{row.cite}]{' †' if row.replicated else ''}{mark(row, 'method')}", arm


def printed_values(row: PrintedRow, values: Iterable[str]) -> tuple[str, ...]:
    """The printed digits, untouched, with the audit's marks behind them."""
    return tuple(f"{row.values[name] or MISSING}{mark(row, name)}" for name in values)


def mark(row: PrintedRow, column: str) -> str:
    """The numbers of the footnotes on a cell, raised; empty without any."""
    numbers = ",".join(map(str, row.marks.get(column, ())))
    return f"<sup>{numbers}</sup>" if numbers else ""


def printed_gain(row: PrintedRow, baseline: PrintedRow, values: Iterable[str]) -> tuple[str, ...]:
    """What a printed row has more than the printed baseline; empty for the baseline itself."""
    pairs = [(row.values[name], baseline.values[name]) for name in values]
    known = [row is not baseline and mine != "" and base != "" for mine, base in pairs]
    return tuple(
        f"{Decimal(mine) - Decimal(base):+}" if there else "" for (mine, base), there in zip(pairs, known, strict=True)
    )


def gain(contrast: Contrast | None, row: Row | None, metric: str) -> str:
    """`+1.25 [-0.50, 3.00] ○`: difference, interval, mark; what broke where no pair is whole; empty for a baseline."""
    if row is None:
        return MISSING
    if contrast is None:
        return ""
    judged = contrast.war if metric == "WAR" else contrast.uar
    if judged is None:
        return f"{MARKS[NO_PAIR]} broken: {'; '.join(sorted({text.partition(' (')[0] for text in contrast.broken}))}"
    return f"{with_interval(judged.effect)} {MARKS[judged.verdict]}"


def with_interval(effect: Effect) -> str:
    """`+1.25 [-0.50, 3.00]`, in points."""
    return f"{points(effect.difference)} [{percent(effect.low)}, {percent(effect.high)}]"


def pairs(contrast: Contrast | None, row: Row | None) -> str:
    """How many whole pairs there are, and of how many; empty for a baseline."""
    if row is None or contrast is None:
        return MISSING if row is None else ""
    whole, asked = len(contrast.seeds) * len(row.folds), len(row.seeds) * len(row.folds)
    return str(whole) if whole == asked else f"{whole} of {asked}"


def war_uar(row: Row | None) -> tuple[str, str]:
    """WAR and UAR in percent."""
    return (percent(row.metrics.war), percent(row.metrics.uar)) if row else (MISSING, MISSING)


def macro_f1(row: Row | None) -> str:
    """Macro-F1 in percent."""
    return percent(row.metrics.macro_f1) if row else MISSING


def accuracies(row: Row | None) -> tuple[str, ...]:
    """The seven accuracies in percent."""
    return tuple(map(percent, row.metrics.accuracy_E)) if row else (MISSING,) * len(CLASSES)


def seed_count(row: Row | None) -> str:
    """How many seeds a row is the mean of."""
    return str(len(row.seeds)) if row else MISSING


def percent(share: float) -> str:
    """`68.42`; a dash for NaN, and never `-0.00`."""
    return MISSING if math.isnan(share) else f"{round(100 * share, 2) + 0.0:.2f}"


def points(share: float) -> str:
    """`+1.20`, and never `-0.00`."""
    return f"{round(100 * share, 2) + 0.0:+.2f}"


def giga(multiply_adds: int | None) -> str:
    """`1.66`; three digits below one."""
    if multiply_adds is None:
        return MISSING
    return f"{multiply_adds / 1e9:.2f}" if multiply_adds >= 1e9 else f"{multiply_adds / 1e9:.3g}"
