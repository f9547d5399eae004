"""The files of a pack in the making: its frames, written in place; the journal of its finished clips; its lock.

Letters: T frames (of a batch), F frames (of the pack), H W pixels, C channels (3).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from harness.data.decode import Refused

READ_BYTES = 4 << 20
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Packed:
    """A clip that is whole in frames.npy: rows it fills, sha256 (hex) of their bytes, and the frames left out."""

    clip: str
    count: int
    sha256: str
    refused: tuple[Refused, ...] = ()


class FrameFile:
    """frames.npy, uint8 (F, size, size, 3), opened to write and read rows.

    Rows are written by `pwrite`, not through a memory map: threads write side by side, what is written does not count
    as this process's memory, and a full disk is an OSError where a memory map would be killed by SIGBUS.
    """

    def __init__(self, path: Path, size: int, rows: int, *, write: bool = False) -> None:
        self.row_bytes = 3 * size * size
        self._file = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        self._start = os.fstat(self._file).st_size - rows * self.row_bytes

    @staticmethod
    def create(path: Path, size: int, rows: int) -> None:
        """An array of zeros that takes no room on the disk yet (where the file system has sparse files)."""
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(rows, size, size, 3))

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, row: int, frames_THWC: np.ndarray) -> None:
        """Write contiguous frames from `row` on; OSError if the disk is full."""
        left = frames_THWC.data.cast("B")
        place = self._start + row * self.row_bytes
        while left:
            written = os.pwrite(self._file, left, place)
            left, place = left[written:], place + written

    def digest(self, row: int, count: int) -> str:
        """sha256 (hex) of `count` rows from `row` on."""
        digest = hashlib.sha256()
        place, end = self._start + row * self.row_bytes, self._start + (row + count) * self.row_bytes
        while place < end and (data := os.pread(self._file, min(READ_BYTES, end - place), place)):
            digest.update(data)
            place += len(data)
        return digest.hexdigest()

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        os.fsync(self._file)


def start_journal(path: Path, made_from: dict[str, object], packed: list[Packed]) -> None:
    """A journal with these clips; one that is there is replaced at once."""
    temporary = path.with_name(path.name + ".new")
    lines = [made_from, *map(asdict, packed)]
    temporary.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    os.replace(temporary, path)


def append_journal(path: Path, packed: Packed) -> None:
    """Note a clip whose rows are written: from now on a killed process goes on behind it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(packed)) + "\n")


def read_journal(path: Path, made_from: dict[str, object]) -> list[Packed] | None:
    """Clips of the journal, up to a line that was cut off or altered; None if there is none, or of another pack."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return None
    packed = []
    for number, line in enumerate(lines):
        try:
            entry = json.loads(line if line.endswith("\n") else "")
            if number:
                packed.append(Packed(**{**entry, "refused": tuple(Refused(**one) for one in entry["refused"])}))
            elif entry != made_from:
                return None
        except (KeyError, RecursionError, TypeError, ValueError):
            return packed if number else None
    return packed if lines else None


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`, which is gone afterwards; `waiting` is called now and then while another holds it.

    The system lets go of a lock whose process is killed.
    """
    while (file := _lock(path)) is None:
        waiting()
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def _lock(path: Path) -> int | None:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The holder before may have removed the file after it was opened here: then a third could lock a new one.
        if os.path.samestat(os.stat(path), os.fstat(file)):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None
