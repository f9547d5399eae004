"""Paired statistics: expected values by hand, from scipy.stats, or from a bootstrap that indexes clips."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.analysis.stats import (
    Stratum,
    class_strata,
    count_differences,
    detectable,
    interval,
    mcnemar_exact,
    mcnemar_mid_p,
    pair_stats,
    sign_flip_p,
    smallest_significant_gap,
    uar_strata,
    war_strata,
)
from harness.analysis.stats.strata import estimate


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def counts(**rows: tuple[int, int, int]) -> np.ndarray:
    """counts_EV with (lost, same, won) for the classes e0 to e6 that are named."""
    return np.array([rows.get(f"e{e}", (0, 0, 0)) for e in range(7)])


def clips(**rows: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and predictions with (both right, only baseline, only AU, none) clips of the classes that are named."""
    cells = [(int(name[1]), cell) for name, row in rows.items() for cell, n in enumerate(row) for _ in range(n)]
    label_B = np.array([e for e, _ in cells])
    baseline_B = np.array([e if cell in (0, 1) else (e + 1) % 7 for e, cell in cells])
    au_B = np.array([e if cell in (0, 2) else (e + 2) % 7 for e, cell in cells])
    return label_B, baseline_B, au_B


# --- McNemar


@pytest.mark.parametrize("lost, won", [(0, 1), (3, 3), (2, 11), (40, 61), (0, 9), (300, 351)])
def test_exact_mcnemar_is_scipys_binomial_test(lost: int, won: int) -> None:
    expected = scipy_stats.binomtest(won, lost + won, 0.5).pvalue
    assert mcnemar_exact(lost, won) == pytest.approx(expected, rel=1e-10)
    assert mcnemar_exact(won, lost) == mcnemar_exact(lost, won)


@pytest.mark.parametrize("lost, won", [(0, 1), (2, 11), (40, 61), (300, 351)])
def test_mid_p_is_the_exact_p_less_one_observed_term(lost: int, won: int) -> None:
    expected = scipy_stats.binomtest(won, lost + won).pvalue - scipy_stats.binom.pmf(won, lost + won, 0.5)
    assert mcnemar_mid_p(lost, won) == pytest.approx(expected, rel=1e-9)


def test_no_or_balanced_discordant_clips_give_p_1() -> None:
    assert mcnemar_exact(0, 0) == mcnemar_mid_p(0, 0) == 1
    assert mcnemar_exact(4, 4) == mcnemar_mid_p(4, 4) == 1


def test_five_clips_on_one_side_are_the_fewest_that_mid_p_finds() -> None:
    assert mcnemar_mid_p(0, 5) == pytest.approx(1 / 32)
    assert smallest_significant_gap(5, 0.05) == 5
    assert smallest_significant_gap(4, 0.05) is None
    assert smallest_significant_gap(0, 0.05) is None


@pytest.mark.parametrize("discordant", [6, 17, 100, 351])
def test_the_smallest_gap_is_the_first_significant_one(discordant: int) -> None:
    gaps = range(discordant % 2, discordant + 1, 2)

    def mid_p(gap: int) -> float:
        tail = scipy_stats.binom.cdf((discordant - gap) / 2, discordant, 0.5)
        return 2 * tail - scipy_stats.binom.pmf((discordant - gap) / 2, discordant, 0.5)

    assert smallest_significant_gap(discordant, 0.05) == next(gap for gap in gaps if mid_p(gap) <= 0.05)


# --- differences


def test_war_uar_and_classes_by_hand() -> None:
    label_B, baseline_B, au_B = clips(e0=(4, 1, 3, 2), e5=(1, 0, 1, 2))
    stats = pair_stats(label_B, baseline_B, au_B, seed=0)
    assert (stats.clips, stats.lost, stats.won) == (14, 1, 4)
    assert (stats.clips_E[0], stats.lost_E[0], stats.won_E[0]) == (10, 1, 3)
    assert stats.war.difference == pytest.approx(3 / 14)
    assert stats.recall_E[0].difference == pytest.approx(2 / 10)
    assert stats.recall_E[5].difference == pytest.approx(1 / 4)
    assert stats.uar.difference == pytest.approx((2 / 10 + 1 / 4) / 2)
    assert stats.mcnemar == pytest.approx(2 * (1 + 5) / 2**5)
    assert stats.mid_p == pytest.approx((2 * (1 + 5) - 5) / 2**5)
    assert stats.war.p == stats.mid_p


def test_a_class_without_clips_has_no_difference_and_no_part_in_uar() -> None:
    stats = pair_stats(*clips(e0=(1, 0, 1, 0)), seed=0)
    assert stats.uar.difference == pytest.approx(1 / 2)
    assert all(math.isnan(value) for value in (stats.recall_E[3].difference, stats.recall_E[3].low))
    assert stats.recall_E[3].detectable is None


def test_the_mean_over_folds_weighs_folds_alike_and_the_pool_weighs_clips_alike() -> None:
    small, large = counts(e0=(0, 3, 1)), counts(e0=(0, 39, 1), e1=(8, 32, 0))
    assert estimate(war_strata([small, large])) == pytest.approx((1 / 4 - 7 / 80) / 2)
    assert estimate(war_strata([small + large])) == pytest.approx((1 - 7) / 84)
    assert estimate(uar_strata([small, large])) == pytest.approx((1 / 4 + (1 / 40 - 8 / 40) / 2) / 2)
    assert estimate(class_strata([small, large], 1)) == pytest.approx(-8 / 40)


def test_a_clip_of_several_seeds_counts_once_with_the_sum_of_its_differences() -> None:
    counted = count_differences(np.array([0, 0, 0]), np.array([2, -1, 0]), seeds=2)
    assert counted[0].tolist() == [0, 1, 1, 0, 1]
    assert estimate(war_strata([counted])) == pytest.approx(1 / 6)


# --- intervals


def test_equal_predictions_give_an_interval_of_nothing_and_p_1() -> None:
    label_B, baseline_B, _ = clips(e0=(5, 3, 0, 2), e1=(2, 2, 0, 0))
    stats = pair_stats(label_B, baseline_B, baseline_B, seed=0)
    for effect in (stats.war, stats.uar):
        assert (effect.difference, effect.low, effect.high, effect.p) == (0, 0, 0, 1)
        assert effect.detectable is None
    assert stats.smallest_gap is None


def test_one_clip() -> None:
    stats = pair_stats(*clips(e2=(0, 0, 1, 0)), seed=0)
    assert (stats.war.difference, stats.war.low, stats.war.high) == (1, 1, 1)
    assert stats.mcnemar == 1
    assert stats.war.p == pytest.approx(0.5)


def indexed(label_B: np.ndarray, difference_B: np.ndarray, draws: int, by_class: bool) -> np.ndarray:
    """Bootstrap that indexes clips: WAR over all of them, or UAR with the clips of each class among themselves."""
    draw = np.random.default_rng(11)
    groups = [np.flatnonzero(label_B == e) for e in np.unique(label_B)] if by_class else [np.arange(len(label_B))]
    return np.mean([difference_B[draw.choice(group, (draws, len(group)))].mean(axis=1) for group in groups], axis=0)


@pytest.mark.parametrize("by_class", [False, True], ids=["WAR", "UAR"])
def test_the_interval_is_that_of_indexing_clips(by_class: bool) -> None:
    label_B, baseline_B, au_B = clips(e0=(60, 8, 20, 12), e1=(30, 9, 6, 15), e5=(2, 1, 3, 4))
    difference_B = (au_B == label_B).astype(int) - (baseline_B == label_B)
    expected = np.quantile(indexed(label_B, difference_B, 40_000, by_class), [0.025, 0.975])
    stats = pair_stats(label_B, baseline_B, au_B, seed=5)
    effect = stats.uar if by_class else stats.war
    assert [effect.low, effect.high] == pytest.approx(expected.tolist(), abs=0.006)


def test_the_interval_of_one_stratum_is_exact() -> None:
    """Two clips, one won: sums 0, 1, 2 with chances 1/4, 1/2, 1/4."""
    assert interval([Stratum(np.array([0, 1, 1]), 1 / 2)], generator(), level=0.95) == (0, 1)
    assert interval([Stratum(np.array([0, 1, 1]), 1 / 2)], generator(), level=0.4) == (0.5, 0.5)


def test_clips_of_several_seeds_are_resampled_whole() -> None:
    """Four clips won in both of two seeds, four in none: a clip adds 2 or 0, so the spread is that of 2 Bin(8, 1/2)."""
    counted = count_differences(np.zeros(8, int), np.array([2] * 4 + [0] * 4), seeds=2)
    low, high = interval(war_strata([counted]), generator())
    expected = scipy_stats.binom.ppf([0.025, 0.975], 8, 0.5) / 8
    assert [low, high] == pytest.approx(expected.tolist())


def test_the_same_seed_gives_the_same_numbers() -> None:
    pair = clips(e0=(60, 8, 20, 12), e1=(30, 9, 6, 15))
    assert pair_stats(*pair, seed=3).uar == pair_stats(*pair, seed=3).uar
    assert pair_stats(*pair, seed=3).uar != pair_stats(*pair, seed=4).uar


def test_the_order_of_the_clips_does_not_matter() -> None:
    label_B, baseline_B, au_B = clips(e0=(60, 8, 20, 12), e1=(30, 9, 6, 15))
    order = np.random.default_rng(1).permutation(len(label_B))
    straight = pair_stats(label_B, baseline_B, au_B, seed=3)
    shuffled = pair_stats(label_B[order], baseline_B[order], au_B[order], seed=3)
    assert (shuffled.war, shuffled.uar) == (straight.war, straight.uar)


# --- sign flips


def by_hand(differences: list[float]) -> float:
    """Mid-p of all 2^n ways to set the signs."""
    observed = abs(sum(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
            for signs in itertools.product((-1, 1), repeat=len(differences))]  # fmt: skip
    tied = sum(abs(value - observed) < 1e-9 for value in sums)
    beyond = sum(value > observed + 1e-9 for value in sums)
    return min(1.0, (beyond + tied / 2) / len(sums)) if observed else 1.0


def test_flips_of_one_seed_are_mid_p_mcnemar() -> None:
    assert sign_flip_p(war_strata([counts(e0=(3, 50, 11), e1=(2, 0, 5))]), generator()) == mcnemar_mid_p(5, 16)


def test_flips_of_two_seeds_are_exact() -> None:
    differences = [2, 2, 1, -1, 1, 0, -2, 1, 2]
    counted = count_differences(np.zeros(9, int), np.array(differences), seeds=2)
    assert sign_flip_p(war_strata([counted]), generator()) == pytest.approx(by_hand(differences), abs=1e-12)


def test_flips_over_classes_come_near_all_ways_to_flip() -> None:
    strata = uar_strata([counts(e0=(1, 10, 5), e5=(0, 2, 3))])
    differences = [-1 / 16] + 5 * [1 / 16] + 3 * [1 / 5]
    assert sign_flip_p(strata, generator()) == pytest.approx(by_hand(differences), abs=0.005)


def test_a_drawn_p_is_never_zero() -> None:
    strata = uar_strata([counts(e0=(0, 10, 200), e5=(0, 2, 50))])
    assert sign_flip_p(strata, generator(), draws=999) == pytest.approx(1 / 1000)


# --- smallest effect


def test_the_detectable_difference_of_a_pair_by_hand() -> None:
    """100 of 1,000 clips are discordant: (1.960 + 0.842) sqrt(100) / 1000."""
    assert detectable(war_strata([counts(e0=(40, 900, 60))])) == pytest.approx(0.02802, abs=1e-5)


def test_nothing_is_detectable_where_no_clip_or_too_few_disagree() -> None:
    assert detectable(war_strata([counts(e0=(0, 10, 0))])) is None
    assert detectable(war_strata([counts(e0=(1, 10, 2))])) is None
