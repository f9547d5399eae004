"""One rule for what is a pair: a table and a verdict never disagree, and a sweep's ratios have the one baseline."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.manifest import AUArm, RunConfig, manifests_dir
from harness.report.measured import Setting, differences, settings
from harness.report.pairs import compare
from harness.report.write import write_report
from harness.runs.records import read_runs

RIGHT, WRONG = [(0, 0)] * 4 + [(1, 1)], [(0, 1)] * 4 + [(1, 1)]


@pytest.fixture
def five(run_config: Callable[..., RunConfig], run_data: Any) -> Callable[..., RunConfig]:
    """Configuration of a run on five test clips, one rule."""
    return lambda **changes: run_config(**{"dataset": run_data(test=5), "selection": ("last",), **changes})


def lines(out: Path, name: str, **where: str) -> list[dict[str, str]]:
    found = csv.DictReader(io.StringIO((out / name).read_text(encoding="utf-8")))
    return [line for line in found if all(line[key] == value for key, value in where.items())]


def report(tmp_path: Path) -> Path:
    write_report(tmp_path / "runs", tmp_path / "out", manifests_dir() / "paper")
    return tmp_path / "out"


def found_settings(tmp_path: Path) -> dict[str, Setting]:
    return {one.experiment: one for one in settings(read_runs(tmp_path / "runs")[0])}


@pytest.mark.parametrize(
    ("clips", "predicted", "reason"),
    [
        (6, [*RIGHT, (1, 1)], "other clips (1 in one of the two only)"),
        (5, [(2, 2), *RIGHT[1:]], "other labels (1 clip)"),
    ],
)
def test_other_clips_or_labels_break_a_pair_in_tables_and_verdicts_alike(
    tmp_path: Path, write_run: Any, five: Any, run_data: Any, clips: int, predicted: Any, reason: str
) -> None:
    write_run(five(), predicted=WRONG)
    write_run(five(arm="au-global", dataset=run_data(test=clips)), predicted=predicted)
    out = report(tmp_path)
    for number in (1, 2, 3):
        (war,) = lines(out, f"table{number}.csv", quantity="WAR difference")
        assert (war["value"], war["verdict"], war["pairs"]) == ("", "no whole pair", "0")
        assert war["note"] == f"broken: {reason} (fold 1, seed 0)"
    (verdict,) = lines(out, "verdicts.csv", metric="WAR")
    assert (verdict["verdict"], verdict["broken"]) == ("no whole pair", f"{reason} (fold 1, seed 0)")
    assert f"✗ broken: {reason.partition(' (')[0]}" in (out / "table3.md").read_text(encoding="utf-8")


def test_tables_and_verdicts_have_the_same_numbers(tmp_path: Path, write_run: Any, five: Any) -> None:
    write_run(five(), predicted=[*WRONG[:3], *RIGHT[3:]])
    write_run(five(arm="au-minor"), predicted=RIGHT)
    out = report(tmp_path)
    for metric in ("WAR", "UAR"):
        (verdict,) = lines(out, "verdicts.csv", metric=metric)
        percents = [f"{100 * float(verdict[name]):.4f}" for name in ("difference", "low", "high")]
        for number in (1, 2, 3):
            (cell,) = lines(out, f"table{number}.csv", quantity=f"{metric} difference")
            assert [cell["value"], cell["interval_low"], cell["interval_high"]] == percents
            assert (cell["verdict"], cell["pairs"]) == (verdict["verdict"], "1")


def test_single_expressions_have_an_interval_and_no_verdict(tmp_path: Path, write_run: Any, five: Any) -> None:
    write_run(five(), predicted=WRONG)
    write_run(five(arm="au-global"), predicted=RIGHT)
    out = report(tmp_path)
    assert not lines(out, "table1.csv", quantity="accuracy difference")
    for number in (2, 3):
        found = lines(out, f"table{number}.csv", quantity="accuracy difference")
        shown = [
            (one["class"], one["value"], one["interval_low"], one["interval_high"], one["verdict"]) for one in found
        ]
        assert shown[:2] == [("happy", "100.0000", "100.0000", "100.0000", ""), ("sad", *["0.0000"] * 3, "")]
        assert shown[2] == ("neutral", "", "", "", "")
        assert len(shown) == 7


def test_a_ratio_of_a_sweep_borrows_the_baselines_of_its_experiment(tmp_path: Path, write_run: Any, five: Any) -> None:
    write_run(five(experiment="sweep"), predicted=WRONG)
    for ratio in (0.5, 1.0):
        au = AUArm(strategy="global", ratio=ratio)
        write_run(five(experiment=f"sweep/ratio-{ratio:g}", arm="au-global", au=au), predicted=RIGHT)
    out = report(tmp_path)
    gains = lines(out, "table3.csv", quantity="WAR difference")
    assert [(one["experiment"], one["value"]) for one in gains] == [
        ("sweep/ratio-0.5", "80.0000"),
        ("sweep/ratio-1", "80.0000"),
    ]
    # A baseline stands beside each ratio, and is one run: its clips are counted once.
    assert len(lines(out, "table3.csv", arm="baseline", quantity="WAR", source="measured")) == 3
    assert len(lines(out, "confusion.csv", arm="baseline", label="happy")) == 1
    text = (out / "table3.md").read_text(encoding="utf-8")
    assert "Experiment sweep/ratio-0.5, native engine, scale demo, 1 run and 1 baseline of sweep." in text
    assert "broken:" not in text


def test_only_what_is_lacking_is_borrowed(tmp_path: Path, write_run: Any, five: Any) -> None:
    au = AUArm(strategy="global", ratio=0.5)
    for seed in (0, 1, 2):
        write_run(five(experiment="sweep", seed=seed), predicted=WRONG)
    write_run(five(experiment="sweep", arm="au-global"), predicted=WRONG)
    write_run(five(experiment="sweep/ratio-0.5", seed=1), predicted=RIGHT)
    for seed in (0, 1):
        write_run(five(experiment="sweep/ratio-0.5", seed=seed, arm="au-global", au=au), predicted=RIGHT)
    found = found_settings(tmp_path)
    (borrowed,) = found["sweep/ratio-0.5"].borrowed
    assert (borrowed.config.arm, borrowed.config.seed) == ("baseline", 0)
    assert found["sweep"].borrowed == ()


def test_a_baseline_of_other_data_is_no_baseline_of_a_ratio(
    tmp_path: Path, write_run: Any, five: Any, run_data: Any
) -> None:
    write_run(five(experiment="sweep", dataset=run_data(name="other", test=5)), predicted=WRONG)
    au = AUArm(strategy="global", ratio=0.5)
    write_run(five(experiment="sweep/ratio-0.5", arm="au-global", au=au), predicted=RIGHT)
    (one,) = compare(found_settings(tmp_path)["sweep/ratio-0.5"]).contrasts
    assert one.broken == ("no baseline run (fold 1, seed 0)",)


def test_differences_without_statistics_follow_the_same_rule(
    tmp_path: Path, write_run: Any, five: Any, run_data: Any
) -> None:
    """Two seeds of one fold that are of other clips: what a clip's seeds are taken together for has no sense."""
    for seed, test in ((0, 5), (1, 6)):
        data, predicted = run_data(test=test, fingerprint="one"), [*RIGHT, (1, 1)][:test]
        for arm in ("baseline", "au-global"):
            write_run(five(seed=seed, arm=arm, dataset=data), predicted=predicted)
    setting = found_settings(tmp_path)["demo"]
    (found,), (contrast,) = differences(setting).values(), compare(setting).contrasts
    assert found.broken == contrast.broken == ("other clips than seed 0 (fold 1, seed 1)",)
    assert found.seeds == contrast.seeds == (0,)
