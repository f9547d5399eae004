"""What light and camera make of painted frames.

Letters: T frames, H W pixels, C channels (3).
"""

import numpy as np

from harness.data.rendered.scene import Scene


def expose(frames_THWC: np.ndarray, scene: Scene, moments_T: np.ndarray) -> np.ndarray:
    """Light, blur and noise of the camera on painted frames, uint8 (T, H, W, C).

    `moments_T` are the places of the frames in the whole clip: the noise differs from moment to moment.
    """
    exposed = _lighten(frames_THWC, scene)
    for _ in range(scene.blur):
        _blur(exposed)
    if scene.noise:
        _grain(exposed, scene, moments_T)
    return np.clip(exposed, 0, 255, out=exposed).astype(np.uint8)


def _lighten(frames_THWC: np.ndarray, scene: Scene) -> np.ndarray:
    """Light from a side and from above with a vignette: a gain per pixel in 1/64, at most 2, so that int16 suffices."""
    y, x = np.mgrid[-1 : 1 : frames_THWC.shape[1] * 1j, -1 : 1 : frames_THWC.shape[2] * 1j]
    level, left, above, vignette = scene.light
    gain_HW = level * (1.0 - left * x - above * y - vignette * (x * x + y * y))
    gain_HWC = np.clip(gain_HW[..., None] * np.array(scene.tint) * 64.0, 0.0, 128.0).astype(np.int16)
    lit = frames_THWC * gain_HWC
    lit >>= 6
    return lit


def _blur(frames_THWC: np.ndarray) -> None:
    """A 3 x 3 binomial blur in place; the outermost pixels stay."""
    frames_THWC[:, 1:-1] = (frames_THWC[:, :-2] + 2 * frames_THWC[:, 1:-1] + frames_THWC[:, 2:]) >> 2
    frames_THWC[:, :, 1:-1] = (frames_THWC[:, :, :-2] + 2 * frames_THWC[:, :, 1:-1] + frames_THWC[:, :, 2:]) >> 2


def _grain(frames_THWC: np.ndarray, scene: Scene, moments_T: np.ndarray) -> None:
    """Sensor noise, added in place: one texture (the sum of two uniform draws) that jumps from frame to frame."""
    _, height, width, channels = frames_THWC.shape
    rng = np.random.default_rng(scene.grain_seed)
    draws = rng.integers(0, 256, (height, width, channels), np.uint8)
    texture = ((draws & 15).astype(np.int16) + (draws >> 4) - 15) * scene.noise >> 3
    jumps_T2 = rng.integers(0, min(height, width), (int(moments_T.max()) + 1, 2))[moments_T]
    for frame, jump in zip(frames_THWC, jumps_T2, strict=True):
        frame += np.roll(texture, tuple(jump), axis=(0, 1))
