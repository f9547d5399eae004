"""The dry run: clips, FLOPs and hours, worked out by hand where they can be."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.engine import throughput
from harness.engine.environment import device_name
from harness.engine.throughput import Throughput
from harness.manifest import Experiment, RunConfig, change, load_dataset, load_experiment
from harness.runs import forecast as module
from harness.runs.experiment import Means, Watcher, forecast_experiment
from harness.runs.forecast import Forecast, counted_data, forecast
from harness.runs.records import Run
from harness.runs.sweep import Machine, plan


@pytest.fixture
def silent() -> Watcher:
    def nothing(*_: Any) -> Any:
        return nothing

    return Watcher(nothing, nothing, nothing, nothing, nothing)


@pytest.fixture
def fixed_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that trains ten clips a second and tests forty."""
    monkeypatch.setattr(module, "measure_throughput", lambda config, multiply_adds: Throughput(10.0, 40.0, "fixed"))


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are not counted, which takes seconds."""
    monkeypatch.setattr(module, "inference_multiply_adds", lambda models: dict.fromkeys(models, 1))


def planned(experiment: Experiment) -> list[RunConfig]:
    manifest = load_dataset(experiment.dataset)
    return plan(experiment, lambda _, fold: counted_data(experiment, manifest, manifest.counts[str(fold)]), Machine())


def test_clips_of_a_matrix_are_those_of_its_epochs_in_whole_batches(fixed_speed: None, tmp_path: Path) -> None:
    changes = {"models": ["former_dfer"], "folds": [1], "arms": ["baseline", "au-minor"], "epochs": 3}
    (one,) = forecast(planned(change(load_experiment("reproduce-dfew"), changes)), tmp_path)
    # DFEW fold 1: 9,356 training clips are 292 batches of 32; 2,341 test clips.
    assert (one.runs, one.train_clips, one.test_clips) == (2, 2 * 3 * 292 * 32, 2 * 3 * 2341)
    assert one.multiply_adds == 8_318_694_912
    assert one.hours == pytest.approx((56064 / 10 + 14046 / 40) / 3600)
    assert one.total_multiply_adds == pytest.approx(8_318_694_912 * (3 * 56064 + 14046))


def test_each_view_of_a_test_clip_costs(fixed_speed: None, uncounted: None, tmp_path: Path) -> None:
    changes = {"models": ["mae_dfer"], "folds": [1], "arms": ["baseline"], "epochs": 1}
    (one,) = forecast(planned(change(load_experiment("reproduce-dfew"), changes)), tmp_path)
    assert one.views == 2
    assert one.hours == pytest.approx((one.train_clips / 10 + 2 * 2341 / 40) / 3600)


def test_finished_runs_give_the_speed_if_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"models": ["former_dfer"], "folds": [1], "arms": ["baseline"], "epochs": 2}
    (config,) = planned(change(load_experiment("reproduce-dfew"), changes))
    epochs = tuple({"clips_per_second": speed, "evaluation_seconds": 23.41} for speed in (90.0, 110.0))
    here = Run(tmp_path, config, {"device_name": device_name("cpu")}, epochs)
    elsewhere = Run(
        tmp_path, config, {"device_name": "another"}, ({"clips_per_second": 1.0, "evaluation_seconds": 1.0},)
    )
    monkeypatch.setattr(module, "read_runs", lambda _: ([here, elsewhere], []))
    (one,) = forecast([config], tmp_path)
    assert (one.train_per_second, one.test_per_second, one.source) == (100.0, pytest.approx(100.0), "1 finished runs")


def test_processes_that_have_a_gpu_each_add_up_and_those_of_one_cpu_do_not(
    uncounted: None, fixed_speed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "device_name", lambda device: device)
    changes = {"models": ["former_dfer"], "folds": [1], "arms": ["baseline"], "epochs": 1, "nproc": 4}
    experiment = change(load_experiment("reproduce-dfew"), changes)
    (on_cpu,) = forecast(planned(experiment), tmp_path)
    assert (on_cpu.train_per_second, on_cpu.test_per_second, on_cpu.source) == (10.0, 40.0, "fixed")
    on_gpus = [config.model_copy(update={"device": "cuda"}) for config in planned(experiment)]
    (one,) = forecast(on_gpus, tmp_path)
    assert (one.train_per_second, one.test_per_second) == (40.0, 160.0)
    assert one.source == "fixed; times 4 processes, if nothing is lost between them"


def test_finished_runs_of_as_many_processes_come_before_those_of_one(
    uncounted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "device_name", lambda device: device)
    changes = {"models": ["former_dfer"], "folds": [1], "arms": ["baseline"], "epochs": 1, "nproc": 4}
    (asked,) = planned(change(load_experiment("reproduce-dfew"), changes))
    asked = asked.model_copy(update={"device": "cuda"})
    finished = [
        Run(
            tmp_path,
            asked.model_copy(update={"nproc": processes}),
            {"device_name": "cuda"},
            ({"clips_per_second": speed, "evaluation_seconds": 23.41},),
        )
        for processes, speed in ((1, 100.0), (4, 350.0))
    ]
    monkeypatch.setattr(module, "read_runs", lambda _: (finished, []))
    assert forecast([asked], tmp_path)[0].train_per_second == 350.0
    monkeypatch.setattr(module, "read_runs", lambda _: (finished[:1], []))
    assert forecast([asked], tmp_path)[0].train_per_second == 400.0


def bench_file(root: Path, **changes: Any) -> Path:
    """What `audfer bench --out reports/bench` leaves beside a folder of runs."""
    folder = root / "reports" / "bench"
    folder.mkdir(parents=True)
    machine = {"device_name": device_name("cpu"), "precision": "fp32", "threads": 2, **changes}
    rates = {"mae_dfer": {"train": 4.0, "test": 3.0, "note": "batch 2"}}
    (folder / "here.json").write_text(json.dumps({"scale": "demo", "machine": machine, "rates": rates}))
    return root / "runs"


def of_mae_dfer(out: Path) -> Forecast:
    changes = {"models": ["mae_dfer"], "folds": [1], "arms": ["baseline"], "epochs": 1, "scale": "demo"}
    changes["settings"] = ["mae_dfer.sampling.test_segments=2", "precision=fp32"]
    (one,) = forecast(planned(change(load_experiment("reproduce-dfew"), changes)), out)
    return one


def test_a_bench_of_this_device_gives_the_speed_where_no_run_does(tmp_path: Path) -> None:
    one = of_mae_dfer(bench_file(tmp_path))
    # Three test clips a second, each of two views, are six views.
    assert (one.views, one.train_per_second, one.test_per_second) == (2, 4.0, 6.0)
    assert one.source == "reports/bench/here.json: batch 2"
    assert one.hours == pytest.approx((one.train_clips / 4 + 2341 / 3) / 3600)


def test_a_bench_of_another_device_or_precision_does_not(fixed_speed: None, tmp_path: Path) -> None:
    assert of_mae_dfer(bench_file(tmp_path / "a", device_name="another")).source == "fixed"
    assert of_mae_dfer(bench_file(tmp_path / "b", precision="bf16")).source == "fixed"


def test_a_file_that_no_bench_wrote_is_passed_over(fixed_speed: None, tmp_path: Path) -> None:
    folder = bench_file(tmp_path).parent / "reports" / "bench"
    (folder / "here.json").write_text("[1]")
    (folder / "other.json").write_text("{")
    assert of_mae_dfer(tmp_path / "runs").source == "fixed"


def test_a_validation_split_is_taken_from_the_training_clips() -> None:
    experiment = change(load_experiment("reproduce-dfew"), {"settings": ['selection=["last", "best-on-val"]']})
    manifest = load_dataset("dfew")
    clips = counted_data(experiment, manifest, manifest.counts["1"]).clips
    # A tenth of each class of fold 1, rounded: 196 + 152 + 214 + 174 + 118 + 12 + 72 (1,515 and 1,175 round to even).
    assert clips["train"] + clips["val"] == 9356
    assert clips["val"] == 196 + 152 + 214 + 174 + 118 + 12 + 72
    assert clips["test"] == 2341


def test_without_a_data_root_the_published_counts_are_taken(
    fixed_speed: None, uncounted: None, silent: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FERV39K_ROOT", raising=False)
    source, found = forecast_experiment(
        change(load_experiment("reproduce-ferv39k"), {"epochs": 1}), Means(None, tmp_path, tmp_path / "runs"), silent
    )
    assert source == "published counts of FERV39k"
    assert [one.test_clips for one in found] == [4 * 7847] * 3
    assert not list(tmp_path.iterdir())


def test_a_forecast_is_json_and_a_row() -> None:
    one = Forecast("m3dfel", 4, 100, 36_000, 7200, 1_000_000_000, 1, 10.0, 2.0, "measured now, batch 2")
    assert json.loads(json.dumps(one.as_json()))["hours"] == pytest.approx(2.0)
    assert one.row()["P multiply-adds"] == "0.115"


def test_the_throughput_of_a_small_model_is_measured_on_its_own_steps() -> None:
    experiment = change(load_experiment("demo"), {"models": ["former_dfer"], "arms": ["baseline"]})
    manifest = load_dataset("dfew")
    config = plan(experiment, lambda *_: counted_data(experiment, manifest, manifest.counts["1"]), Machine())[0]
    found = throughput.measure_throughput(config, 1e9)
    assert found.train > 0
    assert found.test > 0
    assert found.source == f"measured now, batch {config.recipe.batch}"
