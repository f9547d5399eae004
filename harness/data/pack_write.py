"""Decoding a listing into the files of a pack: in parallel, in memory that does not grow, and resumable.

Every clip has its rows of frames.npy from the start, one for each of its frames, so threads write wherever they are.
A clip with frames left out fills the first of its rows; the others stay zero.
Letters: N clips, T frames, F rows of frames.npy.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial as bound
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from harness.data.clips import Clip, Listing
from harness.data.decode import Refused, read_batches
from harness.data.pack_files import FrameFile, Packed, append_journal, read_journal, start_journal
from harness.errors import DataError
from harness.files import write_text

Progress = Callable[[int, int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")

FORMAT = 2
"""To be raised when packs of the same files come out otherwise; a pack of another format is made again."""
FRAMES, INDEX, QUARANTINE, META, JOURNAL = "frames.npy", "index.parquet", "quarantine.csv", "meta.json", "journal.jsonl"
SCHEMA = pa.schema(
    [
        ("clip", pa.string()), ("label", pa.int64()), ("offset", pa.int64()), ("count", pa.int64()),
        ("sha256", pa.string()), ("numbers", pa.list_(pa.int32())),
    ]
)  # fmt: skip
ROOM_PER_CLIP = 256
"""Bytes of index and journal, generously."""


@dataclass(frozen=True)
class Plan:
    """What is to be packed. Clip i has count_N[i] rows from offset_N[i]; `source` is the hash of all that decides."""

    clips: tuple[Clip, ...]
    size: int
    fingerprint: str
    source: str
    offset_N: np.ndarray
    count_N: np.ndarray

    @property
    def rows(self) -> int:
        """F, frames read or not."""
        return int(self.count_N.sum())


def plan_pack(listing: Listing, size: int) -> Plan:
    """The plan of a listing: clips sorted by name. DataError if it has none, or a clip without frames."""
    clips = tuple(listing.clips[name] for name in sorted(listing.clips))
    bare = [clip.name for clip in clips if not clip.frames]
    if bare or not clips:
        raise DataError(f"clip {bare[0]}: no frame; unpack it again" if bare else "no clip to pack; check the lists")
    count_N = np.array([len(clip.frames) for clip in clips], dtype=np.int64)
    offset_N = np.concatenate([[0], np.cumsum(count_N)[:-1]])
    try:
        fingerprint = listing.fingerprint()
    except OSError as error:
        raise DataError(f"{error.filename}: frame is gone ({error.strerror}); unpack the clip again") from error
    numbered = [[clip.name, clip.numbers] for clip in clips if clip.numbers]
    source = hashlib.sha256(json.dumps([FORMAT, size, fingerprint, numbered]).encode()).hexdigest()
    return Plan(clips, size, fingerprint, source, offset_N, count_N)


def write_pack(plan: Plan, folder: Path, workers: int, progress: Progress | None = None) -> None:
    """Write all files of the pack into `folder`, meta.json last; what is there of the same plan is gone on with.

    `progress(done, clips)` is called after every clip. Errors: DataError if there is no room or no right to write
    (what is written stays, to go on from), or naming the clips of which no frame can be read.
    """
    try:
        made_from: dict[str, object] = {"source": plan.source, "made_with": made_with()}
        _check_room(plan, folder)
        found = _begin(plan, folder, made_from)
        with FrameFile(folder / FRAMES, plan.size, plan.rows, write=True) as file, pool_of(workers) as pool:
            packed = _whole(plan, file, found, pool)
            start_journal(folder / JOURNAL, made_from, list(packed.values()))
            _pack_others(plan, file, packed, bound(append_journal, folder / JOURNAL), pool, workers, progress)
            file.sync()
        _write_tables(plan, packed, folder, made_from)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(f"{folder}: the disk is full; make room and run again, it goes on from here") from error
        raise DataError(f"{folder}: cannot be written ({error.strerror}); it needs room and rights") from error


def made_with() -> dict[str, str]:
    """Versions that decide pixels; torch resizes by other arithmetic on processors of another kind."""
    names = ("simplejpeg", "pillow", "torch", "torchvision")
    return {name: version(name) for name in names} | {"processor": torch.backends.cpu.get_cpu_capability()}


@contextmanager
def pool_of(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads, since decoding, resizing, hashing and writing all let go of Python's lock.

    They fill the cores: torch's own threads, inside each resize, would only wait for one another.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """As `pool.map`, but at most `ahead` items are under way, and after an error none is begun."""
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) == ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _begin(plan: Plan, folder: Path, made_from: dict[str, object]) -> list[Packed]:
    """Clips that the journal has; a folder of another plan, or of other versions, is emptied."""
    found = read_journal(folder / JOURNAL, made_from)
    if found is not None:
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    FrameFile.create(folder / FRAMES, plan.size, plan.rows)
    start_journal(folder / JOURNAL, made_from, [])
    return []


def _check_room(plan: Plan, folder: Path) -> None:
    """DataError if what is still to be written does not fit on the disk."""
    frames = folder / FRAMES
    there = frames.stat().st_blocks * 512 if frames.exists() else 0
    need = 3 * plan.size**2 * plan.rows + ROOM_PER_CLIP * len(plan.clips) - there
    free = shutil.disk_usage(folder.parent).free
    if need > free:
        raise DataError(
            f"{folder}: the pack needs {need / 1e9:.3f} GB more and {free / 1e9:.3f} GB are free; "
            "make room or name another place"
        )


def _whole(plan: Plan, file: FrameFile, found: list[Packed], pool: ThreadPoolExecutor) -> dict[str, Packed]:
    """Those of the journal's clips that are of the plan, and whose rows have the hash it says."""
    offsets = {clip.name: int(offset) for clip, offset in zip(plan.clips, plan.offset_N, strict=True)}
    frames = {clip.name: len(clip.frames) for clip in plan.clips}
    found = [packed for packed in found if _fits(packed, frames)]
    digests = pool.map(lambda packed: file.digest(offsets[packed.clip], packed.count), found)
    return {packed.clip: packed for packed, digest in zip(found, digests, strict=True) if digest == packed.sha256}


def _fits(packed: Packed, frames: Mapping[str, int]) -> bool:
    """Whether a journal's line can be of one of the clips, whose numbers of frames are given."""
    left_out = [refused.index for refused in packed.refused]
    if not isinstance(packed.clip, str) or not all(type(number) is int for number in (packed.count, *left_out)):
        return False
    length = frames.get(packed.clip, 0)
    whole = packed.count >= 1 and packed.count + len(set(left_out)) == length
    return whole and all(0 <= index < length for index in left_out)


def _pack_others(
    plan: Plan,
    file: FrameFile,
    packed: dict[str, Packed],
    note: Callable[[Packed], None],
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress | None,
) -> None:
    """Pack the clips that `packed` lacks, into it; DataError at the end about those without a readable frame."""
    jobs = [(clip, int(row)) for clip, row in zip(plan.clips, plan.offset_N, strict=True) if clip.name not in packed]
    empty = []
    before = len(packed)
    for done, result in enumerate(in_order(pool, bound(_pack_clip, file, plan.size), jobs, 4 * workers), start=1):
        if result.count:
            packed[result.clip] = result
            note(result)
        else:
            empty.append(result)
        if progress:
            progress(before + done, len(plan.clips))
    if empty:
        raise DataError(_without_frames(empty))


def _pack_clip(file: FrameFile, size: int, job: tuple[Clip, int]) -> Packed:
    """Decode a clip into its rows, from job's row on."""
    clip, row = job
    refused: list[Refused] = []
    digest = hashlib.sha256()
    end = row + len(clip.frames)
    for batch_THWC in read_batches(clip.frames, size, refused):
        file.write(row, batch_THWC)
        digest.update(batch_THWC.data)
        row += len(batch_THWC)
    for left_over in range(row, end):
        # A run before this one may have read more frames.
        file.write(left_over, np.zeros((1, size, size, 3), dtype=np.uint8))
    return Packed(clip.name, len(clip.frames) - len(refused), digest.hexdigest(), tuple(refused))


def _without_frames(empty: list[Packed]) -> str:
    names = ", ".join(packed.clip for packed in empty[:5]) + (", ..." if len(empty) > 5 else "")
    clips = "clip" if len(empty) == 1 else f"{len(empty)} clips:"
    return (
        f"{clips} {names}: no frame can be read ({empty[0].refused[0].reason}); unpack again or take out of the lists"
    )


def _write_tables(plan: Plan, packed: Mapping[str, Packed], folder: Path, made_from: dict[str, object]) -> None:
    """Index, quarantine and meta; then the journal has done its work."""
    clips = [packed[clip.name] for clip in plan.clips]
    pq.write_table(_index(plan, clips), folder / INDEX)
    (folder / QUARANTINE).write_text(_quarantine(plan, clips), encoding="utf-8", newline="")
    meta = {
        "format": FORMAT,
        **made_from,
        "fingerprint": plan.fingerprint,
        "shape": [plan.rows, plan.size, plan.size, 3],
        "clips": len(clips),
        "quarantined": sum(len(clip.refused) for clip in clips),
        "sha256": hashlib.sha256("".join(clip.sha256 for clip in clips).encode()).hexdigest(),
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (INDEX, QUARANTINE)},
    }
    write_text(folder / META, json.dumps(meta, indent=1) + "\n")
    os.unlink(folder / JOURNAL)


def _index(plan: Plan, packed: list[Packed]) -> pa.Table:
    columns = [
        [clip.name for clip in plan.clips],
        [clip.label for clip in plan.clips],
        plan.offset_N,
        [clip.count for clip in packed],
        [clip.sha256 for clip in packed],
        [_numbers(clip, left_out.refused) for clip, left_out in zip(plan.clips, packed, strict=True)],
    ]
    return pa.table(columns, schema=SCHEMA)


def _numbers(clip: Clip, refused: tuple[Refused, ...]) -> list[int] | None:
    """Number of each packed frame, from 1; None where they are 1, 2, 3, ..."""
    if not clip.numbers and not refused:
        return None
    left_out = {frame.index for frame in refused}
    numbers = clip.numbers or range(1, len(clip.frames) + 1)
    return [number for index, number in enumerate(numbers) if index not in left_out]


def _quarantine(plan: Plan, packed: list[Packed]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["clip", "frame", "reason"])
    for clip, result in zip(plan.clips, packed, strict=True):
        writer.writerows([clip.name, clip.frames[frame.index].name, frame.reason] for frame in result.refused)
    return table.getvalue()
