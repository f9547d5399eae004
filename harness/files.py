"""Writing files so that a reader, or a process killed at any moment, finds the old file or the whole new one."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import RunError

UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
"""What the system says where a disk is full or broken, or where one may not write."""


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """What is written inside belongs to `place`: RunError, one line, if there is no room or no right."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise RunError(
            f"{place}: cannot be written ({error.strerror}); make room or give rights, then the same command goes on"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`: at the end it is flushed and takes its place, on an error it vanishes."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_left_over(path: Path) -> None:
    """Remove what processes killed inside `replacing(path)` left; only for one who knows that no other writes there."""
    left_over = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    for beside in list(path.parent.iterdir()) if path.parent.is_dir() else []:
        if left_over.fullmatch(beside.name):
            with suppress(OSError):
                beside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 through `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
