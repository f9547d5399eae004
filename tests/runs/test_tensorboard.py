"""Event files: an epoch's numbers as TensorBoard reads them; without the package one line says what to install."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.manifest import RunConfig
from harness.runs.sweep import plan
from harness.runs.tensorboard import FOLDER, with_events, write_epoch


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_an_epochs_numbers_stand_at_its_step(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    write_epoch(tmp_path, {"epoch": 1, "step": 9, "loss": 1.5, "au_loss": None, "test_war": 0.25})
    write_epoch(tmp_path, {"epoch": 2, "step": 18, "loss": 0.5, "au_loss": None, "test_war": 0.5})
    assert scalars(tmp_path) == {"loss": [(1, 1.5), (2, 0.5)], "test_war": [(1, 0.25), (2, 0.5)]}


def test_events_lie_in_the_run_directory_and_the_epoch_is_passed_on(tmp_path: Path, one_run: RunConfig) -> None:
    pytest.importorskip("tensorboard")
    seen: list[dict[str, Any]] = []
    on_epoch = with_events(tmp_path, lambda config, record: seen.append(record))
    on_epoch(one_run, {"epoch": 1, "loss": 2.0})
    assert scalars(tmp_path / one_run.directory() / FOLDER) == {"loss": [(1, 2.0)]}
    assert seen == [{"epoch": 1, "loss": 2.0}]


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HarnessError, match=r'pip install "\.\[tensorboard\]"'):
        with_events(tmp_path, lambda config, record: None)


@pytest.fixture
def one_run(prepared: Any) -> RunConfig:
    from harness.manifest import change, load_dataset, load_experiment
    from harness.runs.sweep import Machine, packed_data

    experiment = change(load_experiment("demo"), {"models": ["m3dfel"], "arms": ["baseline"]})
    manifest = load_dataset("rendered")
    (config,) = plan(experiment, lambda _, fold: packed_data(experiment, manifest, prepared, fold), Machine())
    return config
