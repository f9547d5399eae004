"""Everything about a clip that is not the face: head pose, light, blur, occlusion, background.

Letters: T frames, H W pixels, C channels (3).
"""

from dataclasses import dataclass, replace

import aggdraw
import numpy as np

from harness.data.rendered.identity import RGB


@dataclass(frozen=True)
class Scene:
    """One clip's surroundings.

    Angles (T,) in radians, `shift` (T, 2) in face units, `gaze` (T, 2) in half eye widths, `zoom` in image heights per
    face unit, `light` as level, from the left, from above, vignette; `blur` in passes, `noise` in 1/8 grey levels.
    """

    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    shift: np.ndarray
    gaze: np.ndarray
    zoom: float
    light: tuple[float, float, float, float]
    tint: tuple[float, float, float]
    blur: int
    noise: int
    grain_seed: int
    backdrop: tuple[RGB, RGB, RGB]
    occluder: str
    occluder_at: tuple[float, float, float]


ZOOM = 0.475
"""Image heights per face unit: the face fills the picture, as in DFEW's crops."""
OCCLUDERS = ("none", "bar", "hand", "strand", "microphone")


def clean_scene(frames: int) -> Scene:
    """A still, evenly lit frontal view with nothing in the way."""
    still, centred = np.zeros(frames), np.zeros((frames, 2))
    return Scene(
        yaw=still, pitch=still, roll=still, shift=centred, gaze=centred, zoom=ZOOM, light=(1.04, 0.0, 0.06, 0.0),
        tint=(1.0, 1.0, 1.0), blur=0, noise=0, grain_seed=0,
        backdrop=((150, 164, 178), (110, 124, 142), (130, 144, 160)), occluder="none", occluder_at=(0.0, 0.0, 0.0),
    )  # fmt: skip


def draw_scene(rng: np.random.Generator, frames: int) -> Scene:
    """Surroundings at random, moderate enough to leave the face in sight."""
    return Scene(
        yaw=_drift(rng, frames, 0.15, 0.05),
        pitch=_drift(rng, frames, 0.1, 0.03),
        roll=_drift(rng, frames, 0.07, 0.025),
        shift=_drifts(rng, frames, (0.025, 0.012), (0.025, 0.012)),
        gaze=_drifts(rng, frames, (0.18, 0.12), (0.06, 0.05)),
        zoom=ZOOM * float(np.clip(rng.normal(1.0, 0.03), 0.94, 1.06)),
        light=_draw_light(rng),
        tint=(1.0 + float(rng.normal(0.0, 0.05)), 1.0, 1.0 + float(rng.normal(0.0, 0.06))),
        blur=int(rng.choice(3, p=(0.6, 0.3, 0.1))),
        noise=int(rng.choice((0, 3, 6), p=(0.5, 0.3, 0.2))),
        grain_seed=int(rng.integers(2**31)),
        backdrop=_draw_backdrop(rng),
        occluder=str(rng.choice(OCCLUDERS, p=(0.88, 0.03, 0.03, 0.03, 0.03))),
        occluder_at=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), float(rng.uniform(0, 1))),
    )


def _draw_light(rng: np.random.Generator) -> tuple[float, float, float, float]:
    level, left, above = rng.uniform(0.78, 1.12), rng.normal(0.0, 0.14), rng.normal(0.06, 0.08)
    return float(level), float(left), float(above), float(rng.uniform(0.0, 0.12))


def _draw_backdrop(rng: np.random.Generator) -> tuple[RGB, RGB, RGB]:
    # Rooms are greyish: colours at random, half way to their mean.
    colours = rng.integers(20, 225, (3, 3))
    first, second, third = ((colours + colours.mean(axis=1, keepdims=True)).astype(int) // 2).tolist()
    return tuple(first), tuple(second), tuple(third)


def _drifts(rng: np.random.Generator, frames: int, *each: tuple[float, float]) -> np.ndarray:
    return np.stack([_drift(rng, frames, offset, sway) for offset, sway in each], axis=-1)


def _drift(rng: np.random.Generator, frames: int, offset: float, sway: float) -> np.ndarray:
    """A slow movement over the clip around an offset of its own, (T,)."""
    phase, turns = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.5, 1.5)
    at = np.clip(rng.normal(0.0, offset), -2 * offset, 2 * offset)
    return at + sway * np.sin(phase + 2 * np.pi * turns * np.arange(frames) / frames)


def project(points_TN2: np.ndarray, scene: Scene, size: int) -> np.ndarray:
    """Face coordinates to pixels: the face lies on an ellipsoid that turns (yaw, pitch, roll) and is seen from afar."""
    x, y = points_TN2[..., 0], points_TN2[..., 1]
    depth = 0.75 * np.sqrt(np.maximum(0.0, 1.0 - (x / 1.05) ** 2 - (y / 1.4) ** 2))
    depth += 0.16 * np.exp(-((x / 0.16) ** 2) - ((y - 0.12) / 0.2) ** 2)
    yaw, pitch, roll = (angle[:, None] for angle in (scene.yaw, scene.pitch, scene.roll))
    x, depth = x * np.cos(yaw) + depth * np.sin(yaw), depth * np.cos(yaw) - x * np.sin(yaw)
    y = y * np.cos(pitch) - (depth - 0.5) * np.sin(pitch)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    # A turned head is cropped around the face that is seen, as a face detector would.
    x = x - 0.6 * np.sin(yaw) + scene.shift[:, None, 0]
    y = y + scene.shift[:, None, 1] + 0.05
    return size * (0.5 + scene.zoom * np.stack((x, y), axis=-1))


def paint_backdrop(scene: Scene, size: int) -> bytes:
    """The picture behind the head, RGB bytes of H W C."""
    first, second, third = scene.backdrop
    canvas = aggdraw.Draw("RGB", (size, size), first)
    wall = ((0, 0.62), (0.3, 0.5), (1, 0.66), (1, 1), (0, 1))
    shoulders = ((0, 1), (0.08, 0.97), (0.3, 0.9), (0.7, 0.9), (0.92, 0.97), (1, 1))
    canvas.polygon(_scaled(size, *wall), None, aggdraw.Brush(second, 190))
    canvas.rectangle(_scaled(size, (0.72, 0), (0.9, 1)), None, aggdraw.Brush(third, 150))
    canvas.ellipse(_scaled(size, (-0.2, -0.2), (0.25, 0.3)), None, aggdraw.Brush(third, 150))
    canvas.polygon(_scaled(size, *shoulders), None, aggdraw.Brush(second))
    return bytes(canvas.tobytes())


def _scaled(size: int, *pairs: tuple[float, float]) -> list[float]:
    return [size * part for pair in pairs for part in pair]


def paint_occluder(canvas: aggdraw.Draw, scene: Scene, size: int) -> None:
    """What is in front of the face, if anything: a caption bar, a hand at the jaw, a strand of hair, a microphone."""
    painters = {"bar": _paint_bar, "hand": _paint_hand, "strand": _paint_strand, "microphone": _paint_microphone}
    if scene.occluder in painters:
        painters[scene.occluder](canvas, size, *scene.occluder_at)


def _paint_bar(canvas: aggdraw.Draw, size: int, a: float, b: float, c: float) -> None:
    canvas.rectangle(_scaled(size, (0, 0.88 + 0.04 * c), (1, 1)), None, aggdraw.Brush((16, 16, 16), 235))


def _paint_hand(canvas: aggdraw.Draw, size: int, a: float, b: float, c: float) -> None:
    x = 0.16 if a < 0 else 0.84
    for finger in range(4):
        y = 0.72 + 0.1 * b + 0.08 * finger
        outline = _scaled(size, (x - 0.15, y - 0.055), (x + 0.15, y + 0.055))
        canvas.ellipse(outline, None, aggdraw.Brush((196, 146, 116)))


def _paint_strand(canvas: aggdraw.Draw, size: int, a: float, b: float, c: float) -> None:
    x = 0.78 if a < 0 else 0.22
    strand = _scaled(size, (x, 0), (x + 0.03, 0.3), (x + 0.07 * b, 0.5 + 0.2 * c))
    canvas.line(strand, aggdraw.Pen((40, 30, 24), 0.035 * size, 220))


def _paint_microphone(canvas: aggdraw.Draw, size: int, a: float, b: float, c: float) -> None:
    x = 0.5 + 0.22 * a
    canvas.line(_scaled(size, (x, 1), (x, 0.95)), aggdraw.Pen((30, 30, 34), 0.08 * size))
    canvas.ellipse(_scaled(size, (x - 0.1, 0.85), (x + 0.1, 0.99)), None, aggdraw.Brush((52, 52, 58)))


def at_frames(scene: Scene, frames: np.ndarray) -> Scene:
    """The scene at some of its frames (indices)."""
    moving = ("yaw", "pitch", "roll", "shift", "gaze")
    return replace(scene, **{name: getattr(scene, name)[frames] for name in moving})
