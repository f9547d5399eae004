"""A run that is asked to stop ends between two steps, saved, and goes on to the same bits."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data.prepare import Prepared
from harness.engine import evaluate, stop, train
from harness.engine.distributed import ALONE
from harness.engine.fold import load_fold
from harness.engine.train import train_run
from harness.errors import RunStopped


def test_a_signal_asks_to_stop_and_its_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop.listening(signal.SIGTERM):
        stop.check(ALONE)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked() == "SIGTERM"
        with pytest.raises(RunStopped, match="stopped by SIGTERM"):
            stop.check(ALONE)
    assert stop.asked() is None
    assert signal.getsignal(signal.SIGTERM) == before


def test_only_a_second_signal_a_second_later_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    with stop.listening(signal.SIGINT, twice=True):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        later = time.monotonic() + 2
        monkeypatch.setattr(time, "monotonic", lambda: later)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_where_nothing_is_to_be_saved_the_first_signal_interrupts_at_once() -> None:
    def interrupted() -> None:
        with stop.told():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except Exception as error:  # as readers do that name every fault
                raise AssertionError from error

    with stop.listening(signal.SIGTERM, at_once=True):
        with pytest.raises(RunStopped, match="nothing to save"):
            interrupted()
        interrupted()  # a second one finds this process already ending
    with stop.listening(signal.SIGTERM, at_once=True), stop.patient():
        interrupted()
        assert stop.asked() == "SIGTERM"


def asked_in_the_second_call(original: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """`original`, during whose second call this process gets SIGTERM; and its calls."""
    calls: list[int] = []

    def asked(*arguments: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    return asked, calls


def test_a_run_stopped_in_a_step_or_in_an_evaluation_goes_on_to_the_same_bits(
    make_config: Any, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config("mae_dfer", "au-distinct")
    data = load_fold(prepared, config)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    whole.mkdir()
    stopped.mkdir()
    train_run(config, data, whole)
    for module, function in ((train, "train_step"), (evaluate, "_views")):
        with monkeypatch.context() as patched, stop.listening(signal.SIGTERM):
            asked, calls = asked_in_the_second_call(getattr(module, function))
            patched.setattr(module, function, asked)
            with pytest.raises(RunStopped):
                train_run(config, data, stopped)
        # Nothing is done after the call in which the signal came, and no file is half written.
        assert len(calls) == 2
        there = {path.name for path in stopped.iterdir()} - {"checkpoint-before.pt"}
        assert there == {"checkpoint.pt", "environment.json"}
    train_run(config, data, stopped)
    assert (stopped / "predictions.parquet").read_bytes() == (whole / "predictions.parquet").read_bytes()
