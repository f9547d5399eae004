"""The state of a run is read from its files; cancelling asks the processes that are at it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import RunError
from harness.manifest import RunConfig, RunData
from harness.recipe import Augmentation, Input, Optimizer, Recipe, Sampling, Schedule
from harness.runs import status
from harness.runs.cancel import cancel_runs
from harness.runs.claim import Attempt, Owner, started, this_process
from harness.runs.queue import note_job
from harness.runs.status import states

RECIPE = Recipe(
    batch=8,
    epochs=4,
    pack_size=32,
    input=Input(frames=4, size=32),
    sampling=Sampling(rule="m3dfel"),
    augmentation=Augmentation(),
    optimizer=Optimizer(name="sgd", lr=0.1),
    schedule=Schedule(name="constant"),
)
DATA = RunData(name="rendered", title="", published=False, labels={}, clips={"test": 3}, fingerprint="f")
GONE = Owner("here", "", 1, 0, 1, 0)


def made(root: Path, seed: int, *tried: Attempt, done: bool = False) -> Path:
    config = RunConfig(
        experiment="demo", dataset=DATA, model="m3dfel", scale="demo", arm="baseline", fold=1, folds=5, seed=seed,
        selection=("last",), au=None, recipe=RECIPE,
    )  # fmt: skip
    run_dir = root / config.directory()
    run_dir.mkdir(parents=True)
    (run_dir / "config.json").write_text(config.canonical_json())
    for attempt in tried:
        (run_dir / "attempts").mkdir(exist_ok=True)
        path = run_dir / "attempts" / f"{attempt.number:04d}.json"
        path.write_text(json.dumps(asdict(attempt)))
        os.utime(path, (0, 0))
    if done:
        (run_dir / "DONE").touch()
        (run_dir / "epochs.jsonl").write_text('{"epoch": 3, "test_war": 0.1}\n{"epoch": 4, "test_war": 0.5}\n')
    return run_dir


def attempt(number: int = 1, owner: Owner = GONE, **keys: object) -> Attempt:
    return Attempt(number, owner, "2026-01-02T03:04:05.678", **keys)  # type: ignore[arg-type]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_each_state_is_told_from_the_files(tmp_path: Path) -> None:
    closed = ({"epoch": 2, "test_war": 0.25},)
    made(tmp_path, 0, done=True)
    made(tmp_path, 1, attempt(owner=this_process()))
    made(tmp_path, 2)
    made(tmp_path, 3, attempt(ended="stopped", why="asked", epochs=closed))
    made(tmp_path, 4, attempt(ended="failed", why="loss not finite"))
    made(tmp_path, 5, attempt(epochs=closed), attempt(2))
    found = {one.config.seed: one for one in states(tmp_path) if one.config}
    assert [found[seed].state for seed in range(6)] == ["done", "running", "waiting", "stopped", "failed", "stale"]
    assert [found[seed].epochs for seed in range(6)] == ["4/4", "0/4", "0/4", "2/4", "0/4", "2/4"]
    assert [found[seed].war for seed in (0, 1, 3)] == [0.5, None, 0.25]
    assert found[1].said.startswith(f"{this_process()}, since 2026-01-02T03:04:05")
    assert found[4].said == "loss not finite"
    assert found[5].attempts == 2


def test_a_queued_job_is_told_with_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, job in enumerate(("7_0", "7_1")):
        note_job(made(tmp_path, seed), job)
    monkeypatch.setattr(status, "queued", lambda: {"7_0": "PENDING"})
    said = {one.config.seed: (one.state, one.said) for one in states(tmp_path) if one.config}
    assert said == {0: ("waiting", "SLURM job 7_0, pending"), 1: ("waiting", "SLURM job 7_1 is gone")}


def test_a_job_that_left_the_queue_without_a_word_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_dir = made(tmp_path, 0, attempt(owner=replace(this_process(), job="7_0")))
    note_job(run_dir, "7_0")
    monkeypatch.setattr(status, "queued", lambda: {"7_0": "RUNNING"})
    assert states(tmp_path)[0].state == "running"
    monkeypatch.setattr(status, "queued", dict)
    assert states(tmp_path)[0].state == "stale"


def test_without_an_answer_from_slurm_the_files_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    note_job(made(tmp_path, 0, attempt(ended="stopped", why="asked")), "7_0")
    note_job(made(tmp_path, 1), "7_1")

    def silent() -> dict[str, str]:
        raise RunError("squeue: no controller; is the cluster up?")

    monkeypatch.setattr(status, "queued", silent)
    assert sorted(one.state for one in states(tmp_path)) == ["stopped", "waiting"]
    assert "is the cluster up?" in caplog.text


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    for ask in (states, cancel_runs):
        with pytest.raises(RunError, match="no run in it"):
            ask(tmp_path)


def test_the_commands_print_a_table_a_sum_and_json(tmp_path: Path) -> None:
    made(tmp_path, 0, done=True)
    broken = made(tmp_path, 1)
    (broken / "config.json").write_text("{")
    runner = CliRunner()
    listed = runner.invoke(app, ["runs", "list", str(tmp_path), "--json"])
    assert sorted(one["state"] for one in json.loads(listed.stdout)) == ["done", "unreadable"]
    assert "50.00" in runner.invoke(app, ["runs", "list", str(tmp_path)]).stdout
    summed = runner.invoke(app, ["runs", "status", str(tmp_path)])
    assert "2 runs: 1 done, 1 unreadable" in summed.stdout
    assert "1 runs failed or are stale" in str(summed.exception)


def test_cancelling_ends_the_process_and_no_other(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    other = replace(this_process(), pid=sleeper.pid, start=started(sleeper.pid) + 1)
    run_dir = made(tmp_path, 0, attempt(owner=other))
    assert cancel_runs(tmp_path) == []
    owner = replace(other, start=started(sleeper.pid), parent=sleeper.pid, parent_start=-1)
    (run_dir / "attempts" / "0001.json").write_text(json.dumps(asdict(attempt(owner=owner))))
    assert cancel_runs(run_dir) == [f"{run_dir}: {owner} was asked to save and end"]
    assert sleeper.wait(10) == -signal.SIGTERM


def test_cancelling_a_folder_ends_the_launcher_first(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    owner = replace(this_process(), pid=0, start=-1, parent=sleeper.pid, parent_start=started(sleeper.pid))
    made(tmp_path, 0, attempt(owner=owner))
    assert cancel_runs(tmp_path) == [f"launcher pid {sleeper.pid} was asked to end"]
    assert sleeper.wait(10) == -signal.SIGTERM


def test_what_runs_on_another_machine_is_to_be_cancelled_there(tmp_path: Path) -> None:
    run_dir = made(tmp_path, 0, attempt(owner=replace(GONE, host="far", place="elsewhere")))
    os.utime(run_dir / "attempts" / "0001.json")
    (line,) = cancel_runs(tmp_path)
    assert "far pid 1 is another machine" in line
