"""The lambda sweep: every AU run against the sweep's one baseline, on one fold set, broken pairs left out by name."""

import pytest

from harness.manifest import AUArm
from harness.report.figures.ratio import alt, column, draw, sweeps


@pytest.fixture
def swept_config(run_config):
    def make(ratio, **changes):
        au = {"arm": "au-minor", "au": AUArm(strategy="minor", ratio=ratio)} if ratio else {"arm": "baseline"}
        name = f"sweep/ratio-{ratio:g}" if ratio else "sweep"
        return run_config(**{"experiment": name, **au, **changes})

    return make


def right(count):
    """Fifty-six clips of happy, `count` of them right."""
    return [(0, 0)] * count + [(0, 1)] * (56 - count)


def swept_settings(write_run, tmp_path, runs):
    from harness.report.measured import settings
    from harness.runs.records import read_runs

    for one, count, machine in runs:
        write_run(one, predicted=right(count), machine=machine)
    return settings(read_runs(tmp_path / "runs")[0])


def test_each_ratio_meets_the_sweeps_baseline(write_run, tmp_path, swept_config):
    runs = [(swept_config(0), 14, None), (swept_config(0.5), 28, None), (swept_config(0.1), 42, None)]
    found = sweeps(swept_settings(write_run, tmp_path, runs))
    (sweep,) = found["sweep", "native", "demo"]
    assert list(sweep) == [0.1, 0.5]
    one = column(sweep, "last")
    points = one.lines["m3dfel", "au-minor"]
    assert [(point.ratio, point.war) for point in points] == [(0.0, 0.25), (0.1, 0.75), (0.5, 0.5)]
    assert (one.fold_set, one.left_out) == ("fold1", ())
    assert one.title == "rendered faces (not DFEW)"


def test_a_point_of_another_machine_is_left_out_by_name(write_run, tmp_path, swept_config, run_environment):
    other = run_environment(device_name="Another CPU")
    runs = [(swept_config(0), 14, None), (swept_config(0.5), 28, other), (swept_config(0.1), 42, None)]
    (sweep,) = sweeps(swept_settings(write_run, tmp_path, runs))["sweep", "native", "demo"]
    one = column(sweep, "last")
    assert [point.ratio for point in one.lines["m3dfel", "au-minor"]] == [0.0, 0.1]
    assert one.left_out == ("m3dfel au-minor at 0.5: device (fold 1, seed 0)",)
    assert one.left_out[0] in alt((), [one])


def test_fold_sets_and_seeds_are_not_mixed(write_run, tmp_path, swept_config):
    runs = [(swept_config(0, folds=2, fold=fold), 14, None) for fold in (1, 2)]
    runs += [(swept_config(0.1, folds=2, fold=fold), 28, None) for fold in (1, 2)]
    runs += [(swept_config(0.5, folds=2), 42, None)]
    (sweep,) = sweeps(swept_settings(write_run, tmp_path, runs))["sweep", "native", "demo"]
    one = column(sweep, "last")
    # Fold 1 is there at both ratios, the mean of folds at one.
    assert one.fold_set == "fold1"
    assert [point.ratio for point in one.lines["m3dfel", "au-minor"]] == [0.0, 0.1, 0.5]


def test_fewer_seeds_than_the_baseline_are_left_out(write_run, tmp_path, swept_config):
    runs = [(swept_config(0, seed=seed), 14, None) for seed in (0, 1)] + [(swept_config(0.1), 28, None)]
    (sweep,) = sweeps(swept_settings(write_run, tmp_path, runs))["sweep", "native", "demo"]
    one = column(sweep, "last")
    assert one.left_out == ("m3dfel au-minor at 0.1: other seeds than the baseline",)
    assert len(draw("t", (), [one]).axes) == 2


def test_runs_of_no_sweep_are_none(write_run, tmp_path, run_config):
    runs = [(run_config(), 14, None), (run_config(arm="au-minor"), 28, None)]
    assert sweeps(swept_settings(write_run, tmp_path, runs)) == {}


def test_a_sweep_is_drawn_war_above_uar_with_its_words(write_run, tmp_path, swept_config):
    runs = [(swept_config(0), 14, None), (swept_config(0.25), 28, None)]
    (sweep,) = sweeps(swept_settings(write_run, tmp_path, runs))["sweep", "native", "demo"]
    one = column(sweep, "last")
    above, below = draw("t", (), [one]).axes
    assert above.get_lines()[0].get_ydata() == pytest.approx([25.0, 50.0])
    assert (above.get_ylabel(), below.get_ylabel()) == ("WAR, %", "UAR, %")
    assert "m3dfel au-minor: 0 WAR 25.00 UAR 25.00, 0.25 WAR 50.00 UAR 50.00" in alt((), [one])
