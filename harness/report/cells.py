"""One cell of a table at a time. Shares become percent here and nowhere before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from harness.au.units import EXPRESSIONS
from harness.report.measured import Difference, Row
from harness.report.printed import PrintedRow

MISSING = "-"
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


def printed_gain(row: PrintedRow, baseline: PrintedRow) -> tuple[str, str]:
    """WAR and UAR of a printed row minus those of the printed baseline; empty for the baseline itself."""
    if row.arm == "baseline":
        return "", ""
    war, uar = (f"{Decimal(row.values[name]) - Decimal(baseline.values[name]):+}" for name in ("WAR", "UAR"))
    return war, uar


def gain(difference: Difference | None, row: Row | None) -> tuple[str, str, str]:
    """ΔWAR, ΔUAR and the number of pairs behind them; what broke where no pair is whole; empty for a baseline."""
    if row is None:
        return MISSING, MISSING, MISSING
    if difference is None:
        return "", "", ""
    whole, asked = len(difference.seeds) * len(row.folds), len(row.seeds) * len(row.folds)
    pairs = str(whole) if whole == asked else f"{whole} of {asked}"
    if not difference.seeds:
        reason = "broken: " + "; ".join(sorted({text.partition(" (")[0] for text in difference.broken}))
        return reason, reason, pairs
    return points(difference.war), points(difference.uar), pairs


def war_uar(row: Row | None) -> tuple[str, str]:
    """WAR and UAR in percent."""
    return (percent(row.metrics.war), percent(row.metrics.uar)) if row else (MISSING, MISSING)


def macro_f1(row: Row | None) -> str:
    """Macro-F1 in percent."""
    return percent(row.metrics.macro_f1) if row else MISSING


def scores(row: Row | None) -> tuple[str, ...]:
    """The seven accuracies, WAR and UAR in percent."""
    if row is None:
        return (MISSING,) * (len(CLASSES) + 2)
    return (*map(percent, row.metrics.accuracy_E), *war_uar(row))


def seed_count(row: Row | None) -> str:
    """How many seeds a row is the mean of."""
    return str(len(row.seeds)) if row else MISSING


def seed_counts(rows: Sequence[Row | None]) -> str:
    """One count if all fold sets have the same, else one for each, in order."""
    counts = [seed_count(row) for row in rows]
    return counts[0] if len(set(counts)) == 1 else "/".join(counts)


def percent(share: float) -> str:
    """`68.42`; a dash for NaN."""
    return MISSING if math.isnan(share) else f"{100 * share:.2f}"


def points(share: float) -> str:
    """`+1.20`, and never `-0.00`."""
    return f"{round(100 * share, 2) + 0.0:+.2f}"


def giga(multiply_adds: int | None) -> str:
    """`1.66`; three digits below one."""
    if multiply_adds is None:
        return MISSING
    return f"{multiply_adds / 1e9:.2f}" if multiply_adds >= 1e9 else f"{multiply_adds / 1e9:.3g}"
