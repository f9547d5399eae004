"""An experiment killed with -9 at three points and given again ends with the same predictions, bit for bit."""

import importlib.util
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from harness.runs.claim import holds, last_attempt
from harness.runs.status import run_dirs

_SPEC = importlib.util.spec_from_file_location("killing", Path(__file__).with_name("killing.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
killing = importlib.util.module_from_spec(_SPEC)
sys.modules["killing"] = killing
_SPEC.loader.exec_module(killing)

TINY = """
name = "tiny"
title = "tiny"
dataset = "rendered"
models = ["mae_dfer", "m3dfel"]
arms = ["baseline", "au-distinct"]
folds = [1]
seeds = [0]
scale = "demo"
threads = 1
selection = ["last", "best-on-val", "best-on-test"]
overrides.m3dfel = { epochs = 3, batch = 8 }
overrides.mae_dfer = { epochs = 3, batch = 8 }
render = { clips = 60, size = 40 }
"""


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("experiment") / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return ["run", str(path), "--launcher", "local", "--workers", "2"]


@pytest.fixture(scope="module")
def whole(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    work = tmp_path_factory.mktemp("whole")
    killing.finish(arguments, work)
    return killing.predictions(work)


def test_killed_at_three_points_the_predictions_are_the_same(
    arguments: list[str], whole: dict[str, bytes], tmp_path: Path
) -> None:
    moments = ["rendering clips: ", "epoch 1/3", "finished"]
    for part in moments:
        line = killing.kill_when(arguments, tmp_path, lambda line, part=part: part in line)
        assert line is not None, f"no line with {part!r}: the kill came too late to test anything"
    killing.finish(arguments, tmp_path)
    assert len(whole) == 4
    assert killing.predictions(tmp_path) == whole


def test_a_dead_worker_is_named_and_workers_end_with_their_parent(arguments: list[str], tmp_path: Path) -> None:
    """The other runs go on without the worker; claims are free soon after the parent was killed."""
    killed = []

    def moment(line: str) -> bool:
        if "epoch 1/3" in line and not killed:
            run_dir = next(one for one in run_dirs(tmp_path) if (last := last_attempt(one)) and holds(one, last))
            killed.append(str(run_dir))
            os.kill(last_attempt(run_dir).owner.pid, signal.SIGKILL)
        return "was killed by SIGKILL" in line

    line = killing.kill_when(arguments, tmp_path, moment)
    assert line is not None
    assert line.startswith(killed[0])
    tried = {one: last for one in run_dirs(tmp_path) if (last := last_attempt(one))}
    assert tried[Path(killed[0])].ended == "failed"
    deadline = time.monotonic() + 20
    while any(holds(one, last) for one, last in tried.items()):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
