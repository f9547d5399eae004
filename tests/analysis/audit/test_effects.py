"""Effects from counts: every pairing of small counts is gone through; tests and intervals are held to SciPy's."""

from itertools import product

import pytest
from scipy.stats import binomtest

from harness.analysis.audit.effects import (
    Discordant,
    Pair,
    clopper_pearson,
    correct_clips,
    difference_interval,
    discordant_bounds,
    discordant_limit,
    effects,
    holm,
    mcnemar,
    p_bounds,
    paired_interval,
    table_pairs,
    war_pairs,
)
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table


def pair(baseline: dict[str, int], arm: dict[str, int], sizes: dict[str, int], row: str = "A, au") -> Pair:
    return Pair("t", row, "A, baseline", "fold1", baseline, arm, sizes)


@pytest.mark.parametrize("gained, lost", [(0, 0), (3, 0), (0, 5), (7, 7), (10, 4), (75, 47), (739, 711)])
def test_mcnemar_is_the_binomial_test_of_a_fair_coin(gained: int, lost: int) -> None:
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9)


def test_three_clips_of_one_kind_by_hand() -> None:
    """All three on one side: 2 / 2^3."""
    assert mcnemar(3, 0) == 0.25


def pairings(one: Pair) -> set[tuple[int, int]]:
    """Every (gained, lost) that some predictions with these counts give: overlap of the right clips in each class."""
    per_class = []
    for name, n in one.sizes.items():
        k, after = one.baseline[name], one.arm[name]
        overlaps = range(max(0, k + after - n), min(k, after) + 1)
        per_class.append([(after - both, k - both) for both in overlaps])
    return {(sum(g for g, _ in some), sum(c for _, c in some)) for some in product(*per_class)}


CASES = [
    pair({"x": 3, "y": 0}, {"x": 1, "y": 2}, {"x": 5, "y": 2}),
    pair({"x": 4}, {"x": 4}, {"x": 4}),
    pair({"x": 2, "y": 6, "z": 1}, {"x": 5, "y": 6, "z": 0}, {"x": 6, "y": 9, "z": 3}),
]


@pytest.mark.parametrize("one", CASES)
def test_the_bounds_are_those_of_all_pairings(one: Pair) -> None:
    found = {sum(some): some for some in pairings(one)}
    low, high = discordant_bounds(one)
    assert (low.arm, low.baseline) == found[min(found)]
    assert (high.arm, high.baseline) == found[max(found)]
    assert low.p == pytest.approx(min(mcnemar(*some) for some in found.values()))
    assert high.p == pytest.approx(max(mcnemar(*some) for some in found.values()))


def test_p_grows_with_the_discordant_clips() -> None:
    for difference in range(8):
        values = [mcnemar(lost + difference, lost) for lost in range(60)]
        assert values == sorted(values)


def test_the_most_discordant_clips_with_a_small_p() -> None:
    """Ten clips ahead of 1000: p of 10/0 is 0.002; 0.05 is passed between 16/6 (0.0525) and 15/5 (0.0414)."""
    one = pair({"x": 500}, {"x": 510}, {"x": 1000})
    assert mcnemar(15, 5) < 0.05 < mcnemar(16, 6)
    assert discordant_limit(one) == 20
    assert discordant_limit(pair({"x": 500}, {"x": 503}, {"x": 1000})) is None


def test_counts_beyond_the_class_are_refused() -> None:
    with pytest.raises(ValueError, match="5 and 9 of 8 clips of x"):
        discordant_bounds(pair({"x": 5}, {"x": 9}, {"x": 8}))


def test_holm_by_hand() -> None:
    """0.01 x 3, 0.02 x 2, then 0.04 stays at 0.04."""
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@pytest.mark.parametrize("k, n", [(0, 29), (3, 29), (29, 29), (1506, 2341)])
def test_clopper_pearson_is_scipys(k: int, n: int) -> None:
    expected = binomtest(k, n).proportion_ci(0.975, "exact")
    assert clopper_pearson(k, n, 0.025) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_the_difference_is_made_of_the_two_accuracies() -> None:
    one = pair({"x": 10}, {"x": 20}, {"x": 50})
    before, after = (binomtest(k, 50).proportion_ci(0.975, "exact") for k in (10, 20))
    expected = 100 * (after.low - before.high), 100 * (after.high - before.low)
    assert difference_interval(one) == pytest.approx(expected)


def test_the_interval_of_known_discordant_clips_is_made_of_both_shares() -> None:
    gained, lost = (binomtest(k, 50).proportion_ci(0.975, "exact") for k in (10, 2))
    expected = 100 * (gained.low - lost.high), 100 * (gained.high - lost.low)
    assert paired_interval(Discordant(10, 2), 50) == pytest.approx(expected)


def test_an_effect_says_clips_bounds_and_verdict() -> None:
    (found,) = effects([pair({"x": 40, "y": 0}, {"x": 40, "y": 3}, {"x": 80, "y": 20})])
    assert found.evidence["correct"] == {"baseline": 40, "arm": 43, "clips": 100}
    assert found.evidence["discordant"] == {"fewest": [3, 0], "most": [43, 40]}
    assert found.evidence["p"][0] == 0.25
    assert found.evidence["classes"]["y"]["p"] == [0.25, 0.25]
    assert "within chance" in found.said


def test_the_family_is_corrected_at_both_ends() -> None:
    """Ten ahead, and nothing: 2 / 2^10 twice over, 1."""
    one, two = effects([
        pair({"x": 0}, {"x": 10}, {"x": 10}), pair({"x": 5}, {"x": 5}, {"x": 10}, "A, other"),
    ])  # fmt: skip
    assert one.evidence["p"] == [2 / 2**10] * 2
    assert one.evidence["p_holm"] == [4 / 2**10] * 2
    assert "an effect, however" in one.said
    assert two.evidence["p_holm"] == [1.0, 1.0]


def test_a_spread_of_counts_gives_the_outermost_p() -> None:
    """Of 12 clips the baseline has 2 or 3, the arm 8 or 9: every combination and pairing is gone through."""
    one = Pair("t", "A, au", "A, baseline", "pooled", {"x": 2}, {"x": 8}, {"x": 12}, spread={"x": ((2, 3), (8, 9))})
    every = [mcnemar(*some) for k in (2, 3) for after in (8, 9)
             for some in pairings(pair({"x": k}, {"x": after}, {"x": 12}))]  # fmt: skip
    low, high = p_bounds(one)
    assert (low.p, high.p) == (pytest.approx(min(every)), pytest.approx(max(every)))
    (found,) = effects([one])
    assert found.evidence["gain"] == [5, 7]
    assert "+5 to +7 by the rounding" in found.said


def test_a_spread_around_no_gain_allows_a_p_of_one() -> None:
    one = Pair("t", "A, au", "A, baseline", "pooled", {"x": 5}, {"x": 5}, {"x": 12}, spread={"x": ((4, 5), (4, 6))})
    assert p_bounds(one)[1].p == 1.0


def rows(*cells: tuple[str, str, dict[str, str]]) -> tuple[Row, ...]:
    return tuple(Row(i, m, arm, {c: Cell(v) for c, v in some.items()}) for i, (m, arm, some) in enumerate(cells, 1))


def test_pairs_of_a_table_stand_on_a_shared_basis_with_all_classes() -> None:
    table = Table(
        "t", ("WAR",), (), rows(("R", "reported", {}), ("A", "baseline", {}), ("A", "au", {}), ("B", "au", {}))
    )
    sizes = FoldSizes("set", ("x", "y"), {1: (5, 6), 2: (5, 7)})
    counts = {
        2: {"fold1": {"x": 1, "y": 2}, "fold2": {"x": 1, "y": 2}, "pooled": {"x": 3, "y": 4}},
        3: {"fold1": {"x": 1}, "fold2": {"x": 2, "y": 2}, "pooled": {"x": 4, "y": 4}},
    }
    (one,) = table_pairs(table, counts, sizes)
    assert (one.basis, one.row, one.baseline_row, one.sizes) == ("fold2", "A, au", "A, baseline", {"x": 5, "y": 7})
    (two,) = table_pairs(table, counts, sizes, ("pooled", "fold2"))
    assert (two.basis, two.sizes, two.arm) == ("pooled", {"x": 10, "y": 13}, {"x": 4, "y": 4})


def test_pairs_of_ranges_keep_the_ends() -> None:
    table = Table("t", ("WAR",), (), rows(("A", "baseline", {}), ("A", "au", {})))
    counts = {1: {"pooled": {"x": (3, 4)}}, 2: {"pooled": {"x": (6, 6)}}}
    (one,) = table_pairs(table, counts, FoldSizes("set", ("x",), {1: (9,)}))
    assert (one.baseline, one.arm, one.spread) == ({"x": 3}, {"x": 6}, {"x": ((3, 4), (6, 6))})
    assert [corner.baseline["x"] for corner in one.corners()] == [4, 3]


def test_clips_behind_a_war() -> None:
    """46.05 % is 3613 of 7846 and no number of 7847."""
    assert correct_clips(Cell("46.05"), 7846) == [3613]
    assert correct_clips(Cell("46.05"), 7847) == []


def test_pairs_from_war_take_the_first_total_that_fits_both_rows() -> None:
    made = rows(("A", "baseline", {"S_WAR": "46.05"}), ("A", "au", {"S_WAR": "48.15"}))
    table = Table("t", ("S_WAR",), (), made)
    (one,) = war_pairs(table, {"S_WAR": {"fold1": 7847, "fold1 less 1": 7846}})
    assert (one.basis, one.baseline, one.arm, one.column) == ("fold1 less 1", {"all": 3613}, {"all": 3778}, "S_WAR")
