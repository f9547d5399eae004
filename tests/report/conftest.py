"""Synthetic run directories: complete, sealed records with predictions drawn from a seed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.au.units import EXPRESSIONS
from harness.manifest import AUArm, RunConfig, RunData
from harness.recipe import Augmentation, Input, Optimizer, Recipe, Sampling, Schedule
from harness.runs.records import seal

# Test clips per expression; disgust is rare, as in DFEW.
COUNTS = (12, 9, 13, 10, 7, 1, 4)


def recipe(epochs: int = 2) -> Recipe:
    return Recipe(
        batch=8,
        epochs=epochs,
        pack_size=32,
        input=Input(frames=4, size=32),
        sampling=Sampling(rule="m3dfel"),
        augmentation=Augmentation(),
        optimizer=Optimizer(name="sgd", lr=0.1),
        schedule=Schedule(name="constant"),
    )


def data(name: str = "rendered", test: int = sum(COUNTS), **other: Any) -> RunData:
    values = {"title": "rendered faces", "published": False, "fingerprint": f"{name}-frames", **other}
    labels = {expression: i for i, expression in enumerate(EXPRESSIONS)}
    return RunData(name=name, labels=labels, clips={"train": 300, "val": 0, "test": test}, **values)


def config(**changes: Any) -> RunConfig:
    arm = changes.get("arm", "baseline")
    values = {
        "experiment": "demo",
        "dataset": data(),
        "model": "m3dfel",
        "scale": "demo",
        "arm": "baseline",
        "fold": 1,
        "folds": 5,
        "seed": 0,
        "selection": ("last", "best-on-test"),
        "au": None if arm == "baseline" else AUArm(strategy=arm.removeprefix("au-")),
        "recipe": recipe(),
    }
    return RunConfig(**{**values, **changes})


def environment(**changes: Any) -> dict[str, Any]:
    values = {
        "harness": {"version": "0.1.0", "commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        "torch": "2.11.0",
        "device_name": "Made-up CPU",
        "precision": "fp32",
        "threads": 2,
    }
    return {**values, **changes}


def drawn(labels_B: np.ndarray, accuracy: float, seed: int) -> np.ndarray:
    """Logits (B, E) that are right for about `accuracy` of the clips."""
    generator = np.random.default_rng(seed)
    logits_BE = generator.normal(size=(len(labels_B), 7)).astype(np.float32)
    right_B = generator.random(len(labels_B)) < accuracy
    logits_BE[right_B, labels_B[right_B]] = 9.0
    return logits_BE


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """write(config, predicted=..., machine=..., sealed=True): one run directory below tmp_path/runs.

    `predicted` holds a (label, predicted) pair per test clip, said under every rule; without it, predictions are drawn.
    """

    def write(
        run: RunConfig | None = None,
        predicted: list[tuple[int, int]] | None = None,
        machine: dict[str, Any] | None = None,
        sealed: bool = True,
    ) -> Path:
        run = run or config()
        folder = tmp_path / "runs" / run.directory()
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(run.canonical_json())
        (folder / "environment.json").write_text(json.dumps(machine or environment()))
        (folder / "epochs.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n')
        if predicted is None:
            label_B = np.repeat(np.arange(7), COUNTS)
            ability = 0.4 + 0.05 * len(run.arm) / 4
            logits_BE = drawn(label_B, ability, seed=1000 * run.fold + 100 * run.seed + len(run.arm) + len(run.model))
        else:
            label_B = np.array([label for label, _ in predicted])
            logits_BE = np.eye(7, dtype=np.float32)[[said for _, said in predicted]]
        write_predictions(folder, run.selection, label_B, logits_BE)
        if sealed:
            seal(folder)
        return folder

    return write


def write_predictions(folder: Path, rules: tuple[str, ...], label_B: np.ndarray, logits_BE: np.ndarray) -> None:
    n = len(label_B)
    columns = {
        "rule": [rule for rule in rules for _ in range(n)],
        "epoch": pa.array([2 if rule == "last" else 1 for rule in rules for _ in range(n)], pa.int32()),
        "clip": [f"{i:05d}" for _ in rules for i in range(n)],
        "label": pa.array(np.tile(label_B, len(rules)), pa.int8()),
        **{name: np.tile(logits_BE[:, e], len(rules)) for e, name in enumerate(EXPRESSIONS)},
    }
    pq.write_table(pa.table(columns), folder / "predictions.parquet")


@pytest.fixture
def run_config() -> Callable[..., RunConfig]:
    """Configuration of a run, with the given fields changed."""
    return config


@pytest.fixture
def run_data() -> Callable[..., RunData]:
    """Data of a run, with the given fields changed."""
    return data


@pytest.fixture
def run_recipe() -> Callable[..., Recipe]:
    """A recipe of some epochs."""
    return recipe


@pytest.fixture
def run_environment() -> Callable[..., dict[str, Any]]:
    """Environment of a run, with the given fields changed."""
    return environment
