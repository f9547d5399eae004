"""From an experiment to its runs."""

import pytest

from harness.data.prepare import Prepared
from harness.manifest import Experiment, RunConfig, change, load_dataset, load_experiment
from harness.runs.experiment import default_jobs
from harness.runs.sweep import Machine, packed_data, plan


@pytest.fixture
def planned(prepared: Prepared) -> list[RunConfig]:
    experiment = change(load_experiment("demo"), {"folds": [1, 2], "seeds": [0, 1]})
    manifest = load_dataset("rendered")
    return plan(experiment, lambda recipe, fold: packed_data(experiment, manifest, prepared, fold), Machine())


def test_every_combination_is_one_run_with_a_directory_of_its_own(planned: list[RunConfig]) -> None:
    assert len(planned) == 3 * 4 * 2 * 2
    assert len({config.directory() for config in planned}) == len(planned)


def test_the_arms_of_a_model_stand_together(planned: list[RunConfig]) -> None:
    assert [config.arm for config in planned[:4]] == ["baseline", "au-global", "au-distinct", "au-minor"]
    assert len({(config.model, config.fold, config.seed) for config in planned[:4]}) == 1


def test_a_pair_differs_in_the_arm_alone(planned: list[RunConfig]) -> None:
    baseline, au = (config.model_dump() for config in planned[:2])
    assert {key for key in baseline if baseline[key] != au[key]} == {"arm", "au"}
    assert baseline["au"] is None
    assert au["au"] == {
        "knowledge": "fig4", "pos_weight": "fold", "label_frames": "all", "reduction": "mean", "ratio": 0.25,
        "strategy": "global",
    }  # fmt: skip


def test_clip_counts_of_a_run_add_up_to_the_data_set(planned: list[RunConfig], prepared: Prepared) -> None:
    assert sum(planned[0].dataset.clips.values()) == len(prepared.pack.names)


def test_a_run_on_a_gpu_is_one_at_a_time() -> None:
    demo: Experiment = load_experiment("demo")
    assert default_jobs(demo, "cuda:0") == 1
    assert default_jobs(demo, "cpu") >= 1
    assert default_jobs(load_experiment("reproduce-dfew"), "cpu") == 1
