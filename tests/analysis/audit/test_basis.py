from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.audit.basis import (
    Basis,
    Interval,
    Span,
    bases,
    clips_behind,
    closing,
    part_of_war,
    printed,
    uar_not_mean,
    war_interval,
    war_not_weighted_mean,
)
from harness.analysis.audit.table import Cell, Row, fold_sizes


def row(**cells: str) -> Row:
    return Row(1, "A", "", {name: Cell(text) for name, text in cells.items()})


def basis_of(*folds: tuple[int, ...]) -> Basis:
    return Basis("mean-of-folds" if len(folds) > 1 else "fold1", tuple("abcdefg"[: len(folds[0])]), folds)


def test_the_bases_are_every_fold_all_pooled_and_the_mean() -> None:
    found = bases(fold_sizes("D", ["a", "b"], {1: [2, 3], 2: [4, 5]}))
    assert [basis.name for basis in found] == ["fold1", "fold2", "pooled", "mean-of-folds"]
    assert found[2].folds == ((6, 8),)
    assert found[3].folds == ((2, 3), (4, 5))


def test_one_fold_is_one_basis() -> None:
    assert [basis.name for basis in bases(fold_sizes("D", ["a"], {1: [2]}))] == ["fold1"]


def test_uar_may_be_off_by_what_rounding_allows_and_no_more() -> None:
    # Cells 10.00 and 20.00 stand for 9.995..10.005 and 19.995..20.005: their mean for 14.995..15.005.
    assert uar_not_mean(row(a="10.00", b="20.00", UAR="15.01"), "ab") is None
    assert uar_not_mean(row(a="10.00", b="20.00", UAR="15.02"), "ab") == Interval(
        Fraction(14995, 100000), Fraction(15005, 100000)
    )


def test_uar_with_a_missing_class_has_the_whole_range_of_it() -> None:
    assert uar_not_mean(row(a="10.00", UAR="55.00"), "ab") is None
    assert uar_not_mean(row(a="10.00", UAR="55.02"), "ab") is not None


def test_war_is_weighted_with_the_clips() -> None:
    # 30 clips of a at 10 %, 10 of b at 50 %: (3 + 5) / 40 = 20 %, and rounding allows 0.005 to the cells and to WAR.
    one = basis_of((30, 10))
    assert war_not_weighted_mean(row(a="10.00", b="50.00", WAR="20.01"), one) is None
    assert war_not_weighted_mean(row(a="10.00", b="50.00", WAR="20.02"), one) is not None


def test_a_mean_over_folds_leaves_war_the_choice_of_the_fold() -> None:
    # a weighs 1/4 on the first fold and 3/4 on the second. A mean recall of 1/2 may be all on either: 1/8 or 3/8.
    two = basis_of((1, 3), (3, 1))
    assert part_of_war(two, 0, Fraction(1, 2)) == Interval(Fraction(1, 8), Fraction(3, 8))
    assert part_of_war(two, 0, Fraction(1)) == Interval(Fraction(1, 2), Fraction(1, 2))
    assert part_of_war(two, 0, Fraction(3, 4)) == Interval(
        Fraction(1, 8) + Fraction(3, 16), Fraction(3, 8) + Fraction(1, 16)
    )


@given(st.lists(st.tuples(*[st.integers(1, 3)] * 2), min_size=1, max_size=3), st.randoms())
def test_the_bounds_of_war_hold_for_every_choice_of_right_clips(folds: list[tuple[int, int]], random) -> None:  # type: ignore[no-untyped-def]
    basis = basis_of(*folds)
    right = [[random.randint(0, n) for n in fold] for fold in folds]
    recalls = [sum(Fraction(k[c], n[c]) for k, n in zip(right, folds, strict=True)) / len(folds) for c in (0, 1)]
    war = sum(Fraction(sum(k), sum(n)) for k, n in zip(right, folds, strict=True)) / len(folds)
    parts = [part_of_war(basis, place, recall) for place, recall in enumerate(recalls)]
    assert sum(part.low for part in parts) <= war <= sum(part.high for part in parts)


def test_the_bounds_of_war_are_reached() -> None:
    folds = ((1, 3), (3, 1))
    wars = [
        (Fraction(sum(first), 4) + Fraction(sum(second), 4)) / 2
        for first in product((0, 1), (0, 1, 2, 3))
        for second in product((0, 1, 2, 3), (0, 1))
        if Fraction(first[0]) + Fraction(second[0], 3) == 1 == Fraction(first[1], 3) + second[1]
    ]
    parts = [part_of_war(basis_of(*folds), place, Fraction(1, 2)) for place in (0, 1)]
    assert (min(wars), max(wars)) == (sum(part.low for part in parts), sum(part.high for part in parts))


def test_the_interval_of_war_adds_the_rounding_of_every_cell() -> None:
    assert war_interval(row(a="10", b="50"), basis_of((30, 10))) == Interval(
        Fraction(3 * 95 + 495, 4000), Fraction(3 * 105 + 505, 4000)
    )


def test_the_clips_behind_a_recall_are_bounded_by_the_smallest_and_largest_folds() -> None:
    # A mean recall of 1/2 over folds of 2 and 10 clips: all of the 2, or all of the 10.
    assert clips_behind(basis_of((2,), (10,)), 0, Interval(Fraction(1, 2), Fraction(1, 2))) == (2, 10)


def point(k: int, n: int) -> Span:
    return Span(Fraction(k, n), Fraction(k, n), Fraction(0), Fraction(0), k)


def test_closing_picks_counts_that_give_both_metrics() -> None:
    basis = basis_of((10, 30))
    options = [[point(4, 10), point(5, 10)], [point(14, 30), point(15, 30)]]
    found = closing(options, basis, printed(Cell("50.00")), printed(Cell("50.00")))
    assert found == [point(5, 10), point(15, 30)]
    assert closing(options, basis, printed(Cell("45.00")), printed(Cell("50.00"))) is None


def test_closing_sees_that_both_metrics_do_not_go_together() -> None:
    # 4/10 and 15/30 give UAR 45 and WAR 19/40 = 47.5; each metric alone could be had, not UAR 45 with WAR 45.
    options = [[point(4, 10), point(5, 10)], [point(12, 30), point(15, 30)]]
    assert closing(options, basis_of((10, 30)), printed(Cell("45.00")), None)
    assert closing(options, basis_of((10, 30)), printed(Cell("45.00")), printed(Cell("46.00"))) is None


def test_closing_without_a_span_for_a_class_is_none() -> None:
    assert closing([[], [point(1, 2)]], basis_of((2, 2)), None, None) is None
