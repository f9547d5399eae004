"""GRIM (Brown and Heathers 2017): is a printed percentage a rounded k/n at all, with which k, and how likely by chance.

On a basis of one fold a recall is k/n. On the mean over folds it is a mean of k_f/n_f; folds of one size n go together,
as only the sum of their k counts. Where sizes differ much there are so many sums that every printed value is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice
from math import ceil, floor, lcm, prod

from harness.analysis.audit.basis import WHOLE, Basis, Interval, Span, bases, printed, unknown
from harness.analysis.audit.table import Cell, FoldSizes

MANY = 40
"""Solutions of one cell that are told apart; with more, any value of its interval is taken as possible."""

TRIED = 20_000
"""Sums over folds that are tried for one cell; with more to try, any value is taken as possible."""

SAMPLE = 100
"""Printed values tried for the chance of a fit on a mean over folds of several sizes."""


@lru_cache(maxsize=1 << 16)
def spans(recall: Interval, basis: Basis, place: int) -> tuple[Span, ...]:
    """The recalls of class `place` within an interval that whole numbers of clips can give; empty if there is none."""
    recall = recall.inside(WHOLE)
    if recall.low > recall.high:
        return ()
    column = basis.columns[place]
    found = list(islice(_solutions(recall, column), MANY + 1)) if _few(recall, column) else [()] * (MANY + 1)
    if len(found) > MANY:
        return (unknown(basis, place, recall),)
    if len(column) == 1:
        recalls = [(Fraction(k, column[0]), k) for (k,) in found]
        return tuple(Span(recall, recall, Fraction(0), Fraction(0), k) for recall, k in recalls)
    return tuple(_span(basis, place, counts) for counts in found)


def integer_solutions(cell: Cell, n: int) -> range:
    """All k with k/n, in per cent, rounding to the cell."""
    low, high = printed(cell).inside(WHOLE)
    return range(ceil(low * n), floor(high * n) + 1)


def fits(cell: Cell, column: Sequence[int]) -> bool:
    """Whether the mean over folds of k_f/n_f, n_f the numbers of `column`, can round to the cell."""
    return _any(printed(cell).inside(WHOLE), tuple(column))


@lru_cache(maxsize=4096)
def chance(decimals: int, column: tuple[int, ...]) -> float:
    """The share of the printable values 0, ..., 100 with so many decimals that are a mean of k_f/n_f.

    Exact where all folds have one size: with n clips in all, k/n and (k+1)/n are further apart than one unit while n is
    below the number of units, so each k has a print of its own, and two where it lies half-way between them. On several
    sizes: of evenly spaced printable values.
    """
    units, n = 100 * 10**decimals, sum(column)
    if len(set(column)) == 1:
        return 1.0 if n >= units else (n + 1 + _halves(units, n)) / (units + 1)
    step = max(1, units // SAMPLE)
    values = range(step // 2, units + 1, step)
    half = Fraction(1, 2 * units)
    there = [_any(Interval(Fraction(v, units) - half, Fraction(v, units) + half).inside(WHOLE), column) for v in values]
    return sum(there) / len(there)


@dataclass(frozen=True)
class WarFit:
    """WAR as a share k/N of a test fold: the basis, how many clips N lost against its list, and the fit.

    clips: the fewest and the most right clips that round to the print, None if none do, or if they differ by fold.
    chance: how likely any printed value fits. classes: those that were counted, if not all.
    """

    basis: str
    total: int
    lost: int
    fits: bool
    clips: tuple[int, int] | None
    chance: float
    classes: tuple[str, ...] = ()


def war_fits(cell: Cell, sizes: FoldSizes, lost: int = 0) -> tuple[WarFit, ...]:
    """WAR against the total of each basis; on a single fold also with 1 to `lost` clips fewer than the list has.

    WAR is the share of right clips, so it is a rounded k/N whatever the classes were. If it fits N - 1 and not N, a
    line of the test list was lost, as by a reader that takes the first line of a list without header for one.
    """
    found = []
    for basis in bases(sizes):
        single = basis.name.startswith("fold")
        found += [_war_fit(cell, basis.name, basis.totals, fewer) for fewer in range(lost + 1 if single else 1)]
    return tuple(found)


def subset_fits(cell: Cell, sizes: FoldSizes, size: int) -> tuple[WarFit, ...]:
    """WAR against every choice of `size` of the classes, for tables that do not say which they count.

    On every fold and pooled; on a mean over several folds nearly every print fits, so it would say nothing.
    The sum of the chances is the number of fits to expect of any printed value; unless those found are far more, which
    classes were counted cannot be told from WAR.
    """
    single = [(f"fold{fold}", counts) for fold, counts in sizes.sizes.items()]
    single += [("pooled", sizes.pooled)] if len(single) > 1 else []
    found, of_total = [], {}
    for chosen in combinations(range(len(sizes.classes)), size):
        classes = tuple(sizes.classes[place] for place in chosen)
        for name, counts in single:
            total = sum(counts[place] for place in chosen)
            if total not in of_total:  # thousands of choices have a few hundred totals
                of_total[total] = _war_fit(cell, name, (total,), 0)
            fit = of_total[total]
            found.append(WarFit(name, total, 0, fit.fits, fit.clips, fit.chance, classes))
    return tuple(found)


def decimals_of(cell: Cell) -> int:
    """Digits behind the point."""
    return len(cell.text.partition(".")[2])


def _war_fit(cell: Cell, name: str, totals: tuple[int, ...], lost: int) -> WarFit:
    column = (totals[0] - lost,) if len(totals) == 1 else totals
    counts = integer_solutions(cell, column[0]) if len(column) == 1 else range(0)
    there = bool(counts) if len(column) == 1 else fits(cell, column)
    clips = (counts[0], counts[-1]) if counts else None
    return WarFit(name, sum(column), lost, there, clips, chance(decimals_of(cell), column))


def _halves(units: int, n: int) -> int:
    """How many k of 0..n have k/n half-way between two printable values: 2 k units / n odd."""
    ratio = Fraction(2 * units, n)
    return 0 if ratio.numerator % 2 == 0 else (n // ratio.denominator + 1) // 2


@lru_cache(maxsize=1 << 16)
def _any(recall: Interval, column: tuple[int, ...]) -> bool:
    if recall.low > recall.high:
        return False
    return not _few(recall, column) or next(_solutions(recall, column), None) is not None


def _groups(column: Sequence[int]) -> list[tuple[int, int]]:
    """(size, clips in all folds of that size), the fewest clips first: the outer loops are the short ones."""
    return sorted(((n, n * folds) for n, folds in Counter(column).items()), key=lambda group: group[1])


def _few(recall: Interval, column: Sequence[int]) -> bool:
    """Whether so few sums come into question that they can be tried one by one."""
    low, high = recall.high * len(column), (1 - recall.low) * len(column)
    outer = _groups(column)[:-1]
    return prod(min(clips, int(low * n) + 1, int(high * n) + 1) + 1 for n, clips in outer) <= TRIED


def _solutions(recall: Interval, column: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Right clips per group of folds of one size (order of `_groups`) whose mean recall lies in the interval."""
    groups, folds = _groups(column), len(column)
    unit = lcm(*(n for n, _ in groups), recall.low.denominator, recall.high.denominator)
    steps = [(unit // n, clips) for n, clips in groups]
    yield from _sums(int(recall.low * unit) * folds, int(recall.high * unit) * folds, steps)


def _sums(low: int, high: int, steps: Sequence[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    (step, clips), *rest = steps
    most = sum(other * count for other, count in rest)
    values = range(max(0, -((most - low) // step)), min(clips, high // step) + 1)
    for k in values:
        if rest:
            for tail in _sums(low - k * step, high - k * step, rest):
                yield (k, *tail)
        else:
            yield (k,)


def _span(basis: Basis, place: int, counts: Sequence[int]) -> Span:
    """The recall that so many right clips per group of folds give, and the bounds of what they add to WAR."""
    column, folds = basis.columns[place], len(basis.folds)
    recall = off_low = off_high = Fraction(0)
    for (n, _), k in zip(_groups(column), counts, strict=True):
        totals = sorted(total for size, total in zip(column, basis.totals, strict=True) if size == n)
        recall += Fraction(k, n * folds)
        off_low += _spread(k, n, totals[::-1]) / folds
        off_high += _spread(k, n, totals) / folds
    even = basis.shares[place] * recall
    return Span(recall, recall, off_low - even, off_high - even, sum(counts))


def _spread(k: int, n: int, totals: Sequence[int]) -> Fraction:
    """What k right clips add to the sum of the folds' WARs if they fill the folds, n clips each, in the given order."""
    if totals[0] == totals[-1]:
        return Fraction(k, totals[0])
    full, rest = divmod(k, n)
    last = Fraction(rest, totals[full]) if rest else Fraction(0)
    return sum((Fraction(n, total) for total in totals[:full]), last)
