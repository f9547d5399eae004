"""Pairs and verdicts of a setting, from synthetic run directories; expected numbers are worked out by hand."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.manifest import RunConfig, RunData
from harness.report.measured import Setting, differences, settings
from harness.report.pairs import NO_PAIR, Comparison, Contrast, compare
from harness.report.whole_pairs import match_clips
from harness.runs.records import Predictions, read_runs

WriteRun = Callable[..., Path]
RIGHT, WRONG = (0, 0), (0, 1)  # (label, predicted) of a happy clip
SAD_RIGHT, SAD_WRONG = (1, 1), (1, 2)
BASELINE = [RIGHT] * 10 + [WRONG] * 10 + [SAD_RIGHT] * 2 + [SAD_WRONG] * 2
# Wins the ten happy clips and loses one sad one.
BETTER = [RIGHT] * 20 + [SAD_RIGHT, SAD_WRONG] + [SAD_WRONG] * 2
# Loses nine happy clips.
WORSE = [RIGHT] + [WRONG] * 19 + [SAD_RIGHT] * 2 + [SAD_WRONG] * 2


@pytest.fixture
def two_folds(run_config: Callable[..., RunConfig], run_data: Callable[..., RunData]) -> Callable[..., RunConfig]:
    """Configuration of a run on 24 test clips of a data set with two folds, one rule."""
    return lambda **changes: run_config(
        **{"dataset": run_data(test=len(BASELINE)), "selection": ("last",), "folds": 2, **changes}
    )


def compared(root: Path) -> Comparison:
    return compare(setting(root))


def setting(root: Path) -> Setting:
    (found,) = settings(read_runs(root / "runs")[0])
    return found


def contrast(comparison: Comparison, **where: Any) -> Contrast:
    (found,) = [one for one in comparison.contrasts if all(getattr(one, k) == v for k, v in where.items())]
    return found


def write_pair(
    write_run: WriteRun, config: Callable[..., RunConfig], predicted: list[tuple[int, int]], **of: Any
) -> None:
    write_run(config(**of), predicted=BASELINE)
    write_run(config(arm="au-global", **of), predicted=predicted)


def test_a_pair_by_hand(tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]) -> None:
    write_pair(write_run, two_folds, BETTER)
    comparison = compared(tmp_path)
    (pair,) = comparison.pairs
    assert (pair.model, pair.arm, pair.rule, pair.fold, pair.seed) == ("m3dfel", "au-global", "last", 1, 0)
    assert (pair.stats.clips, pair.stats.lost, pair.stats.won) == (24, 1, 10)
    assert pair.stats.war.difference == pytest.approx(9 / 24)
    assert pair.stats.uar.difference == pytest.approx((10 / 20 - 1 / 4) / 2)
    assert pair.stats.mcnemar == pytest.approx(scipy_stats.binomtest(1, 11).pvalue)
    (one,) = comparison.contrasts
    assert (one.fold_set, one.folds, one.seeds, one.clips, one.family) == ("fold1", (1,), (0,), 24, 2)
    assert one.war is not None
    assert (one.war.effect.difference, one.war.p) == (pair.stats.war.difference, pair.stats.mid_p)
    assert one.verdicts == ("improves", "no evidence")


def test_a_worse_arm(tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]) -> None:
    write_pair(write_run, two_folds, WORSE)
    assert compared(tmp_path).contrasts[0].verdicts[0] == "worsens"


def test_equal_runs_are_no_evidence(tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]) -> None:
    write_pair(write_run, two_folds, BASELINE)
    (one,) = compared(tmp_path).contrasts
    assert one.verdicts == ("no evidence", "no evidence")
    assert one.war is not None
    assert (one.war.effect.low, one.war.effect.high, one.war.p, one.war.detectable) == (0, 0, 1, None)


def test_differences_are_those_of_the_tables(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    for fold, seed, arm in ((f, s, a) for f in (1, 2) for s in (0, 1) for a in ("baseline", "au-global", "au-minor")):
        write_run(
            two_folds(fold=fold, seed=seed, arm=arm, dataset=two_folds().dataset), predicted=drawn(fold, seed, arm)
        )
    found = setting(tmp_path)
    expected = differences(found)
    contrasts = {one.key: one for one in compare(found).contrasts}
    assert set(contrasts) == set(expected)
    assert {key[3] for key in contrasts} == {"fold1", "mean-of-folds", "pooled"}
    for key, one in contrasts.items():
        assert one.war is not None
        assert one.uar is not None
        assert one.war.effect.difference == pytest.approx(expected[key].war)
        assert one.uar.effect.difference == pytest.approx(expected[key].uar)


def drawn(fold: int, seed: int, arm: str) -> list[tuple[int, int]]:
    draw = np.random.default_rng([fold, seed, len(arm)])
    return [(label, label if draw.random() < 0.6 else (label + 1) % 7) for label in [0] * 12 + [1] * 8 + [2] * 4]


def test_folds_of_one_seed_are_pooled_for_mcnemar(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    write_pair(write_run, two_folds, BETTER, fold=1)
    write_pair(write_run, two_folds, WORSE, fold=2)
    pooled = contrast(compared(tmp_path), fold_set="pooled")
    (test,) = pooled.mcnemar
    assert (test.seed, test.lost, test.won) == (0, 10, 10)
    assert (test.exact, test.mid_p) == (1, 1)
    assert pooled.war is not None
    assert (pooled.war.spread.pairs, pooled.war.spread.positive) == (2, 0.5)
    assert math.isnan(pooled.war.spread.low)


def test_three_seeds_are_judged_by_clips_and_pairs(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    for seed, predicted in enumerate((BETTER, BETTER, BASELINE)):
        write_pair(write_run, two_folds, predicted, seed=seed)
    one = contrast(compared(tmp_path), fold_set="fold1")
    assert one.war is not None
    assert one.seeds == (0, 1, 2)
    assert one.war.effect.difference == pytest.approx(2 * 9 / 24 / 3)
    assert one.war.basis == "clips and pairs"
    assert one.war.p == pytest.approx(scipy_stats.ttest_1samp([9 / 24, 9 / 24, 0], 0).pvalue)
    assert one.verdicts[0] == "no evidence"


def test_the_clips_of_several_seeds_count_once(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    """The same eleven discordant clips in both seeds: p is that of eleven clips, not of twenty-two."""
    for seed in (0, 1):
        write_pair(write_run, two_folds, BETTER, seed=seed)
    one = contrast(compared(tmp_path), fold_set="fold1")
    assert one.war is not None
    mid_p = scipy_stats.binomtest(1, 11).pvalue - scipy_stats.binom.pmf(1, 11, 0.5)
    assert one.war.p == pytest.approx(mid_p)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"machine": {"torch": "2.12.0"}}, "torch"),
        ({"machine": {"device_name": "Another CPU", "precision": "bf16"}}, "device, precision"),
    ],
)
def test_a_broken_pair_is_listed_and_not_averaged(
    tmp_path: Path,
    write_run: WriteRun,
    two_folds: Callable[..., RunConfig],
    run_environment: Callable[..., dict[str, Any]],
    changes: dict[str, Any],
    reason: str,
) -> None:
    write_pair(write_run, two_folds, BETTER)
    write_run(two_folds(seed=1), predicted=BASELINE)
    write_run(two_folds(seed=1, arm="au-global"), predicted=BASELINE, machine=run_environment(**changes["machine"]))
    comparison = compared(tmp_path)
    (broken,) = comparison.broken
    assert (broken.seed, broken.reason) == (1, reason)
    assert len(comparison.pairs) == 1
    one = contrast(comparison, fold_set="fold1")
    assert (one.seeds, one.broken) == ((0,), (f"{reason} (fold 1, seed 1)",))


def test_without_a_baseline_there_is_no_verdict(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    write_run(two_folds(arm="au-minor"), predicted=BETTER)
    comparison = compared(tmp_path)
    assert comparison.pairs == ()
    (one,) = comparison.contrasts
    assert (one.verdicts, one.war, one.family) == ((NO_PAIR, NO_PAIR), None, 0)
    assert one.broken == ("no baseline run (fold 1, seed 0)",)


def test_the_family_is_all_verdicts_of_a_rule_and_fold_set(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    write_pair(write_run, two_folds, BETTER)
    for arm in ("au-distinct", "au-minor"):
        write_run(two_folds(arm=arm), predicted=BASELINE)
    write_run(two_folds(model="mae_dfer"), predicted=BASELINE)
    write_run(two_folds(model="mae_dfer", arm="au-minor"), predicted=BASELINE)
    one = contrast(compared(tmp_path), arm="au-global")
    assert one.war is not None
    assert one.family == 8
    assert one.war.p_holm == pytest.approx(8 * one.war.p)


def test_numbers_depend_neither_on_other_runs_nor_on_order(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    write_pair(write_run, two_folds, BETTER)
    (alone,) = compared(tmp_path).as_json()["pairs"]
    write_pair(write_run, two_folds, WORSE, model="a_model")
    found = setting(tmp_path)
    for runs in (found.runs, found.runs[::-1]):
        assert alone in compare(replace(found, runs=runs)).as_json()["pairs"]
    assert compare(found).as_json() == compare(replace(found, runs=found.runs[::-1])).as_json()


def test_models_come_in_the_order_asked_for(
    tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]
) -> None:
    for model in ("m3dfel", "former_dfer"):
        write_pair(write_run, two_folds, BETTER, model=model)
    ordered = compare(setting(tmp_path), ["m3dfel", "former_dfer"])
    assert [one.model for one in ordered.contrasts] == ["m3dfel", "former_dfer"]


def test_as_json_is_json_without_nan(tmp_path: Path, write_run: WriteRun, two_folds: Callable[..., RunConfig]) -> None:
    write_pair(write_run, two_folds, BETTER)
    text = json.dumps(compared(tmp_path).as_json(), allow_nan=False)
    (one,) = json.loads(text)["contrasts"]
    assert one["war"]["verdict"] == "improves"
    assert one["war"]["spread"]["low"] is None
    assert one["recall_E"][3]["difference"] is None


def predictions(names: list[str], labels: list[int], said: list[int]) -> Predictions:
    return Predictions(1, tuple(names), np.array(labels), np.eye(7, dtype=np.float32)[said])


def test_clips_are_matched_by_name() -> None:
    match = match_clips(predictions(["b", "a"], [1, 0], [1, 3]), predictions(["a", "b"], [0, 1], [0, 2]))
    assert not isinstance(match, str)
    assert match.clips == ("b", "a")
    assert match.difference_B.tolist() == [-1, 1]


def test_other_clips_or_labels_are_no_pair() -> None:
    here = predictions(["a", "b"], [0, 1], [0, 1])
    assert match_clips(here, predictions(["a", "c"], [0, 1], [0, 1])) == "other clips (2 in one of the two only)"
    assert match_clips(here, predictions(["a", "b"], [0, 2], [0, 1])) == "other labels (1 clip)"
