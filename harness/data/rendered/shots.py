"""What a layout asks of the painter: which clips or videos, of how many frames, where each file goes.

Letters: A action units (18).
"""

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from harness.data.rendered.clip import JPEG_QUALITY, OPENFACE, plan_stretches, render_frames
from harness.data.rendered.identity import Identity, draw_identity

PERSONS = 24
"""In the seed of a person, where a clip has its index: tells one from the other."""


@dataclass(frozen=True)
class Shot:
    """One clip, or one video of several stretches.

    name: path of its frames' folder, and of its OpenFace file without the ending. stretches: AU shares (A,) and number
    of frames of each. person: number (from 1) of the one shown; None: somebody of its own. lost: frames (from 0)
    without a picture, in which OpenFace finds no face.
    """

    name: str
    stretches: tuple[tuple[np.ndarray, int], ...]
    person: int | None = None
    lost: tuple[int, ...] = ()


@dataclass(frozen=True)
class LayoutPlan:
    """A whole data set before it is painted.

    picture: file name of a frame, to be formatted with its number (from 1). lists: text of each label or split file.
    class_counts: `counted` (clips, or stretches) per class as the lists name it. folds: `counted` in train and test,
    without those of classes that no reader takes.
    """

    frames_dir: str
    picture: str
    shots: tuple[Shot, ...]
    lists: Mapping[str, str]
    class_counts: Mapping[str, int]
    folds: tuple[tuple[int, int], ...]
    counted: str = "clips"


@dataclass(frozen=True)
class ShotJob:
    """A shot to be painted at `size` pixels; `entropy` starts its random draws."""

    root: Path
    frames_dir: str
    picture: str
    shot: Shot
    entropy: tuple[int, ...]
    size: int


def write_shot(job: ShotJob) -> int:
    """Write the pictures and the OpenFace file of one shot; returns the number of pictures."""
    shot = job.shot
    person = _person(job.entropy[0], shot.person) if shot.person else None
    plan = plan_stretches(np.random.default_rng(job.entropy), shot.stretches, person, shot.lost)
    shown_T = np.setdiff1d(np.arange(len(plan.present)), shot.lost)
    encode = ENCODERS[Path(job.picture).suffix]
    folder, openface = job.root / job.frames_dir / shot.name, job.root / OPENFACE / f"{shot.name}.csv"
    folder.mkdir(parents=True)
    for moment, frame in zip(shown_T, render_frames(plan, shown_T, job.size), strict=True):
        (folder / job.picture.format(moment + 1)).write_bytes(encode(frame))
    openface.parent.mkdir(parents=True, exist_ok=True)
    openface.write_text(plan.openface, encoding="ascii")
    return len(shown_T)


def _person(seed: int, number: int) -> Identity:
    return draw_identity(np.random.default_rng((seed, 0, PERSONS, number)))


def _jpeg(frame_HWC: np.ndarray) -> bytes:
    return bytes(simplejpeg.encode_jpeg(frame_HWC, JPEG_QUALITY))


def _png(frame_HWC: np.ndarray) -> bytes:
    file = io.BytesIO()
    # On these faces the quick way to compress gives no larger files; the usual level takes twice the time.
    Image.fromarray(frame_HWC).save(file, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return file.getvalue()


ENCODERS: Mapping[str, Callable[[np.ndarray], bytes]] = {".jpg": _jpeg, ".png": _png}
