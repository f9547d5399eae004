"""Two summaries, compared: every number in them is written out here, and each test alters one thing."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis.bands import make_baseline
from harness.analysis.regress import Check, compare, passed
from harness.analysis.summary import Summary
from harness.errors import DataError

SETTING = "demo/rendered/native/demo"
SHA = "0" * 64


def score(war: float, uar: float = 0.5, seeds: tuple[int, ...] = (0,)) -> dict[str, Any]:
    accuracy = [0.5, 0.5, None, None, None, None, None]
    counted = {"clips": 100, "folds": [1], "seeds": seeds, "one_clip_war": 0.01, "one_clip_uar": 0.02}
    return {"war": war, "uar": uar, "accuracy": accuracy, **counted}


def run(**changes: Any) -> dict[str, Any]:
    surroundings = {"device": "cpu, Made-up", "torch": "2.11.0", "precision": "fp32", "harness": "0.1.0"}
    return {
        "config": "a",
        **surroundings,
        "clips": 100,
        "clips_per_second": 50.0,
        "predictions": {"last": SHA},
        **changes,
    }


def plain(war: float = 0.5, uar: float = 0.5, seed: int = 0) -> dict[str, Any]:
    """A report of one model with baseline and au-minor, as its JSON; both arms have the same scores."""
    names = [f"m3dfel/{arm}/fold1-seed{seed}" for arm in ("baseline", "au-minor")]
    return {
        "settings": {
            SETTING: {
                "experiment": "demo",
                "dataset": "rendered",
                "label": "rendered faces",
                "engine": "native",
                "scale": "demo",
                "fingerprints": {"m3dfel/fold1": "frames"},
                "expected": names,
                "runs": {name: run() for name in names},
                "scores": {f"m3dfel/{arm}/last/fold1": score(war, uar, (seed,)) for arm in ("baseline", "au-minor")},
            }
        },
        "unfinished": [],
        "models": {"m3dfel demo": {"parameters": 407352, "multiply_adds": 1000}},
        "upstreams": {"m3dfel": {"commit": "c", "tree": "t", "patched_tree": "p", "patches": {"0001-a.patch": SHA}}},
        "tables": {
            "table 1: measured": {"columns": ["Method", "WAR"], "rows": ["M3DFEL | baseline", "M3DFEL | au-minor"]}
        },
    }


def summary(alter: Callable[[Any], None] | None = None, **made: Any) -> Summary:
    """The report, after `alter` did something to its JSON."""
    data = plain(**made)
    if alter:
        alter(data)
    return Summary.model_validate(data)


def failed(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if check.failed]


def of(checks: list[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name]
    return found


def setting(data: Any) -> Any:
    return data["settings"][SETTING]


def test_a_report_is_unchanged_beside_itself() -> None:
    checks = compare(summary(), summary())
    assert passed(checks)
    assert {check.verdict for check in checks} == {"same", "note"}


def test_no_check_at_all_is_no_pass() -> None:
    assert not passed([])


@pytest.mark.parametrize(
    ("alter", "name"),
    [
        (lambda data: data["models"]["m3dfel demo"].update(multiply_adds=1001), "m3dfel demo: multiply-adds"),
        (lambda data: data["models"]["m3dfel demo"].update(parameters=407353), "m3dfel demo: parameters"),
        (lambda data: data["models"]["m3dfel demo"].update(multiply_adds=None), "m3dfel demo: multiply-adds"),
        (lambda data: data["upstreams"]["m3dfel"].update(commit="d"), "m3dfel: commit"),
        (lambda data: data["upstreams"]["m3dfel"].update(patched_tree="q"), "m3dfel: patched tree"),
        (
            lambda data: data["upstreams"]["m3dfel"]["patches"].update({"0001-a.patch": "1" + SHA[1:]}),
            "m3dfel: patch 0001-a.patch",
        ),
        (lambda data: data["upstreams"]["m3dfel"].update(patches={}), "m3dfel: patch 0001-a.patch"),
        (
            lambda data: setting(data)["fingerprints"].update({"m3dfel/fold1": "other frames"}),
            f"{SETTING}: data of m3dfel/fold1",
        ),
        (lambda data: data["tables"]["table 1: measured"].update(columns=["Method", "UAR"]), "table 1: measured"),
        (lambda data: data["tables"]["table 1: measured"]["rows"].reverse(), "table 1: measured"),
        (lambda data: data["tables"]["table 1: measured"]["rows"].pop(), "table 1: measured"),
        (lambda data: data.update(tables={}), "table 1: measured"),
    ],
    ids=[
        *("flops+1", "parameters+1", "flops gone", "commit", "patched tree", "patch byte", "patch gone", "data"),
        *("column", "row order", "row gone", "grid gone"),
    ],
)
def test_what_must_be_equal_fails_alone(alter: Callable[[Any], None], name: str) -> None:
    assert failed(compare(summary(), summary(alter))) == [name]


def test_two_controls_make_the_band_their_spread() -> None:
    bands = make_baseline(
        [("a", "1" * 64, summary(war=0.50)), ("b", "2" * 64, summary(war=0.53, seed=1))], "made"
    ).bands
    assert bands is not None
    band = bands.scores[SETTING]["m3dfel/baseline/last/fold1"]
    assert band.war == band.war_spread == pytest.approx(0.03)
    assert (band.uar, band.uar_spread) == (0.02, 0.0)  # at least what one clip of a class of 25 in two classes moves
    assert [control.seeds for control in bands.controls] == [(0,), (1,)]


@pytest.mark.parametrize(
    ("war", "verdict"), [(0.53, "within"), (0.47, "within"), (0.4699, "failed"), (0.5301, "failed"), (0.5, "same")]
)
def test_war_passes_within_the_band_in_both_directions(war: float, verdict: str) -> None:
    baseline = make_baseline([("a", "1" * 64, summary(war=0.50)), ("b", "2" * 64, summary(war=0.53))], "made")
    checks = compare(baseline, summary(war=war))
    assert of(checks, f"{SETTING}: m3dfel/baseline/last/fold1: WAR").verdict == verdict
    assert passed(checks) == (verdict != "failed")


def test_uar_has_a_band_of_its_own() -> None:
    baseline = make_baseline([("a", "1" * 64, summary(uar=0.50)), ("b", "2" * 64, summary(uar=0.60))], "made")
    assert passed(compare(baseline, summary(uar=0.41)))
    assert not passed(compare(baseline, summary(uar=0.39)))


def test_one_control_gives_no_band_and_only_the_same_number_passes() -> None:
    baseline = make_baseline([("a", "1" * 64, summary())], "made")
    assert passed(compare(baseline, summary()))
    check = of(compare(baseline, summary(war=0.5001)), f"{SETTING}: m3dfel/baseline/last/fold1: WAR")
    assert check.failed
    assert "band unknown" in check.why


def test_a_missing_model_fails_as_vanished() -> None:
    def two_models(data: Any) -> None:
        name = "mae_dfer/baseline/fold1-seed0"
        setting(data)["expected"].append(name)
        setting(data)["runs"][name] = run()
        setting(data)["scores"]["mae_dfer/baseline/last/fold1"] = score(0.5)

    checks = compare(summary(two_models), summary())
    assert not passed(checks)
    assert {check.name for check in checks if check.verdict == "vanished"} == {
        f"{SETTING}: mae_dfer/baseline/fold1-seed0",
        f"{SETTING}: mae_dfer/baseline/last/fold1",
        f"{SETTING}: mae_dfer",
    }


def test_what_appeared_is_listed_and_is_no_regression() -> None:
    def more(data: Any) -> None:
        setting(data)["scores"]["m3dfel/baseline/best-on-test/fold1"] = score(0.6)
        data["tables"]["table 1: measured"]["rows"].append("M3DFEL | au-global")

    checks = compare(summary(), summary(more))
    assert passed(checks)
    appeared = [check.name for check in checks if check.verdict == "appeared"]
    assert appeared == ["table 1: measured", f"{SETTING}: m3dfel/baseline/best-on-test/fold1"]


def test_an_unfinished_run_fails() -> None:
    checks = compare(summary(), summary(lambda data: data["unfinished"].append("m3dfel/au-minor/fold1-seed1-0123")))
    assert failed(checks) == ["m3dfel/au-minor/fold1-seed1-0123"]


def test_a_hole_in_the_matrix_fails() -> None:
    hole = "m3dfel/baseline/fold2-seed0"
    checks = compare(summary(), summary(lambda data: setting(data)["expected"].append(hole)))
    assert failed(checks) == [f"{SETTING}: {hole}", f"{SETTING}: finished runs"]
    assert of(checks, f"{SETTING}: finished runs").after == "2 of 3"


def test_an_upstream_run_of_another_patched_tree_fails() -> None:
    def on(tree: str) -> Callable[[Any], None]:
        return lambda data: setting(data)["runs"]["m3dfel/baseline/fold1-seed0"].update(upstream=tree)

    assert passed(compare(summary(on("a")), summary(on("a"))))
    assert failed(compare(summary(on("a")), summary(on("b")))) == [f"{SETTING}: patched tree of m3dfel"]


@pytest.mark.parametrize("number", [math.nan, math.inf, "NaN"])
def test_a_score_that_is_not_finite_fails_even_where_the_baseline_has_none(number: Any) -> None:
    def alter(data: Any) -> None:
        setting(data)["scores"]["m3dfel/baseline/best-on-test/fold1"] = score(number)

    assert failed(compare(summary(), summary(alter))) == [f"{SETTING}: m3dfel/baseline/best-on-test/fold1"]


@pytest.mark.parametrize(
    "alter",
    [
        lambda data: setting(data)["scores"]["m3dfel/baseline/last/fold1"].update(war=math.nan),
        lambda data: setting(data)["scores"]["m3dfel/baseline/last/fold1"]["accuracy"].__setitem__(0, math.nan),
        lambda data: setting(data)["runs"]["m3dfel/baseline/fold1-seed0"].update(not_finite=["epoch 2: loss"]),
        lambda data: setting(data)["runs"]["m3dfel/baseline/fold1-seed0"].update(clips_per_second=math.nan),
    ],
    ids=["WAR", "accuracy", "loss", "speed"],
)
def test_a_nan_fails_in_a_candidate_and_is_refused_in_a_baseline(alter: Callable[[Any], None]) -> None:
    assert not passed(compare(summary(), summary(alter)))
    with pytest.raises(DataError, match=r"the baseline: .* not a finite number"):
        compare(summary(alter), summary())


def test_an_accuracy_that_vanished_fails() -> None:
    def lost(data: Any) -> None:
        setting(data)["scores"]["m3dfel/baseline/last/fold1"]["accuracy"][1] = None

    checks = compare(summary(), summary(lost))
    assert failed(checks) == [f"{SETTING}: m3dfel/baseline/last/fold1: accuracies"]


def test_a_score_on_other_clips_fails() -> None:
    def fewer(data: Any) -> None:
        setting(data)["scores"]["m3dfel/baseline/last/fold1"]["clips"] = 99

    assert failed(compare(summary(), summary(fewer))) == [f"{SETTING}: m3dfel/baseline/last/fold1: judged on"]


def at(rate: float | None, device: str = "cpu, Made-up") -> Callable[[Any], None]:
    """Every run at this many clips per second on this device."""

    def alter(data: Any) -> None:
        for one in setting(data)["runs"].values():
            one.update(clips_per_second=rate, device=device)

    return alter


@pytest.mark.parametrize(
    ("rate", "verdict"), [(24.9, "failed"), (25.0, "warning"), (39.9, "warning"), (40.0, "within"), (99.0, "within")]
)
def test_clips_per_second_fail_below_half_and_warn_below_four_fifths(rate: float, verdict: str) -> None:
    assert of(compare(summary(), summary(at(rate))), f"{SETTING}: m3dfel, cpu, Made-up").verdict == verdict


def test_the_ratio_that_fails_can_be_given() -> None:
    assert passed(compare(summary(), summary(at(10.0)), min_speed=0.2))


def test_clips_per_second_of_another_device_are_not_compared() -> None:
    checks = compare(summary(), summary(at(1.0, "cpu, Slower")))
    assert passed(checks)
    assert of(checks, f"{SETTING}: m3dfel").verdict == "skipped"


def test_clips_per_second_that_are_no_longer_recorded_fail() -> None:
    assert failed(compare(summary(), summary(at(None)))) == [f"{SETTING}: m3dfel"]


def test_other_predictions_with_the_same_scores_are_only_counted() -> None:
    def other(data: Any) -> None:
        setting(data)["runs"]["m3dfel/baseline/fold1-seed0"]["predictions"] = {"last": "1" * 64}

    checks = compare(summary(), summary(other))
    assert passed(checks)
    assert of(checks, f"{SETTING}: runs with the same predictions").after == "1 of 2"


def test_another_configuration_is_a_warning() -> None:
    def other(data: Any) -> None:
        setting(data)["runs"]["m3dfel/baseline/fold1-seed0"]["config"] = "b"

    check = of(compare(summary(), summary(other)), f"{SETTING}: configuration")
    assert (check.verdict, check.after) == ("warning", "m3dfel/baseline/fold1-seed0")


def test_an_unfinished_baseline_is_refused() -> None:
    with pytest.raises(DataError, match="the baseline: lost: a run without DONE"):
        compare(summary(lambda data: data["unfinished"].append("lost")), summary())


def test_controls_that_differ_by_more_than_the_seed_are_refused() -> None:
    other = summary(lambda data: data["models"]["m3dfel demo"].update(multiply_adds=1001))
    with pytest.raises(DataError, match="b: m3dfel demo: multiply-adds is not that of a"):
        make_baseline([("a", "1" * 64, summary()), ("b", "2" * 64, other)], "made")


def test_controls_with_other_scores_are_refused() -> None:
    more = summary(lambda data: setting(data)["scores"].update({"m3dfel/baseline/best-on-test/fold1": score(0.5)}))
    with pytest.raises(DataError, match="best-on-test/fold1 is not that of a"):
        make_baseline([("a", "1" * 64, summary()), ("b", "2" * 64, more)], "made")


def test_the_same_report_twice_is_no_second_control() -> None:
    with pytest.raises(DataError, match="b: the same summary"):
        make_baseline([("a", SHA, summary()), ("b", SHA, summary())], "made")


def test_a_control_with_an_unfinished_run_is_refused() -> None:
    with pytest.raises(DataError, match="b: lost: a run without DONE"):
        make_baseline([("b", SHA, summary(lambda data: data["unfinished"].append("lost")))], "made")


def test_a_baseline_is_no_control() -> None:
    with pytest.raises(DataError, match="is a baseline already"):
        make_baseline([("a", SHA, make_baseline([("a", SHA, summary())], "made"))], "made")
