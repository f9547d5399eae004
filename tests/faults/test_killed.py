"""An experiment killed with -9 and given again ends with the same predictions, bit for bit."""

import os
import signal
import time
from pathlib import Path

import killing
import pytest
from small import audfer, experiment

from harness.runs.claim import Attempt, holds, last_attempt
from harness.runs.status import run_dirs

EXPERIMENT = experiment("tiny", ["mae_dfer", "m3dfel"], epochs=3)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("experiment") / "tiny.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return ["run", str(path), "--launcher", "local"]


@pytest.fixture(scope="module")
def whole(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    work = tmp_path_factory.mktemp("whole")
    done = audfer(*arguments, "--workers", 1, "--cache", work / "data", "--out", work / "runs")
    assert done.returncode == 0, done.stderr
    return killing.predictions(work)


class Eventful:
    """A moment of a command whose worker is killed in its first epoch: the first epoch of a run after another's end."""

    def __init__(self, work: Path) -> None:
        self.work, self.dead, self.named, self.finished = work, Path(), "", False

    def __call__(self, line: str) -> bool:
        if "was killed by SIGKILL" in line:
            self.named = line
        self.finished |= "finished" in line
        if "epoch 1/3" not in line:
            return False
        if self.dead == Path():
            self.dead = next(iter(self.held()))
            os.kill(last_attempt(self.dead).owner.pid, signal.SIGKILL)
        return self.finished and bool(self.named) and bool(self.held())

    def held(self) -> dict[Path, Attempt]:
        """The runs that a process has, and its attempt."""
        return {one: last for one in run_dirs(self.work) if (last := last_attempt(one)) and holds(one, last)}


def test_killed_twice_the_predictions_are_the_same(
    arguments: list[str], whole: dict[str, bytes], tmp_path: Path
) -> None:
    """Killed while rendering, and in an epoch; one worker does what two did, and the bytes are theirs.

    A dead worker is named and the others go on without it; claims are free soon after the parent was killed.
    """
    two = [*arguments, "--workers", "2"]
    assert killing.kill_when(two, tmp_path, lambda line: "rendering clips: " in line), "killed too late"
    moment = Eventful(tmp_path)
    assert killing.kill_when(two, tmp_path, moment), "killed too late"
    assert moment.named.startswith(str(moment.dead))
    assert last_attempt(moment.dead).ended == "failed"
    deadline = time.monotonic() + 20
    while moment.held():
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
    killing.finish(two, tmp_path)
    assert len(whole) == 4
    assert killing.predictions(tmp_path) == whole
