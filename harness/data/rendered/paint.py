"""From layers to pixels: antialiased polygons and strokes on one canvas, frame by frame.

Letters: T frames, L layers, N points, A action units (18), H W pixels, C channels (3).
"""

import aggdraw
import numpy as np

from harness.data.rendered.camera import expose
from harness.data.rendered.face import face_layers
from harness.data.rendered.identity import Identity
from harness.data.rendered.layers import Layer
from harness.data.rendered.scene import Scene, paint_backdrop, paint_occluder, project

FAINTEST = 10
"""A layer less opaque than this (of 255) is not drawn."""


def paint_clip(
    person: Identity, scene: Scene, intensity_TA: np.ndarray, size: int, moments_T: np.ndarray | None = None
) -> np.ndarray:
    """The frames of one clip, uint8 (T, H, W, C): the face of `person` with AU intensities (0-5) in a scene.

    `moments_T` are the places of these frames in the whole clip, where they are not all of it: they decide the noise.
    """
    layers = [layer for layer in face_layers(person, intensity_TA, scene.gaze) if 255 * layer.opacity.max() >= FAINTEST]
    ends = np.cumsum([2 * layer.points.shape[1] for layer in layers]).tolist()
    pixels_TN2 = project(np.concatenate([layer.points for layer in layers], axis=1), scene, size)
    alpha_TL = (255 * np.stack([layer.opacity for layer in layers], axis=1)).astype(int).tolist()
    backdrop = paint_backdrop(scene, size)
    canvas = aggdraw.Draw("RGB", (size, size))
    frames = np.empty((intensity_TA.shape[0], size, size, 3), np.uint8)
    for t, points_N2 in enumerate(pixels_TN2):
        canvas.frombytes(backdrop)
        _paint_layers(canvas, layers, ends, points_N2.ravel().tolist(), alpha_TL[t], scene.zoom * size)
        if scene.occluder != "none":
            paint_occluder(canvas, scene, size)
        frames[t] = np.frombuffer(canvas.tobytes(), np.uint8).reshape(size, size, 3)
    return expose(frames, scene, np.arange(len(frames)) if moments_T is None else moments_T)


def _paint_layers(
    canvas: aggdraw.Draw, layers: list[Layer], ends: list[int], flat: list[float], alphas: list[int], scale: float
) -> None:
    start = 0
    for layer, end, alpha in zip(layers, ends, alphas, strict=True):
        if alpha >= FAINTEST:
            if layer.width:
                canvas.line(flat[start:end], aggdraw.Pen(layer.colour, layer.width * scale, alpha))
            else:
                canvas.polygon(flat[start:end], None, aggdraw.Brush(layer.colour, alpha))
        start = end
