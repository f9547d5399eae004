"""A script of three lines in the worker's process: its epochs, its failure, its end."""

import os
import signal

import numpy as np
import pytest

from harness.engine import stop
from harness.errors import RunError, RunStopped
from harness.upstream.job import Job, JobArrays
from harness.upstream.process import start, visible_device

EPOCHS = """
import os, torch
from harness.upstream.hooks import run
print(os.getcwd(), os.environ.get("SLURM_PROCID"), repr(os.environ["CUDA_VISIBLE_DEVICES"]), torch.get_num_threads())
for epoch in range(2):
    run.loss(torch.tensor(2.0 + epoch), torch.tensor([0]), ["00001"])
    run.predict(["00001"], torch.tensor([0]), torch.full((1, 7), float(epoch)))
    run.end_epoch()
"""
NOT_FINITE = """
import torch
from harness.upstream.hooks import run
run.loss(torch.tensor(float("inf")), torch.tensor([0]), ["00001"])
"""
ENDLESS = """
import os, time, torch
from harness.upstream.hooks import run
open("pid", "w").write(str(os.getpid()))
run.loss(torch.tensor(1.0), torch.tensor([0]), ["00001"])
run.predict(["00001"], torch.tensor([0]), torch.zeros(1, 7))
run.end_epoch()
time.sleep(600)
"""
CLIPS = JobArrays(("00001",), np.array([0]), np.zeros((1, 18), np.float32), np.array([False]), np.array([True]))


@pytest.fixture
def begin(tmp_path):
    """Starts a script; a generator of its epochs."""

    def begin(script):
        work = tmp_path / "work"
        (work / "tree").mkdir(parents=True)
        (work / "tree" / "main.py").write_text(script)
        job = Job(
            upstream="toy",
            tree=work / "tree",
            entry="main.py",
            work=work,
            argv=(),
            shims=("seeds",),
            seed=0,
            threads=1,
            device="cpu",
        )
        return start(job, CLIPS, tmp_path / "log.txt")

    return begin


def test_epochs_come_with_their_logits(begin, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "0")
    lines = list(begin(EPOCHS))
    assert [(line["epoch"], line["loss"]) for line in lines] == [(1, 2.0), (2, 3.0)]
    for epoch in (1, 2):
        np.testing.assert_array_equal(np.load(tmp_path / "work" / f"epoch{epoch}.npy"), np.full((1, 7), epoch - 1.0))
    assert (tmp_path / "log.txt").read_text() == f"{(tmp_path / 'work').resolve()} None '' 1\n"


def test_an_error_of_ours_comes_back_as_it_is(begin):
    with pytest.raises(RunError, match=r"inf at step 0: not finite|inf, inf, 0 at step 0: not finite"):
        list(begin(NOT_FINITE))


def test_an_error_of_the_script_names_its_log(begin):
    with pytest.raises(RunError, match=r"log\.txt: main\.py of toy ended with code 1 \(ValueError: no frames\)"):
        list(begin("raise ValueError('no frames')"))


def test_the_script_ends_with_whoever_listens(begin, tmp_path):
    epochs = begin(ENDLESS)
    next(epochs)
    pid = int((tmp_path / "work" / "pid").read_text())
    epochs.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_asked_to_stop_the_script_is_ended(begin):
    with stop.listening(signal.SIGTERM):
        lines = begin(ENDLESS)
        next(lines)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(RunStopped, match="stopped by SIGTERM"):
            next(lines)


@pytest.mark.parametrize(
    ("device", "variables", "expected"),
    [
        ("cpu", {"CUDA_VISIBLE_DEVICES": "0"}, ""),
        ("cuda:0", {}, "0"),
        ("cuda:1", {}, "1"),
        ("cuda:1", {"CUDA_VISIBLE_DEVICES": "4,6"}, "6"),
    ],
)
def test_the_script_sees_one_device_or_none(device, variables, expected):
    assert visible_device(device, variables) == expected
