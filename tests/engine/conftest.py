"""Small runs of a demo model on the rendered clips of the session; and the scripts of this folder, for its tests."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data.prepare import Prepared
from harness.manifest import RunConfig, change, load_dataset, load_experiment
from harness.runs.sweep import Machine, packed_data, plan

MakeConfig = Callable[..., RunConfig]
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def make_config(prepared: Prepared) -> MakeConfig:
    """A run on the session's clips, batches of eight; keywords replace keys of the configuration."""

    def make(model: str, arm: str, *, epochs: int = 2, ratio: float = 0.25, **keys: Any) -> RunConfig:
        experiment = change(load_experiment("demo"), {"models": [model], "arms": [arm], "epochs": epochs})
        recipe = {"pack_size": prepared.pack.frames_FHWC.shape[1], "batch": 8, "epochs": epochs}
        au = experiment.au.model_copy(update={"ratio": ratio})
        experiment = experiment.model_copy(update={"overrides": {model: recipe}, "au": au})
        manifest = load_dataset("rendered")
        (config,) = plan(experiment, lambda _, fold: packed_data(experiment, manifest, prepared, fold), Machine())
        return config.model_copy(update=keys)

    return make
