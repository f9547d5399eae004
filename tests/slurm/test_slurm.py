"""A sweep on a real SLURM of one node gives what it gives without, where jobs are requeued, preempted or cancelled."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small import audfer, experiment

pytestmark = pytest.mark.slurm

EXPERIMENT = experiment("jobs", ["m3dfel"], epochs=24)
PATIENCE = 180.0
AUDFER = [sys.executable, "-m", "harness.cli"]
ON_SLURM = ["--launcher", "slurm", "--cpus", "1", "--time", "30"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the experiment; its data are prepared once."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "jobs.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def local(place: Path) -> dict[str, bytes]:
    """Predictions and tables of the experiment without SLURM."""
    audfer(*run(place, "local")).check_returncode()
    return results(place, "local")


def run(place: Path, name: str) -> list[str]:
    return ["run", str(place / "jobs.toml"), "--cache", str(place / "data"), "--out", str(place / name)]


def results(place: Path, name: str) -> dict[str, bytes]:
    """Bytes of every run's predictions and of every table, by path."""
    report = ["report", str(place / name / "jobs"), "--out", str(place / f"report-{name}"), "--no-figures"]
    audfer(*report).check_returncode()
    runs, tables = place / name, place / f"report-{name}"
    found = [*runs.rglob("predictions.parquet"), *tables.glob("table*.csv")]
    return {str(path.relative_to(runs if runs in path.parents else tables)): path.read_bytes() for path in found}


@contextmanager
def launched(place: Path, name: str, slurm: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*AUDFER, *run(place, name), *ON_SLURM],
        cwd=place, env=slurm, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def attempts(place: Path, name: str) -> list[list[dict]]:
    """The attempts at each run, in order of path."""
    folders = sorted((place / name).rglob("attempts"))
    return [[json.loads(path.read_text()) for path in sorted(folder.glob("[0-9]*.json"))] for folder in folders]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def under_way(tried: list[list[dict]]) -> bool:
    """Both runs have closed an epoch in their last attempt."""
    return len(tried) == 2 and all(some[-1]["epochs"] and not some[-1]["ended"] for some in tried)


def test_requeued_and_preempted_jobs_go_on_to_the_results_of_a_local_sweep(
    place: Path, local: dict[str, bytes], slurm: dict[str, str]
) -> None:
    with launched(place, "requeued", slurm) as process:
        until(lambda: under_way(attempts(place, "requeued")))
        first = attempts(place, "requeued")[0][0]["owner"]["job"]
        subprocess.run(["scontrol", "requeue", first], env=slurm, check=True)
        # The partition `high` takes a CPU of the other: told by a signal, it saves and queues itself again.
        other = ["sbatch", "--partition=high", "--ntasks=2", "--output=/dev/null", "--wrap=sleep 1"]
        subprocess.run(other, env=slurm, check=True)
        log, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    for some in attempts(place, "requeued"):
        assert [one["ended"] for one in some] == ["stopped", "done"]
        assert some[1]["epochs"][0]["epoch"] == some[0]["epochs"][-1]["epoch"] + 1
        assert some[0]["owner"]["job"] == some[1]["owner"]["job"]
    # One was queued again by SLURM, the other by submitit's hook, once it was saved.
    logs = (place / "requeued" / ".slurm").glob("*_log.out")
    assert sum("Calling checkpoint method" in path.read_text() for path in logs) == 1
    found = results(place, "requeued")
    assert found == local
    assert any(name.startswith("table") for name in found)


def test_cancelled_jobs_are_saved_and_said_to_be_stopped(
    place: Path, local: dict[str, bytes], slurm: dict[str, str]
) -> None:
    with launched(place, "cancelled", slurm) as process:
        until(lambda: under_way(attempts(place, "cancelled")))
        cancel = [*AUDFER, "runs", "cancel", str(place / "cancelled")]
        said = subprocess.run(cancel, env=slurm, check=True, capture_output=True, text=True).stdout
        log, _ = process.communicate(timeout=PATIENCE)
    assert said.count("was cancelled") == 2
    assert process.returncode == 75, log
    listed = subprocess.run(
        [*AUDFER, "runs", "list", str(place / "cancelled"), "--json"],
        env=slurm, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert [one["state"] for one in json.loads(listed.stdout)] == ["stopped", "stopped"]
