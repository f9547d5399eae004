"""Clips decoded once: one memory-mapped uint8 array of frames and an index of where each clip lies.

A pack is a folder of `frames.npy` (F, H, W, 3), `index.parquet` (clip, label, offset, count, sha256 of its frames,
their numbers), `quarantine.csv` (frames that could not be read: clip, frame, reason) and `meta.json`, whose hashes
bind them. It is written beside its place and renamed at the end, so a pack that exists is whole.
Letters: N clips, B batch, T frames, F rows of frames.npy, H W pixels, C channels.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from harness.data.clips import Listing
from harness.data.pack_files import FrameFile, locked
from harness.data.pack_write import (
    FORMAT,
    FRAMES,
    INDEX,
    JOURNAL,
    META,
    SCHEMA,
    Plan,
    Progress,
    in_order,
    plan_pack,
    pool_of,
    write_pack,
)
from harness.errors import DataError

AGAIN = "remove the folder and run again"


@dataclass(frozen=True)
class Pack:
    """An opened pack. `frames_FHWC` is a read-only memory map; clip i is its count_N[i] rows from offset_N[i].

    `quarantined` counts the frames that could not be read and are not in it (quarantine.csv names them).
    """

    path: Path
    frames_FHWC: np.ndarray
    names: tuple[str, ...]
    label_N: np.ndarray
    offset_N: np.ndarray
    count_N: np.ndarray
    fingerprint: str
    quarantined: int = 0
    numbers: Mapping[int, np.ndarray] = field(default_factory=dict)

    def positions(self, names: Sequence[str]) -> np.ndarray:
        """Positions of the named clips in the pack, shape (len(names),)."""
        where = {name: position for position, name in enumerate(self.names)}
        return np.array([where[name] for name in names], dtype=np.int64)

    def gather(self, position_B: np.ndarray, frame_BT: np.ndarray) -> torch.Tensor:
        """Frames of clips, uint8 (B, T, H, W, 3): frame_BT counts from each clip's first frame."""
        return torch.from_numpy(self.frames_FHWC[self.offset_N[position_B][:, None] + frame_BT])

    def frame_numbers(self, position: int) -> np.ndarray:
        """Number, from 1, of each packed frame of a clip in the clip (or its video), shape (count,).

        They have gaps where frames were left out; an AU file's row of a frame is found by them.
        """
        found = self.numbers.get(int(position))
        return np.arange(1, self.count_N[position] + 1, dtype=np.int32) if found is None else found


def pack_clips(listing: Listing, size: int, out: Path, *, workers: int = 1, progress: Progress | None = None) -> Pack:
    """Decode every frame of `listing`, resize to size x size (bilinear, antialiased) and open the pack at `out`.

    A pack that is there and was made from the same files is opened as it is. Work goes on in `<out>.partial`: killed
    at any moment and called again, it goes on behind the clips that are whole, and `workers` threads or one, the files
    come out the same. While another process packs there, it waits, its progress that of the other.
    A frame that cannot be read is left out and named in quarantine.csv.
    Errors: DataError naming the clips of which no frame can be read; if there is no room or no right to write (what is
    packed stays, to go on from); or if `out` holds something else or a damaged pack.
    """
    plan = plan_pack(listing, size)
    partial = out.with_name(out.name + ".partial")
    try:
        if _is_of(plan, out):
            return open_pack(out)
        _refuse_else(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out.with_name(f".{out.name}.lock"), _watching(partial, len(plan.clips), progress)):
            if not _is_of(plan, out):
                if not _is_of(plan, partial):
                    write_pack(plan, partial, workers, progress)
                _take_place(partial, out)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror}); it needs room and rights") from error
    return open_pack(out)


def open_pack(path: Path) -> Pack:
    """Open a finished pack; DataError if a file is missing, altered or of another size than meta.json says.

    The frames themselves are not read: `verify_pack` does.
    """
    meta = _read_meta(path)
    if meta is None or meta.get("format") != FORMAT:
        raise DataError(f"{path}: not a whole pack, or of another version of the harness; {AGAIN}")
    try:
        _check_files(path, meta["files"])
        index = pq.read_table(path / INDEX, schema=SCHEMA)
        frames = np.load(path / FRAMES, mmap_mode="r")
        _check_frames(path / FRAMES, frames, meta["shape"])
        return _opened(path, meta, index, frames)
    except DataError:
        raise
    except Exception as error:  # whatever NumPy and pyarrow say of headers that are none
        raise DataError(f"{path}: not a whole pack ({error}); {AGAIN}") from error


def verify_pack(path: Path, *, workers: int = 1, progress: Progress | None = None) -> list[str]:
    """Names of the clips whose frames have not the hash that the index says; reads all. DataError as `open_pack`."""
    pack = open_pack(path)
    sha256_N = pq.read_table(path / INDEX, columns=["sha256"])["sha256"].to_pylist()
    rows, size = pack.frames_FHWC.shape[:2]
    altered = []
    with FrameFile(path / FRAMES, size, rows) as file, pool_of(workers) as pool:
        spans = zip(pack.offset_N.tolist(), pack.count_N.tolist(), strict=True)
        digests = in_order(pool, lambda span: file.digest(*span), spans, 4 * workers)
        for done, (name, expected, digest) in enumerate(zip(pack.names, sha256_N, digests, strict=True), start=1):
            if digest != expected:
                altered.append(name)
            if progress:
                progress(done, len(pack.names))
    return altered


def _is_of(plan: Plan, folder: Path) -> bool:
    """Whether a whole pack of the plan is there: meta.json is written last."""
    meta = _read_meta(folder)
    return meta is not None and meta.get("format") == FORMAT and meta.get("source") == plan.source


def _refuse_else(out: Path) -> None:
    """A folder that is no pack of any kind is somebody's: it is not replaced."""
    if out.exists() and not (out / META).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise DataError(f"{out}: holds something else than a whole pack; remove it or name another place")


def _watching(partial: Path, clips: int, progress: Progress | None) -> Callable[[], None]:
    """Reports how far the process has come that packs there."""

    def report() -> None:
        try:
            lines = (partial / JOURNAL).read_bytes().count(b"\n")
        except OSError:
            return
        if progress and lines:
            progress(min(lines - 1, clips), clips)

    return report


def _take_place(partial: Path, out: Path) -> None:
    """The old pack steps aside at once, not file by file: a process killed in between leaves no half of it."""
    (partial / JOURNAL).unlink(missing_ok=True)
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _read_meta(path: Path) -> dict[str, Any] | None:
    """meta.json, or None if there is none; DataError if it cannot be read."""
    try:
        meta = json.loads((path / META).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a whole pack ({error}); {AGAIN}") from error
    return meta if isinstance(meta, dict) else {}


def _check_files(path: Path, hashes: Mapping[str, str]) -> None:
    for name, expected in hashes.items():
        if hashlib.sha256((path / name).read_bytes()).hexdigest() != expected:
            raise DataError(f"{path / name}: not what meta.json says; {AGAIN}")


def _check_frames(path: Path, frames: np.ndarray, shape: list[int]) -> None:
    assert isinstance(frames, np.memmap)
    size = frames.offset + frames.nbytes
    if list(frames.shape) != shape or frames.dtype != np.uint8 or path.stat().st_size != size:
        raise DataError(f"{path}: {frames.dtype} {list(frames.shape)}, meta says uint8 {shape}; {AGAIN}")


def _opened(path: Path, meta: dict[str, Any], index: pa.Table, frames: np.ndarray) -> Pack:
    numbers = [(position, value) for position, value in enumerate(index["numbers"]) if value.is_valid]
    return Pack(
        path,
        frames,
        tuple(index["clip"].to_pylist()),
        index["label"].to_numpy(),
        index["offset"].to_numpy(),
        index["count"].to_numpy(),
        meta["fingerprint"],
        meta["quarantined"],
        {position: value.values.to_numpy() for position, value in numbers},
    )
