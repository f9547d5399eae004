"""Verdicts as files: one row for every AU arm, rule and fold set; nothing is said of a broken pair."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from harness.report.measured import settings
from harness.report.pairs import compare
from harness.report.verdicts import forests, verdict_csv, verdict_markdown
from harness.runs.records import read_runs

# Ten clips of two classes: the baseline is right on four, the arm on those and six more.
LABELS = [0] * 5 + [1] * 5
BASELINE = [(label, label if i % 5 < 2 else 6) for i, label in enumerate(LABELS)]
ALL_RIGHT = [(label, label) for label in LABELS]


@pytest.fixture
def judged(tmp_path: Path, write_run: Any, run_config: Any, run_data: Any) -> Any:
    data = run_data(test=10)
    write_run(run_config(dataset=data), predicted=BASELINE)
    write_run(run_config(dataset=data, arm="au-global"), predicted=ALL_RIGHT)
    write_run(run_config(dataset=data, arm="au-minor", model="mae_dfer"), predicted=ALL_RIGHT)
    return [(setting, compare(setting)) for setting in settings(read_runs(tmp_path / "runs")[0])]


def rows(judged: Any, **wanted: str) -> list[dict[str, str]]:
    found = csv.DictReader(io.StringIO(verdict_csv(judged)))
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def test_the_difference_is_that_of_the_predictions(judged: Any) -> None:
    (war,) = rows(judged, model="m3dfel", rule="last", metric="WAR")
    assert float(war["difference"]) == pytest.approx(0.6)
    # Six clips won and none lost: exact McNemar gives 2 / 2^6, mid-p half of that, for one of two verdicts.
    assert float(war["p"]) == pytest.approx(1 / 64)
    assert (war["clips"], war["basis"], war["dataset"]) == ("10", "clips", "rendered faces (not DFEW)")


def test_a_pair_without_a_baseline_has_no_verdict_but_its_reason(judged: Any) -> None:
    (war,) = rows(judged, model="mae_dfer", rule="last", metric="WAR")
    assert (war["verdict"], war["difference"]) == ("no whole pair", "")
    assert "no baseline run" in war["broken"]
    assert "* mae_dfer au-minor: no baseline run" in verdict_markdown(judged)


def test_every_verdict_says_its_correction_and_its_basis(judged: Any) -> None:
    text = verdict_markdown(judged)
    assert "corrected by Holm" in text
    assert "## rendered faces (not DFEW), native engine, scale demo, fold1, selection last" in text
    assert "(clips)" in text


def test_a_forest_for_each_rule(judged: Any) -> None:
    found = forests(judged)
    rules = [one.title.removeprefix("AU arms less their baselines: fold1, ") for one in found]
    assert rules == ["selection last", "selection best-on-test (oracle)"]
    assert [row.label for row in found[0].panels["WAR"]] == ["m3dfel au-global (1 seed)", "mae_dfer au-minor (0 seeds)"]
    assert found[0].panels["WAR"][0].difference == pytest.approx(0.6)
