"""Reads a folder of AU files in parallel, `<video>.csv` each, large ones in blocks of lines.

A file that is not plain lines of plain numbers goes to the careful reader, which takes it or says what is wrong.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv

from harness.au.files.careful import read_rows
from harness.au.files.extractors import Columns, find_columns
from harness.au.files.rows import Rows, VideoRows, checked, joined, video_rows
from harness.errors import DataError

Progress = Callable[[int, int], None]

BLOCK = 1 << 20
"""Bytes that a thread parses at once; a line is shorter."""
_BLOCKS = 8  # of a large file, taken at once
_AHEAD = 1 << 24  # bytes of files in work for each worker


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
        for done, video in enumerate(_submitted(pool, folder, sizes, workers * _AHEAD), start=1):
            yield video.result()
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
) -> Iterator[Future[VideoRows]]:
    """The videos in order; later ones are in work meanwhile."""
    waiting: deque[tuple[int, Future[VideoRows]]] = deque()
    in_work = 0
    for video, size in sizes.items():
        waiting.append((size, pool.submit(_video, folder, video)))
        in_work += size
        while in_work > ahead:
            size, first = waiting.popleft()
            in_work -= size
            yield first
    yield from (video for _, video in waiting)


def _video(folder: Path, video: str) -> VideoRows:
    path = folder / f"{video}.csv"
    try:
        rows, columns, extra_faces = _plain_rows(path)
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid, DataError):
        rows, columns, extra_faces = read_rows(path)
    return video_rows(video, rows, columns, extra_faces)


def _plain_rows(path: Path) -> tuple[Rows, Columns, int]:
    with path.open("rb") as file:
        columns, *options = _options(file.readline(), BLOCK, threads=os.stat(file.fileno()).st_size > BLOCK)
        blocks = [_checked(path, csv.read_csv(lines, *options), columns) for lines in _lines(file)]
    rows, extra_faces = joined(path, blocks, columns)
    return rows, columns, extra_faces


def _lines(file: BinaryIO) -> Iterator[pa.Buffer]:
    """Whole lines, a few blocks of them at once, which pyarrow parses in parallel."""
    while text := file.read(BLOCK * _BLOCKS):
        yield pa.py_buffer(text + file.readline())


@lru_cache(maxsize=16)
def _options(
    header: bytes, block: int, *, threads: bool
) -> tuple[Columns, csv.ReadOptions, csv.ParseOptions, csv.ConvertOptions]:
    """What to read of files with this first line, and that a cell there is a number and nothing else."""
    columns = find_columns(Path(), header.decode("utf-8-sig"))
    names, read = [str(place) for place in range(columns.count)], [str(place) for place in columns.place]
    # An empty cell is a number only where the careful reader takes it for one.
    nulls = [""] if columns.extractor.success is None else []
    return (
        columns,
        csv.ReadOptions(use_threads=threads, block_size=block, column_names=names),
        csv.ParseOptions(quote_char=False),
        csv.ConvertOptions(include_columns=read, column_types=dict.fromkeys(read, pa.float64()), null_values=nulls),
    )


def _checked(path: Path, table: pa.Table, columns: Columns) -> Rows:
    # Unit by unit in memory, as they are worked on.
    value_KT = np.stack([cell_T.to_numpy() for cell_T in table.columns])
    return checked(path, value_KT[: columns.first_unit].T, value_KT[columns.first_unit :].T, columns)
