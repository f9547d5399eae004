"""False verdicts and power on 1,000 simulated pairs each, the size of DFEW's fold 1; milliseconds of one pair.

python -m pytest tests/bench/test_bench_stats.py --benchmark-enable -s
"""

import csv
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.stats import pair_stats
from harness.analysis.stats.simulate import Truth, contrast_rates, pair_rates, simulate
from harness.au.units import EXPRESSIONS
from harness.manifest import load_dataset, manifests_dir

PAIRS = 1000
SHARED = {"often": 0.6, "rarely": 0.9}  # how often two runs disagree about a clip


def truth(gain: float = 0.0, shared: float = 0.6, wobble: float = 0.0) -> Truth:
    """Classes of DFEW's fold 1, recalls of the printed Former-DFER baseline; every recall rises by `gain`."""
    with (manifests_dir() / "paper" / "table2.csv").open(encoding="utf-8") as file:
        (row,) = [row for row in csv.DictReader(file) if (row["method"], row["arm"]) == ("Former-DFER", "baseline")]
    recall_E = tuple(float(row[name]) / 100 for name in EXPRESSIONS)
    return Truth(load_dataset("dfew").counts["1"].test, recall_E, (gain,) * len(recall_E), shared, wobble)


@pytest.fixture(autouse=True)
def only_when_asked(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("takes a minute; run with --benchmark-enable -s")


def show(title: str, rates: object) -> None:
    values = {name: value for name, value in vars(rates).items() if isinstance(value, float)}
    print(f"\n{title}: " + ", ".join(f"{name} {100 * value:.1f} %" for name, value in values.items()), end="")


@pytest.mark.parametrize("shared", SHARED)
def test_bench_false_verdicts_of_a_pair(shared: str) -> None:
    rates = pair_rates(truth(shared=SHARED[shared]), PAIRS, seed=1)
    show(f"no effect, runs disagree {shared}", rates)
    assert 0.035 <= rates.mid_p <= 0.065
    assert 0.035 <= rates.flips <= 0.065


def test_bench_false_verdicts_on_a_small_test_set() -> None:
    """A twentieth of the clips: the exact test stays far below its level, mid-p does not exceed it."""
    large = truth()
    rates = pair_rates(replace(large, clips_E=tuple(n // 20 for n in large.clips_E)), PAIRS, seed=4)
    show("no effect, a twentieth of the clips", rates)
    assert rates.mcnemar < 0.035
    assert rates.mcnemar < rates.mid_p <= 0.065


@pytest.mark.parametrize("points", [1, 2, 4])
@pytest.mark.parametrize("shared", SHARED)
def test_bench_power_of_a_pair(shared: str, points: int) -> None:
    rates = pair_rates(truth(gain=points / 100, shared=SHARED[shared]), PAIRS, seed=2)
    show(f"+{points} points, runs disagree {shared}", rates)
    assert rates.mid_p > 0.065


@pytest.mark.parametrize("wobble", [0.0, 0.01])
@pytest.mark.parametrize("folds, seeds", [(5, 1), (1, 3), (5, 3)])
def test_bench_false_verdicts_over_folds_and_seeds(folds: int, seeds: int, wobble: float) -> None:
    rates = contrast_rates(truth(wobble=wobble), PAIRS, folds, seeds, seed=3)
    show(f"no effect, {folds} folds x {seeds} seeds, runs' own ability varies by {100 * wobble:.0f} points", rates)
    assert rates.verdict_war <= 0.065
    assert rates.verdict_uar <= 0.065


def test_bench_pair(benchmark) -> None:
    label_B, baseline_SB, au_SB = simulate(truth(), np.random.default_rng(0))
    benchmark(pair_stats, label_B, baseline_SB[0], au_SB[0], seed=0)
