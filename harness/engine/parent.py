"""A process that ends with the one that started it, however that ended: kill -9 leaves no time to tell its children."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """From now on end with the process that started this one through `multiprocessing`."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def end_with_input() -> None:
    """From now on end when standard input does, which the process that started this one holds open."""
    threading.Thread(target=_wait_for_input, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _wait_for_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
