"""Frames of a clip, read and resized a few at a time, whatever picture format their bytes hold.

Letters: T frames (of a clip or a batch of it), H W pixels, C channels (3, RGB).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
import torch
from PIL import Image

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.data.clips import Clip
from harness.errors import DataError

from torchvision.transforms.v2 import functional as tv  # isort: skip

JPEG_START = b"\xff\xd8\xff"
PILLOW_FORMATS = ("PNG", "BMP", "WEBP")
"""Named, since Pillow would otherwise hand a file that is no picture to any of its plug-ins."""

BATCH_FRAMES, BATCH_BYTES = 16, 32 << 20
"""Most frames, and most bytes of them, that are decoded before they are resized: what a thread holds at a time."""
MOST_PIXELS = 1 << 26


@dataclass(frozen=True)
class Refused:
    """A frame that cannot be read: its position in the clip's `frames`, and why."""

    index: int
    reason: str


class Unreadable(Exception):  # noqa: N818  (it is caught here and becomes a Refused)
    """A frame's bytes are missing or no picture; the text is the reason, without the file's name."""


def decode_clip(clip: Clip, size: int) -> np.ndarray:
    """All frames of a clip, uint8 (T, size, size, 3); DataError naming the first that cannot be read."""
    refused: list[Refused] = []
    frames_THWC = np.empty((len(clip.frames), size, size, 3), dtype=np.uint8)
    count = 0
    for batch_THWC in read_batches(clip.frames, size, refused):
        frames_THWC[count : count + len(batch_THWC)] = batch_THWC
        count += len(batch_THWC)
    if refused:
        first = refused[0]
        raise DataError(f"{clip.frames[first.index]}: frame cannot be read ({first.reason}); unpack the clip again")
    return frames_THWC


def read_batches(frames: Sequence[Path], size: int, refused: list[Refused]) -> Iterator[np.ndarray]:
    """Frames in order as uint8 (T, size, size, 3), RGB, at most BATCH_FRAMES at a time.

    A frame that cannot be read is left out and appended to `refused`. Pictures are resized bilinearly with
    antialiasing. A batch is valid until the next is asked for.
    """
    buffer_THWC = np.empty((0, 0, 0, 3), dtype=np.uint8)
    count = 0
    for index, path in enumerate(frames):
        try:
            data, shape = _open(path)
            if count == len(buffer_THWC) or buffer_THWC.shape[1:3] != shape:
                if count:
                    yield resize(buffer_THWC[:count], size)
                buffer_THWC, count = _buffer_for(buffer_THWC, shape, len(frames) - index), 0
            _decode_into(data, buffer_THWC[count])
            count += 1
        except Unreadable as error:
            refused.append(Refused(index, str(error)))
    if count:
        yield resize(buffer_THWC[:count], size)


def resize(frames_THWC: np.ndarray, size: int) -> np.ndarray:
    """Frames as (T, size, size, 3), bilinear with antialiasing; the same array if they have that size.

    As Pillow's BILINEAR: equal bit for bit at 224 -> 112; at 128 and 160 a few in a hundred values differ by 1 or 2,
    since torch's weights have 16 bits. Measured with torch 2.13 on AVX2.
    """
    if frames_THWC.shape[1:3] == (size, size):
        return frames_THWC
    frames_TCHW = torch.from_numpy(frames_THWC).permute(0, 3, 1, 2)
    resized = tv.resize(frames_TCHW, [size, size], interpolation=tv.InterpolationMode.BILINEAR, antialias=True)
    return resized.permute(0, 2, 3, 1).contiguous().numpy()


def _buffer_for(buffer_THWC: np.ndarray, shape: tuple[int, int], left: int) -> np.ndarray:
    """A buffer for pictures of `shape`: the old one where it fits, for memory never touched before is slow."""
    if buffer_THWC.shape[1:3] == shape:
        return buffer_THWC
    frames = min(BATCH_FRAMES, left, BATCH_BYTES // (3 * shape[0] * shape[1]))
    return np.empty((max(frames, 1), *shape, 3), dtype=np.uint8)


def _open(path: Path) -> tuple[bytes, tuple[int, int]]:
    """The file's bytes and the picture's height and width."""
    try:
        data = path.read_bytes()
        if not data:
            raise Unreadable("empty file")
        if not data.startswith(JPEG_START):
            with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as picture:
                return data, _checked(picture.height, picture.width)
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        raise Unreadable(_reason(error)) from error
    return data, _checked(height, width)


def _checked(height: int, width: int) -> tuple[int, int]:
    """A damaged header can claim any size."""
    if height * width > MOST_PIXELS:
        raise Unreadable(f"a picture of {width} x {height} pixels")
    return height, width


def _decode_into(data: bytes, frame_HWC: np.ndarray) -> None:
    """Decode into a frame of the picture's size, RGB; alpha is dropped."""
    try:
        if data.startswith(JPEG_START):
            # A truncated file would otherwise give a picture that is grey from there on.
            simplejpeg.decode_jpeg(data, colorspace="RGB", buffer=frame_HWC, strict=True)
        else:
            with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as picture:
                frame_HWC[:] = np.asarray(_rgb(picture))
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise Unreadable(_reason(error)) from error


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):
        raise Unreadable("more than 8 bits a channel")  # Pillow would cut the values off at 255.
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")  # Pillow warns of the direct way.
    return picture.convert("RGB")


def _reason(error: Exception) -> str:
    """In one line, without an address in memory or a path: the same for the same bytes anywhere."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "no JPEG, PNG, BMP or WebP picture"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
