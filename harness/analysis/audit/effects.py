"""How large a claimed effect is, from the counts of correct clips alone: the clips' own predictions are not published.

Two arms classify the same clips. b clips are right only in the second arm, c only in the first; b - c is printed, b + c
is not. Everything here is exact for every pairing that the counts per class allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil, floor
from typing import Any

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import TAKEN
from harness.analysis.audit.proportion import clopper_pearson
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table

Counts = Mapping[str, int]  # class (or `all`) -> clips
Span = tuple[int, int]  # the fewest and the most
BASELINE = "baseline"
LEVEL = 0.95
ALPHA = 0.05


@dataclass(frozen=True)
class Pair:
    """Correct clips per class of a baseline and of an arm on the same test clips, in one row of a table.

    sizes: the clips per class; with WAR alone there is one class, `all`. column: where it stands, if the row has more
    than one data set. spread: where a cell fits more than one number of clips, the fewest and the most of the baseline
    and of the arm; `baseline` and `arm` then hold one between.
    """

    table: str
    row: str
    baseline_row: str
    basis: str
    baseline: Counts
    arm: Counts
    sizes: Counts
    column: str = ""
    spread: Mapping[str, tuple[Span, Span]] = field(default_factory=dict)

    def corners(self) -> tuple[Pair, Pair]:
        """The pair with the smallest and with the largest gain that the spread allows, both without a spread."""
        spans = {
            name: self.spread.get(name, ((self.baseline[name],) * 2, (self.arm[name],) * 2)) for name in self.sizes
        }
        worst, best = ((1, 0), (0, 1))
        least, most = (
            replace(
                self,
                baseline={name: base[one] for name, (base, _) in spans.items()},
                arm={name: arm[two] for name, (_, arm) in spans.items()},
                spread={},
            )
            for one, two in (worst, best)
        )
        return least, most


@dataclass(frozen=True)
class Discordant:
    """Clips that only the arm has right, and that only the baseline has right."""

    arm: int
    baseline: int

    @property
    def p(self) -> float:
        """Two-sided exact p of McNemar's test: both kinds are equally likely if the arms are equally good."""
        return mcnemar(self.arm, self.baseline)


def effects(pairs: Sequence[Pair]) -> list[Finding]:
    """The effect of every pair; Holm's correction takes the pairs given as its family.

    Holm's adjusted p grows with every p of the family, so adjusting all the smallest gives the smallest adjusted p that
    any pairings allow, and likewise the largest.
    """
    ends = [p_bounds(pair) for pair in pairs]
    least, most = holm([low.p for low, _ in ends]), holm([high.p for _, high in ends])
    return [_finding(*one, len(pairs)) for one in zip(pairs, ends, least, most, strict=True)]


def table_pairs(
    table: Table,
    counts: Mapping[int, Mapping[str, Mapping[str, int | Span]]],
    sizes: FoldSizes,
    bases: Sequence[str] = (),
) -> list[Pair]:
    """Every arm beside the baseline of its method, on the first basis on which both rows are recovered.

    counts: by row number, by basis, the correct clips per class, or the fewest and the most; a basis without all
    classes is passed over. bases: the order to try; by default the baseline's. Counts on `mean-of-folds` are sums over
    the folds and are taken as of all test clips: each clip is tested once, by the model of its fold.
    """
    pairs = []
    for base, row in _arms(table):
        before, after = counts.get(base.number, {}), counts.get(row.number, {})
        both = [basis for basis in (bases or before) if basis in before and basis in after]
        shared = [basis for basis in both if set(sizes.classes) <= set(before[basis]) & set(after[basis])]
        if shared:
            spans = {name: (_span(before[shared[0]][name]), _span(after[shared[0]][name])) for name in sizes.classes}
            pairs.append(
                Pair(
                    table.name,
                    row.name,
                    base.name,
                    shared[0],
                    {name: sum(one) // 2 for name, (one, _) in spans.items()},
                    {name: sum(two) // 2 for name, (_, two) in spans.items()},
                    _sizes(sizes, shared[0]),
                    spread={name: both for name, both in spans.items() if any(low < high for low, high in both)},
                )
            )
    return pairs


def war_pairs(table: Table, totals: Mapping[str, Mapping[str, int]]) -> list[Pair]:
    """The same from WAR alone. totals: by column, by basis, test clips that WAR may be a share of, in the order to try.

    A total counts if one number of clips, and only one, rounds to the printed WAR of either row.
    """
    pairs = []
    for base, row in _arms(table):
        for column in (column for column in totals if column in base.cells and column in row.cells):
            for basis, total in totals[column].items():
                one, two = (correct_clips(cells[column], total) for cells in (base.cells, row.cells))
                if len(one) == len(two) == 1:
                    pairs.append(Pair(table.name, row.name, base.name, basis, {"all": one[0]}, {"all": two[0]},
                                      {"all": total}, column))  # fmt: skip
                    break
    return pairs


def correct_clips(cell: Cell, total: int) -> list[int]:
    """Every k for which k of `total` rounds to the printed per cent."""
    return list(range(max(ceil(cell.low * total / 100), 0), min(floor(cell.high * total / 100), total) + 1))


def p_bounds(pair: Pair) -> tuple[Discordant, Discordant]:
    """The discordant clips of the smallest and of the largest p that the counts, and their spread, allow.

    p falls with the clips of the arm ahead and grows with those of the other, so that its ends are at the ends of the
    spread; but if the gain may be nought p may be 1.
    """
    corners = pair.corners()
    found = [discordant_bounds(corner) for corner in corners]
    low = min((low for low, _ in found), key=lambda one: one.p)
    high = max((high for _, high in found), key=lambda one: one.p)
    gains = [sum(corner.arm.values()) - sum(corner.baseline.values()) for corner in corners]
    if gains[0] < 0 < gains[1]:
        even = min(high.arm, high.baseline)
        high = Discordant(even, even)
    return low, high


def discordant_bounds(pair: Pair) -> tuple[Discordant, Discordant]:
    """The fewest and the most clips on which the two arms can disagree.

    In a class of n clips with k right in the baseline and k' in the arm, c clips lost make b = c + k' - k gained. c is
    at least max(0, k - k'), and at most min(k, n - k'): lost clips were right, and are wrong now. Every value between
    is possible, and the classes are free of one another. So b - c is fixed, and b + c runs from the sum of |k' - k| in
    steps of two; with WAR alone from |b - c|.
    """
    low, high = Discordant(0, 0), Discordant(0, 0)
    for name, n in pair.sizes.items():
        before, after = pair.baseline[name], pair.arm[name]
        if not (0 <= before <= n and 0 <= after <= n):
            raise ValueError(f"{pair.row}: {before} and {after} of {n} clips of {name}")
        least, most = max(0, before - after), min(before, n - after)
        low = Discordant(low.arm + least + after - before, low.baseline + least)
        high = Discordant(high.arm + most + after - before, high.baseline + most)
    return low, high


def discordant_limit(pair: Pair) -> int | None:
    """The most discordant clips, b + c, for which p is below ALPHA, of those that the counts allow; None if none is."""
    low, high = discordant_bounds(pair)
    if low.p >= ALPHA:
        return None
    steps = high.arm - low.arm
    least, most = 0, steps  # p grows with the steps (`mcnemar`): halve
    while least < most:
        middle = (least + most + 1) // 2
        within = Discordant(low.arm + middle, low.baseline + middle).p < ALPHA
        least, most = (middle, most) if within else (least, middle - 1)
    return low.arm + low.baseline + 2 * least


@lru_cache(maxsize=4096)
def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p: twice the chance of at most min(b, c) heads in b + c throws of a fair coin, at most 1.

    With b - c fixed it grows with b + c: two more throws move the difference outward or inward by two with the same
    chance, and there are no fewer sequences further in. So the fewest and the most discordant clips give its bounds.
    """
    throws = gained + lost
    term = tail = 1
    for heads in range(min(gained, lost)):
        term = term * (throws - heads) // (heads + 1)
        tail += term
    return min(1.0, 2 * tail / 2**throws)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: the k-th smallest of m times m - k + 1, never below the one before, at most 1."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def difference_interval(pair: Pair, level: float = LEVEL) -> tuple[float, float]:
    """Interval of arm less baseline in points, whatever the pairing: at least `level`, by Bonferroni.

    Exact (Clopper-Pearson) intervals of both accuracies, each at half the error; the difference lies between their
    outermost differences unless one of them misses. No independence is needed, so it is wide.
    """
    total, error = sum(pair.sizes.values()), (1 - level) / 2
    least, most = (
        [clopper_pearson(sum(counts.values()), total, error) for counts in (corner.arm, corner.baseline)]
        for corner in pair.corners()
    )
    return 100 * (least[0][0] - least[1][1]), 100 * (most[0][1] - most[1][0])


def paired_interval(discordant: Discordant, total: int, level: float = LEVEL) -> tuple[float, float]:
    """The same if the discordant clips are known: exact intervals of the shares gained and lost, by Bonferroni."""
    error = (1 - level) / 2
    gained, lost = (clopper_pearson(k, total, error) for k in (discordant.arm, discordant.baseline))
    return 100 * (gained[0] - lost[1]), 100 * (gained[1] - lost[0])


def _arms(table: Table) -> list[tuple[Row, Row]]:
    """Baseline and arm of every pair of a table."""
    bases = {row.method: row for row in table.rows if row.arm == BASELINE}
    arms = [row for row in table.rows if row.arm not in (*TAKEN, BASELINE) and row.method in bases]
    return [(bases[row.method], row) for row in arms]


def _span(count: int | Span) -> Span:
    return (count, count) if isinstance(count, int) else count


def _sizes(sizes: FoldSizes, basis: str) -> dict[str, int]:
    fold = basis.removeprefix("fold")
    counts = sizes.sizes[int(fold)] if fold.isdecimal() else sizes.pooled
    return dict(zip(sizes.classes, counts, strict=True))


def _finding(pair: Pair, ends: tuple[Discordant, Discordant], least: float, most: float, family: int) -> Finding:
    before, after, total = (sum(counts.values()) for counts in (pair.baseline, pair.arm, pair.sizes))
    low, high = difference_interval(pair)
    gains = [sum(corner.arm.values()) - sum(corner.baseline.values()) for corner in pair.corners()]
    apart = f", {gains[0]:+d} to {gains[1]:+d} by the rounding" if pair.spread else ""
    clear, limit = paired_interval(ends[0], total), discordant_limit(pair)
    if limit is None:
        where = f"uncorrected below {ALPHA:g} for no number of clips on which the arms differ"
    else:
        where = f"uncorrected below {ALPHA:g} only if they differ on at most {limit} clips, {limit / total:.1%}"
    return Finding(
        "effect",
        pair.table,
        pair.row,
        pair.column or "WAR",
        f"{pair.row}: {after} clips right instead of {before}, {after - before:+d} of {total} ({pair.basis}{apart}); "
        f"p from {ends[0].p:.2g} to {ends[1].p:.2g} as the arms' errors coincide, with Holm's correction over {family} "
        f"{least:.2g} to {most:.2g}: {_verdict(least, most)}; {where}. {LEVEL:.0%} interval {low:+.2f} to {high:+.2f} "
        f"points, with the fewest clips that differ {clear[0]:+.2f} to {clear[1]:+.2f}.",
        printed=f"{100 * after / total:.2f}",
        derived=f"{after - before:+d} clips",
        basis=pair.basis,
        evidence={
            "baseline": pair.baseline_row,
            "correct": {"baseline": before, "arm": after, "clips": total},
            "gain": gains,
            "spread": {name: [list(span) for span in both] for name, both in pair.spread.items()},
            "classes": _classes(pair),
            "discordant": {"fewest": [ends[0].arm, ends[0].baseline], "most": [ends[1].arm, ends[1].baseline]},
            "most_discordant_with_p_below_alpha": limit,
            "alpha": ALPHA,
            "p": [ends[0].p, ends[1].p],
            "p_holm": [least, most],
            "family": family,
            "interval_points": [low, high],
            "interval_points_fewest_discordant": list(clear),
        },
    )


def _verdict(least: float, most: float) -> str:
    if most < ALPHA:
        return "an effect, however the errors coincide"
    if least >= ALPHA:
        return "within chance, however the errors coincide"
    return "an effect or none: the counts alone do not decide"


def _classes(pair: Pair) -> dict[str, dict[str, Any]]:
    """Counts per class, each with the bounds of its own p (not corrected)."""
    found = {}
    for name, n in pair.sizes.items():
        spread = {name: pair.spread[name]} if name in pair.spread else {}
        counts = {name: pair.baseline[name]}, {name: pair.arm[name]}, {name: n}
        low, high = p_bounds(Pair("", name, "", "", *counts, spread=spread))
        found[name] = {"baseline": pair.baseline[name], "arm": pair.arm[name], "clips": n, "p": [low.p, high.p]}
    return found
