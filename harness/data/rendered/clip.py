"""One clip from its seed: tracks, person, scene, frames, OpenFace file.

Letters: T frames of the whole clip, S sampled frames (16), A action units (18).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg

from harness.data.rendered.identity import Identity, draw_identity
from harness.data.rendered.openface import openface_csv
from harness.data.rendered.paint import paint_clip
from harness.data.rendered.scene import Scene, at_frames, draw_scene
from harness.data.rendered.tracks import LONGEST, SHORTEST, draw_presence, intensity_of, sampled_frames

JPEG_QUALITY = 90
FRAMES_16, FRAMES_FULL, OPENFACE = "Clip/clip_224x224_16f", "Clip/clip_224x224", "OpenFace"


@dataclass(frozen=True)
class ClipPlan:
    """Everything about a clip but its pixels: `present` bool (T, A), `intensity` 0-5 (T, A), `sampled` (S,) moments."""

    present: np.ndarray
    intensity: np.ndarray
    sampled: np.ndarray
    person: Identity
    scene: Scene
    openface: str


def plan_clip(seed: int, index: int, share_A: np.ndarray) -> ClipPlan:
    """The clip `index` of a data set with this seed, whose AUs are on with shares `share_A`."""
    rng = np.random.default_rng((seed, index))
    frames = int(rng.integers(SHORTEST, LONGEST + 1))
    return plan_stretches(rng, [(share_A, frames)])


def plan_stretches(
    rng: np.random.Generator,
    stretches: Sequence[tuple[np.ndarray, int]],
    person: Identity | None = None,
    lost: Sequence[int] = (),
) -> ClipPlan:
    """A clip of stretches, each with its AU shares (A,) and number of frames; a person at random unless one is given.

    In the frames `lost` (counted from 0) OpenFace finds no face.
    """
    present_TA = np.concatenate([draw_presence(rng, share_A, frames) for share_A, frames in stretches])
    intensity_TA = intensity_of(rng, present_TA)
    person, scene = person or draw_identity(rng), draw_scene(rng, len(present_TA))
    openface = openface_csv(rng, intensity_TA, scene, lost)
    return ClipPlan(present_TA, intensity_TA, sampled_frames(len(present_TA)), person, scene, openface)


def render_frames(plan: ClipPlan, moments_T: np.ndarray, size: int) -> np.ndarray:
    """The frames of a clip at some moments, uint8 (T, H, W, C)."""
    return paint_clip(plan.person, at_frames(plan.scene, moments_T), plan.intensity[moments_T], size, moments_T)


def write_clip(root: Path, index: int, plan: ClipPlan, size: int, full: bool) -> int:
    """Write the pictures and the OpenFace file of clip `index`; returns the number of frames painted."""
    name = f"{index:05d}"
    moments_T = np.arange(len(plan.present)) if full else plan.sampled
    pictures = [simplejpeg.encode_jpeg(frame, JPEG_QUALITY) for frame in render_frames(plan, moments_T, size)]
    sampled = [pictures[moment] for moment in plan.sampled] if full else pictures
    _write_pictures(root / FRAMES_16 / name, sampled)
    if full:
        _write_pictures(root / FRAMES_FULL / name, pictures)
    (root / OPENFACE / f"{name}.csv").write_text(plan.openface, encoding="ascii")
    return len(pictures)


def _write_pictures(folder: Path, pictures: list[bytes]) -> None:
    folder.mkdir()
    for number, picture in enumerate(pictures, start=1):
        (folder / f"{number}.jpg").write_bytes(picture)
