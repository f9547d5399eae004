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

_asked = threading.Event()
_name, _when = "a signal", 0.0


@contextmanager
def listening(*numbers: signal.Signals, twice: bool = False) -> Iterator[None]:
    """Within this context these signals ask the process to stop, no more. To be entered in its main thread.

    twice: the second one, a second or more after the first, is a KeyboardInterrupt.
    """
    _asked.clear()

    def hear(number: int, frame: FrameType | None) -> None:
        if twice and _asked.is_set() and time.monotonic() - _when > 1.0:
            raise KeyboardInterrupt
        ask(signal.Signals(number).name)

    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


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
