"""Reads a folder of AU files in parallel, `<video>.csv` each: small files whole, large ones in blocks.

A file that is not plain lines of plain numbers goes to the careful reader, which takes it or says what is wrong.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

from harness.au.extractors import Columns, find_columns
from harness.au.fast_csv import IrregularError, parse, read_lines
from harness.au.openface import cell_number, read_rows
from harness.au.rows import Rows, VideoRows, checked, joined, video_rows
from harness.errors import DataError

Progress = Callable[[int, int], None]

BLOCK = 1 << 21
"""Bytes that are parsed at once."""
_AHEAD = 8  # blocks in work for each worker

Part = Future[tuple[Rows, Columns]]


def read_folder(
    folder: Path, videos: Sequence[str], *, workers: int = 1, progress: Progress | None = None
) -> Iterator[VideoRows]:
    """The rows of those of `videos` that have a file, in the order given; at most a few files ahead of the reader.

    DataError if no video has a file, and as `read_openface`.
    """
    sizes = {video: size for video in videos if (size := _size(folder / f"{video}.csv")) is not None}
    if videos and not sizes:
        raise DataError(f"{folder}: no AU file for any of {len(videos)} clips; expected e.g. {videos[0]}.csv there")
    pool = ThreadPoolExecutor(workers)
    try:
        for done, (video, parts) in enumerate(_submitted(pool, folder, sizes, workers * _AHEAD), start=1):
            yield _video(folder, video, parts)
            if progress:
                progress(done, len(sizes))
    finally:
        pool.shutdown(cancel_futures=True)


def _size(path: Path) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _submitted(
    pool: ThreadPoolExecutor, folder: Path, sizes: dict[str, int], ahead: int
) -> Iterator[tuple[str, list[Part]]]:
    """Each video with its parts, in order; those of later videos are in work meanwhile."""
    waiting: deque[tuple[str, list[Part]]] = deque()
    blocks = 0
    for video, size in sizes.items():
        path = folder / f"{video}.csv"
        starts = range(0, max(size, 1), BLOCK)
        waiting.append((video, [pool.submit(_block, path, start, start + BLOCK) for start in starts]))
        blocks += len(starts)
        while blocks > ahead:
            blocks -= len(waiting[0][1])
            yield waiting.popleft()
    yield from waiting


def _block(path: Path, start: int, stop: int) -> tuple[Rows, Columns]:
    """The rows of the lines that begin at the bytes start to stop - 1."""
    with path.open("rb") as file:
        header = file.readline()
        columns = _columns(header)
        text = read_lines(file, len(header), max(start, len(header)), stop)
    one = partial(cell_number, extractor=columns.extractor)
    units = len(columns.names) - columns.first_unit
    return checked(path, *parse(text, columns.count, columns.place, units, one), columns), columns


@lru_cache(maxsize=16)
def _columns(header: bytes) -> Columns:
    try:
        return find_columns(Path(), header.decode("utf-8-sig"))
    except (DataError, UnicodeDecodeError):
        raise IrregularError from None


def _video(folder: Path, video: str, parts: list[Part]) -> VideoRows:
    path = folder / f"{video}.csv"
    try:
        columns = parts[0].result()[1]
        # A part that was taken is forgotten, so that nothing but the list has its rows.
        blocks = [parts.pop(0).result()[0] for _ in range(len(parts))]
        rows, extra_faces = joined(path, blocks, columns)
    except (IrregularError, DataError):
        rows, columns, extra_faces = read_rows(path)
    return video_rows(video, rows, columns, extra_faces)
