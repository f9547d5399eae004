"""Clips decoded once: one memory-mapped uint8 array of frames and an index of where each clip lies.

A pack is a folder `frames.npy` (F, H, W, 3), `index.parquet` (clip, label, offset, count) and `meta.json`; it is
written beside its place and renamed at the end, so a pack that exists is whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg
import torch

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.data.clips import Clip, Listing
from harness.errors import DataError

from torchvision.transforms.v2 import functional as tv  # isort: skip

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pack:
    """An opened pack. `frames_FHWC` is a read-only memory map; clip i is its count_N[i] rows from offset_N[i]."""

    path: Path
    frames_FHWC: np.ndarray
    names: tuple[str, ...]
    label_N: np.ndarray
    offset_N: np.ndarray
    count_N: np.ndarray
    fingerprint: str

    def positions(self, names: Sequence[str]) -> np.ndarray:
        """Positions of the named clips in the pack, shape (len(names),)."""
        where = {name: position for position, name in enumerate(self.names)}
        return np.array([where[name] for name in names], dtype=np.int64)

    def gather(self, position_B: np.ndarray, frame_BT: np.ndarray) -> torch.Tensor:
        """Frames of clips, uint8 (B, T, H, W, 3): frame_BT counts from each clip's first frame."""
        return torch.from_numpy(self.frames_FHWC[self.offset_N[position_B][:, None] + frame_BT])


def pack_clips(listing: Listing, size: int, out: Path, *, workers: int = 1, progress: Progress | None = None) -> Pack:
    """Decode every frame of `listing`, resize to size x size (bilinear, antialiased) and open the pack at `out`.

    A pack that is there and was made from the same files is opened as it is. Errors: DataError naming the frame that
    cannot be decoded, or the clip whose frames have several sizes.
    """
    fingerprint = listing.fingerprint()
    if (out / "meta.json").is_file():
        pack = open_pack(out)
        if pack.fingerprint == fingerprint:
            return pack
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(listing, size, partial, fingerprint, workers, progress)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return open_pack(out)


def open_pack(path: Path) -> Pack:
    """Open a finished pack; DataError if a file is missing or has another size than its meta says."""
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        index = pd.read_parquet(path / "index.parquet")
        frames = np.load(path / "frames.npy", mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a whole pack ({error}); remove the folder and run again") from error
    if list(frames.shape) != meta["shape"]:
        raise DataError(
            f"{path}: frames.npy is {list(frames.shape)}, meta says {meta['shape']}; remove the folder and run again"
        )
    return Pack(
        path,
        frames,
        tuple(index["clip"]),
        index["label"].to_numpy(),
        index["offset"].to_numpy(),
        index["count"].to_numpy(),
        meta["fingerprint"],
    )


def decode_clip(clip: Clip, size: int) -> np.ndarray:
    """Frames of a clip as uint8 (T, size, size, 3), RGB."""
    pictures = [_decode(path) for path in clip.frames]
    if len({picture.shape for picture in pictures}) > 1:
        return np.concatenate([_resize(picture[None], size) for picture in pictures])
    return _resize(np.stack(pictures), size)


def _decode(path: Path) -> np.ndarray:
    try:
        return simplejpeg.decode_jpeg(path.read_bytes(), colorspace="RGB")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: frame cannot be decoded ({error}); unpack the clip again") from error


def _resize(frames_THWC: np.ndarray, size: int) -> np.ndarray:
    if frames_THWC.shape[1:3] == (size, size):
        return frames_THWC
    frames_TCHW = torch.from_numpy(frames_THWC).permute(0, 3, 1, 2)
    resized = tv.resize(frames_TCHW, [size, size], interpolation=tv.InterpolationMode.BILINEAR, antialias=True)
    return resized.permute(0, 2, 3, 1).contiguous().numpy()


@contextmanager
def _one_thread() -> Iterator[None]:
    """The pool's threads already fill the cores: torch's own, inside each resize, would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _write(
    listing: Listing, size: int, partial: Path, fingerprint: str, workers: int, progress: Progress | None
) -> None:
    clips = [listing.clips[name] for name in sorted(listing.clips)]
    count_N = np.array([len(clip.frames) for clip in clips], dtype=np.int64)
    offset_N = np.concatenate([[0], np.cumsum(count_N)[:-1]])
    shape = (int(count_N.sum()), size, size, 3)
    frames = np.lib.format.open_memmap(partial / "frames.npy", mode="w+", dtype=np.uint8, shape=shape)
    digest = hashlib.sha256()
    with _one_thread(), ThreadPoolExecutor(workers) as pool:
        decoded = pool.map(lambda clip: decode_clip(clip, size), clips)
        for done, (offset, pictures) in enumerate(zip(offset_N, decoded, strict=True), start=1):
            frames[offset : offset + len(pictures)] = pictures
            digest.update(pictures.tobytes())
            if progress:
                progress(done, len(clips))
    frames.flush()
    index = {"clip": [c.name for c in clips], "label": [c.label for c in clips], "offset": offset_N, "count": count_N}
    pd.DataFrame(index).to_parquet(partial / "index.parquet", index=False)
    meta = {"shape": list(shape), "fingerprint": fingerprint, "sha256": digest.hexdigest(), "clips": len(clips)}
    (partial / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
