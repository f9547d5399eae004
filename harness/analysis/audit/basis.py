"""The bases that a row of recalls can stand on, and what UAR and WAR follow from its class cells on each.

A basis is a list of folds. One fold, or all pooled into one, is a list of one; the mean over folds has them all. With
r_fc the recall of class c on fold f, n_fc its clips and N_f all clips of the fold, F folds and C classes:
    cell_c = mean over f of r_fc    UAR = mean over c of cell_c    WAR = mean over f of sum over c of r_fc n_fc / N_f
So UAR follows from the cells alone; WAR does too on a basis of one fold, and lies within bounds on a mean of several,
as the cells do not say which fold holds how much of a class. Values here are shares of 1, cells are per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import count
from math import ceil, floor
from typing import NamedTuple

from harness.analysis.audit.table import Cell, FoldSizes, Row

SEARCHED = 400
"""Choices of counts looked at before a joint check is left undecided, which is no fault of the row."""


class Interval(NamedTuple):
    """All values from `low` to `high`, both included; empty if `low` is above `high`."""

    low: Fraction
    high: Fraction

    def meets(self, other: Interval) -> bool:
        """Whether the two have a value in common."""
        return max(self.low, other.low) <= min(self.high, other.high)

    def inside(self, other: Interval) -> Interval:
        """What the two have in common."""
        return Interval(max(self.low, other.low), min(self.high, other.high))


WHOLE = Interval(Fraction(0), Fraction(1))


class Span(NamedTuple):
    """Recalls `low` to `high` of a class (one value, or any between), and the clips behind it where they are known.

    The class adds share * recall + off to WAR, with `off_low` <= off <= `off_high` (zero on a basis of one fold).
    """

    low: Fraction
    high: Fraction
    off_low: Fraction
    off_high: Fraction
    clips: int | None


@dataclass(frozen=True)
class Basis:
    """Clips per class of each fold that is averaged over, and the name: `fold<k>`, `pooled`, `mean-of-folds`."""

    name: str
    classes: tuple[str, ...]
    folds: tuple[tuple[int, ...], ...]

    @cached_property
    def totals(self) -> tuple[int, ...]:
        """Clips of each fold."""
        return tuple(map(sum, self.folds))

    @cached_property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """Clips per fold of each class."""
        return tuple(zip(*self.folds, strict=True))

    @cached_property
    def shares(self) -> tuple[Fraction, ...]:
        """What each class weighs in WAR, on the average over folds."""
        return tuple(sum(weights, Fraction(0)) for weights in self.weights)

    @cached_property
    def weights(self) -> tuple[tuple[Fraction, ...], ...]:
        """What the recall of each class on each fold weighs in WAR, smallest first."""
        pairs = [zip(column, self.totals, strict=True) for column in self.columns]
        return tuple(tuple(sorted(Fraction(n, total * len(self.folds)) for n, total in pair)) for pair in pairs)


def bases(sizes: FoldSizes) -> tuple[Basis, ...]:
    """Every fold, then all folds pooled and the mean over them where there are several."""
    return _bases(sizes.classes, tuple(sizes.sizes.items()))


@lru_cache(maxsize=4096)
def _bases(classes: tuple[str, ...], folds: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[Basis, ...]:
    rows = tuple(row for _, row in folds)
    single = tuple(Basis(f"fold{fold}", classes, (row,)) for fold, row in folds)
    pooled = tuple(map(sum, zip(*rows, strict=True)))
    if len(single) < 2:
        return single
    return (*single, Basis("pooled", classes, (pooled,)), Basis("mean-of-folds", classes, rows))


@lru_cache(maxsize=1 << 16)
def printed(cell: Cell) -> Interval:
    """The shares of 1 that a cell can stand for: what rounds to it."""
    return Interval(cell.low / 100, cell.high / 100)


def recall_of(row: Row, name: str) -> Interval:
    """What a class cell says of the recall; a cell that is not printed says nothing."""
    return _recall(row.cells[name]) if name in row.cells else WHOLE


@lru_cache(maxsize=1 << 16)
def _recall(cell: Cell) -> Interval:
    return printed(cell).inside(WHOLE)


def uar_interval(row: Row, classes: Sequence[str]) -> Interval:
    """The UARs that the class cells allow: the mean of their lower and of their upper ends."""
    recalls = [recall_of(row, name) for name in classes]
    return Interval(
        sum((recall.low for recall in recalls), Fraction(0)) / len(classes),
        sum((recall.high for recall in recalls), Fraction(0)) / len(classes),
    )


def war_interval(row: Row, basis: Basis) -> Interval:
    """The WARs that the class cells allow on a basis: the sums of each class's least and of its greatest part."""
    recalls = [recall_of(row, name) for name in basis.classes]
    least = [part_of_war(basis, place, recall.low).low for place, recall in enumerate(recalls)]
    most = [part_of_war(basis, place, recall.high).high for place, recall in enumerate(recalls)]
    return Interval(sum(least, Fraction(0)), sum(most, Fraction(0)))


def uar_not_mean(row: Row, classes: Sequence[str]) -> Interval | None:
    """The UARs that the cells allow, if the printed one is none of them; otherwise None.

    UAR is the mean of the class recalls on every basis: on one fold by definition, on several because the mean over
    folds of means over classes is the mean over classes of means over folds. Each cell may have been rounded by half a
    unit of its last digit, and so may UAR; the intervals of both must meet. A row without UAR is not at fault.
    """
    allowed = uar_interval(row, classes)
    return None if "UAR" not in row.cells or printed(row.cells["UAR"]).meets(allowed) else allowed


def war_not_weighted_mean(row: Row, basis: Basis) -> Interval | None:
    """The WARs that the cells allow on a basis, if the printed one is none of them; otherwise None.

    WAR is the share of clips that are right: the mean of the class recalls weighted with the clips of the class. On the
    mean over folds the weights n_fc / N_f differ a little between folds, and the cells do not say on which fold a class
    was recognised better: the least WAR puts all that a class has on the folds where it weighs least, each up to a
    recall of 1, the greatest where it weighs most. Rounding is allowed for as with UAR.
    """
    allowed = war_interval(row, basis)
    return None if "WAR" not in row.cells or printed(row.cells["WAR"]).meets(allowed) else allowed


def part_of_war(basis: Basis, place: int, recall: Fraction) -> Interval:
    """The least and the greatest that a class adds to WAR if its recall, the mean over folds, is `recall`."""
    weights = basis.weights[place]
    if len(weights) == 1:
        return Interval(recall * weights[0], recall * weights[0])
    return Interval(_filled(recall * len(weights), weights), _filled(recall * len(weights), weights[::-1]))


def _filled(amount: Fraction, weights: Sequence[Fraction]) -> Fraction:
    whole = int(amount)
    parted = weights[whole] * (amount - whole) if whole < len(weights) else Fraction(0)
    return sum(weights[:whole], Fraction(0)) + parted


def clips_behind(basis: Basis, place: int, recall: Interval) -> tuple[int, int]:
    """The fewest and the most right clips of a class, over all folds of the basis, that a recall can stand for."""
    column = sorted(map(Fraction, basis.columns[place]))
    low, high = recall.inside(WHOLE)
    return ceil(_filled(low * len(column), column)), floor(_filled(high * len(column), column[::-1]))


def unknown(basis: Basis, place: int, recall: Interval) -> Span:
    """Any recall within an interval, with the bounds of what the class then adds to WAR beside its share."""
    folds, share = len(basis.folds), basis.shares[place]
    if folds == 1:
        return Span(recall.low, recall.high, Fraction(0), Fraction(0), None)
    # The bounds are piecewise linear in the recall; they bend where a fold is full.
    bends = [Fraction(j, folds) for j in range(folds + 1)]
    at = [*recall, *(bend for bend in bends if recall.low < bend < recall.high)]
    least = min(part_of_war(basis, place, value).low - share * value for value in at)
    most = max(part_of_war(basis, place, value).high - share * value for value in at)
    return Span(recall.low, recall.high, least, most, None)


def closing(
    options: Sequence[Sequence[Span]], basis: Basis, uar: Interval | None, war: Interval | None
) -> list[Span] | None:
    """One span per class such that UAR and WAR, worked out exactly, round to what is printed; None if there is none.

    options: the spans of each class, in order. uar, war: what the prints allow, None where nothing is printed. Searched
    class by class, cut off where the rest cannot make up for it; after SEARCHED choices what is left is given as found.
    """
    if not all(options):
        return None
    return _search([tuple(spans) for spans in options], basis, uar, war, count())


def _search(
    options: list[tuple[Span, ...]], basis: Basis, uar: Interval | None, war: Interval | None, steps: count[int]
) -> list[Span] | None:
    hulls = [_hull(spans) for spans in options]
    if not _possible(hulls, basis.shares, uar, war):
        return None
    left = [place for place, spans in enumerate(options) if len(spans) > 1]
    if not left or next(steps) > SEARCHED:
        return hulls
    place = min(left, key=lambda place: len(options[place]))
    for span in options[place]:
        found = _search([*options[:place], (span,), *options[place + 1 :]], basis, uar, war, steps)
        if found:
            return found
    return None


def _hull(spans: Sequence[Span]) -> Span:
    if len(spans) == 1:
        return spans[0]
    clips = {span.clips for span in spans}
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    off_low, off_high = min(span.off_low for span in spans), max(span.off_high for span in spans)
    return Span(low, high, off_low, off_high, clips.pop() if len(clips) == 1 else None)


def _possible(hulls: Sequence[Span], shares: Sequence[Fraction], uar: Interval | None, war: Interval | None) -> bool:
    """Whether recalls within the hulls give both metrics: the extremes of WAR among those that give UAR (a linear
    program with one constraint, so filled greedily, the lightest class first)."""
    least, most = sum((hull.low for hull in hulls), Fraction(0)), sum((hull.high for hull in hulls), Fraction(0))
    low, high = least, most
    if uar is not None:
        low, high = max(low, uar.low * len(hulls)), min(high, uar.high * len(hulls))
        if low > high:
            return False
    if war is None:
        return True
    pairs = list(zip(shares, hulls, strict=True))
    rooms = sorted((share, hull.high - hull.low) for share, hull in pairs if hull.low < hull.high)
    lowest = sum((share * hull.low + hull.off_low for share, hull in pairs), Fraction(0))
    highest = sum((share * hull.high + hull.off_high for share, hull in pairs), Fraction(0))
    return Interval(lowest + _moved(low - least, rooms), highest - _moved(most - high, rooms)).meets(war)


def _moved(amount: Fraction, rooms: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """What WAR changes by when the recalls change by `amount` in all, each within its room, the lightest first."""
    change = Fraction(0)
    for share, room in rooms:
        if not amount:
            break
        part = min(amount, room)
        change += share * part
        amount -= part
    return change
