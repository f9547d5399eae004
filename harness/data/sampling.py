"""Which frames of a clip a model sees: each upstream's training and test rule, named after it.

A rule gives indices (B, T) for training and (B, V, T) for testing with V views, counted from the clip's first frame,
for a batch of clips with `count_B` frames each.

  m3dfel      frame floor(n i / T) plus jitter. The upstream's jitter is up to T - 1 frames however long the clip is,
              and it stays on at test time; `jitter = "segment"` keeps it inside the segment, `test = "centre"`
              switches it off (datasets/dataset_DFEW.py).
  former_dfer T / 2 segments of two neighbouring frames; a random start in training, the centre in testing
              (dataloader/dataset_DFEW.py).
  mae_dfer    T frames at a stride from a random start, spread over the clip if it is shorter; `test_segments` windows
              in testing (kinetics.py). Its two test crops of a square picture are the same crop.
"""

from __future__ import annotations

import numpy as np

from harness.recipe import Sampling

SEGMENT_FRAMES = 2  # frames per segment of Former-DFER


def train_frames(sampling: Sampling, count_B: np.ndarray, frames: int, generator: np.random.Generator) -> np.ndarray:
    """Training indices (B, T), T = `frames`, drawn from `generator`."""
    if sampling.rule == "m3dfel":
        return _m3dfel(count_B, frames, generator.random((len(count_B), frames)), sampling.jitter)
    if sampling.rule == "former_dfer":
        return _former_dfer_train(count_B, frames, generator)
    return _mae_dfer_train(count_B, frames, sampling.stride, generator)


def test_frames(sampling: Sampling, count_B: np.ndarray, frames: int, generator: np.random.Generator) -> np.ndarray:
    """Test indices (B, V, T); only the upstream rule of M3DFEL draws from `generator`."""
    if sampling.rule == "m3dfel":
        if sampling.test == "upstream":
            return _m3dfel(count_B, frames, generator.random((len(count_B), frames)), sampling.jitter)[:, None]
        return _m3dfel(count_B, frames, np.full((len(count_B), frames), 0.5), "segment")[:, None]
    if sampling.rule == "former_dfer":
        return _former_dfer_test(count_B, frames)[:, None]
    return _mae_dfer_test(count_B, frames, sampling.stride, sampling.test_segments)


def _m3dfel(count_B: np.ndarray, frames: int, uniform_BT: np.ndarray, jitter: str) -> np.ndarray:
    span_B = count_B[:, None]
    start_BT = span_B * np.arange(frames) / frames
    if jitter == "segment":
        index_BT = np.floor(start_BT + uniform_BT * span_B / frames)
    else:
        index_BT = np.floor(start_BT) + np.floor(uniform_BT * frames)
    return np.minimum(index_BT, span_B - 1).astype(np.int64)


def _former_dfer_train(count_B: np.ndarray, frames: int, generator: np.random.Generator) -> np.ndarray:
    segments = frames // SEGMENT_FRAMES
    uniform_BS = generator.random((len(count_B), segments))
    room_B = count_B - SEGMENT_FRAMES + 1
    width_B = np.maximum(room_B // segments, 0)[:, None]
    spread_BS = np.arange(segments) * width_B + np.floor(uniform_BS * width_B)
    anywhere_BS = np.sort(np.floor(uniform_BS * np.maximum(room_B, 0)[:, None]), axis=1)
    short_BS = np.where((count_B > segments)[:, None], anywhere_BS, 0)
    return _with_neighbours(np.where(width_B > 0, spread_BS, short_BS), count_B)


def _former_dfer_test(count_B: np.ndarray, frames: int) -> np.ndarray:
    segments = frames // SEGMENT_FRAMES
    tick_B = ((count_B - SEGMENT_FRAMES + 1) / segments)[:, None]
    centre_BS = np.floor(tick_B / 2 + tick_B * np.arange(segments))
    long_enough_B = (count_B > segments + SEGMENT_FRAMES - 1)[:, None]
    return _with_neighbours(np.where(long_enough_B, centre_BS, 0), count_B)


def _with_neighbours(start_BS: np.ndarray, count_B: np.ndarray) -> np.ndarray:
    frame_BSD = start_BS.astype(np.int64)[:, :, None] + np.arange(SEGMENT_FRAMES)
    return np.minimum(frame_BSD, count_B[:, None, None] - 1).reshape(len(start_BS), -1)


def _mae_dfer_train(count_B: np.ndarray, frames: int, stride: int, generator: np.random.Generator) -> np.ndarray:
    span = frames * stride
    uniform_B = generator.random(len(count_B))
    rows = [_mae_dfer_window(int(n), frames, stride, span, u) for n, u in zip(count_B, uniform_B, strict=True)]
    return np.stack(rows)


def _mae_dfer_window(count: int, frames: int, stride: int, span: int, uniform: float) -> np.ndarray:
    if count <= span:
        kept = count // stride
        index = np.concatenate([np.linspace(0, count, num=kept), np.full(frames - kept, count)])
        return np.clip(index, 0, count - 1).astype(np.int64)
    end = span + int(uniform * (count - span))
    return np.clip(np.linspace(end - span, end, num=frames), end - span, end - 1).astype(np.int64)


def _mae_dfer_test(count_B: np.ndarray, frames: int, stride: int, segments: int) -> np.ndarray:
    return np.stack([_mae_dfer_views(int(count), frames, stride, segments) for count in count_B])


def _mae_dfer_views(count: int, frames: int, stride: int, segments: int) -> np.ndarray:
    strided = np.arange(0, count, stride)
    strided = np.concatenate([strided, np.full(max(frames - len(strided), 0), strided[-1])])
    step = (len(strided) - frames) / max(segments - 1, 1)
    return np.stack([strided[int(view * step) : int(view * step) + frames] for view in range(segments)])
