from fractions import Fraction
from itertools import product
from math import comb

import pytest

from harness.analysis.audit.basis import bases, printed
from harness.analysis.audit.grim import chance, fits, integer_solutions, spans, subset_fits, war_fits
from harness.analysis.audit.table import Cell, fold_sizes


def printable(n: int, decimals: int) -> int:
    """How many printed values are a rounded k/n, by trying every one."""
    units = 100 * 10**decimals
    return sum(
        any(abs(Fraction(k, n) - Fraction(v, units)) <= Fraction(1, 2 * units) for k in range(n + 1))
        for v in range(units + 1)
    )


def test_a_cell_gives_its_count() -> None:
    assert list(integer_solutions(Cell("10.34"), 29)) == [3]
    assert list(integer_solutions(Cell("34.35"), 181)) == []
    assert list(integer_solutions(Cell("50.0"), 2000)) == [999, 1000, 1001]


@pytest.mark.parametrize("text, k", [("0.00", 0), ("100.00", 29)])
def test_the_ends_fit(text: str, k: int) -> None:
    assert list(integer_solutions(Cell(text), 29)) == [k]


def test_halves_go_either_way() -> None:
    # 1/32 = 3.125 %
    assert list(integer_solutions(Cell("3.12"), 32)) == [1] == list(integer_solutions(Cell("3.13"), 32))


@pytest.mark.parametrize("text", ["100.01", "-0.01", "250"])
def test_what_is_no_share_fits_nothing(text: str) -> None:
    assert not fits(Cell(text), (29,))
    assert list(integer_solutions(Cell(text), 29)) == []


@pytest.mark.parametrize("n", [1, 7, 29, 32, 64, 100, 181])
@pytest.mark.parametrize("decimals", [0, 1])
def test_the_chance_of_a_fit_is_the_share_of_printed_values(n: int, decimals: int) -> None:
    assert chance(decimals, (n,)) == printable(n, decimals) / (100 * 10**decimals + 1)


def test_the_chance_for_folds_of_one_size_is_that_of_all_together() -> None:
    assert chance(2, (29,) * 5) == chance(2, (145,))


def test_folds_of_several_sizes_fit_what_some_counts_give() -> None:
    sums = {(Fraction(a, 3) + Fraction(b, 4)) / 2 for a, b in product(range(4), range(5))}
    for value in range(101):
        cell = Cell(str(value))
        assert fits(cell, (3, 4)) == any(cell.holds(100 * one) for one in sums)


def test_the_spans_of_a_mean_over_folds_are_its_sums() -> None:
    basis = bases(fold_sizes("D", ["a", "b"], {1: [3, 5], 2: [4, 5]}))[-1]
    found = spans(printed(Cell("50")), basis, 0)
    # (k/3 + l/4) / 2 near 1/2: only 3/3 and 0/4, or 0/3 and 4/4 (1/3 and 3/4 are 54 %, 2/3 and 1/4 are 46 %).
    assert sorted(span.clips for span in found if span.clips is not None) == [3, 4]
    assert {span.low for span in found} == {Fraction(1, 2)}
    # What they add to WAR: 3 clips of the first fold's 8, or 4 of the second's 9, halved.
    assert {span.low * basis.shares[0] + span.off_low for span in found} == {Fraction(3, 16), Fraction(2, 9)}


def test_a_lost_line_shows() -> None:
    # 3613/7846 = 46.05 %; 3613/7847 = 46.04 %, 3614/7847 = 46.06 %.
    sizes = fold_sizes("D", ["a", "b"], {1: [7000, 847]})
    whole, less = war_fits(Cell("46.05"), sizes, lost=1)
    assert (whole.total, whole.fits, whole.clips) == (7847, False, None)
    assert (less.total, less.lost, less.fits, less.clips) == (7846, 1, True, (3613, 3613))
    assert less.chance == pytest.approx(0.785, abs=0.001)


def test_war_is_tried_on_every_basis() -> None:
    sizes = fold_sizes("D", ["a"], {1: [3], 2: [4]})
    # 1/3, and (2/3 + 0/4) / 2.
    assert {fit.basis for fit in war_fits(Cell("33.33"), sizes) if fit.fits} == {"fold1", "mean-of-folds"}
    assert {fit.basis for fit in war_fits(Cell("42.86"), sizes) if fit.fits} == {"pooled"}
    # (1/3 + 2/4) / 2
    assert {fit.basis for fit in war_fits(Cell("41.67"), sizes) if fit.fits} == {"mean-of-folds"}


def test_subsets_of_the_classes_are_all_tried() -> None:
    sizes = fold_sizes("D", "abcde", {1: [2, 3, 5, 7, 11]})
    found = subset_fits(Cell("20.00"), sizes, 3)
    assert len(found) == comb(5, 3)
    # A fifth is whole for totals that five divides: 2+3+5 and 3+5+7 and 2+7+11.
    assert {"".join(fit.classes) for fit in found if fit.fits} == {"abc", "bcd", "ade"}


def test_subsets_are_tried_on_each_fold_and_pooled() -> None:
    sizes = fold_sizes("D", "abc", {1: [2, 3, 5], 2: [3, 3, 5]})
    assert {fit.basis for fit in subset_fits(Cell("20.00"), sizes, 2)} == {"fold1", "fold2", "pooled"}
