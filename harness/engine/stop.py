"""Stopping a run between two steps: signals set a flag, and the training loop looks at it where its state is whole."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from harness.errors import RunStopped

if TYPE_CHECKING:
    from harness.engine.distributed import Ranks

_asked, _patient = threading.Event(), threading.Event()
_name, _when = "a signal", 0.0


class Interrupted(BaseException):
    """A signal asked to stop where nothing is to be saved; no `except Exception` on its way may take it for a fault."""


@contextmanager
def listening(*numbers: signal.Signals, twice: bool = False, at_once: bool = False) -> Iterator[None]:
    """Within this context these signals ask the process to stop, no more. To be entered in its main thread.

    twice: the second one, a second or more after the first, is a KeyboardInterrupt. at_once: outside of `patient`,
    where there is nothing to save, the first is Interrupted: imports and reading must not use up the grace time.
    """
    _asked.clear()

    def hear(number: int, frame: FrameType | None) -> None:
        if twice and _asked.is_set() and time.monotonic() - _when > 1.0:
            raise KeyboardInterrupt
        first = not _asked.is_set()
        ask(signal.Signals(number).name)
        if at_once and first and not _patient.is_set():
            raise Interrupted

    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


@contextmanager
def told() -> Iterator[None]:
    """Within this context, Interrupted is RunStopped outside of it."""
    try:
        yield
    except Interrupted:
        raise RunStopped(f"stopped by {_name}, with nothing to save; give the same command again to go on") from None


@contextmanager
def patient() -> Iterator[None]:
    """Within this context a signal interrupts nothing: what runs here looks at `check` or `asked`."""
    _patient.set()
    try:
        yield
    finally:
        _patient.clear()


def ask(name: str) -> None:
    """Ask this process to stop, as the signal called `name` would."""
    global _name, _when
    if not _asked.is_set():
        _name, _when = name, time.monotonic()
    _asked.set()


def asked() -> str | None:
    """What asked this process to stop; None if nothing did."""
    return _name if _asked.is_set() else None


def check(ranks: Ranks) -> None:
    """RunStopped if this process or another rank was asked; to be called only where going on later loses nothing."""
    if ranks.any(_asked.is_set()):
        raise RunStopped(f"stopped by {_name} and saved; give the same command again to go on")
