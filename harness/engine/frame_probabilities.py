"""What a trained M3DFEL says of every frame (Eq. 3): the soft-max of the window of T frames around it.

M3DFEL takes T frames and gives one answer, so a frame needs neighbours. Our choice: T consecutive frames, frame f being
number T // 2 of them (from 0); at the ends of the clip the window stays inside it. A clip of n < T frames is stretched
to T, frame floor(n i / T) at i, as M3DFEL's own sampling does. With `stride` s only every s-th frame is asked, and the
others take the answer of the nearest one (of two, the earlier).

Neighbouring windows share most of their instances of S frames: each instance is embedded once.
Shape letters: N clips, F frames, T frames of a window, W windows, K instances of a window, X distinct instances, S
frames of an instance, D features, E expressions (7), B batch, C H W channels and pixels, P pairs of AU row and frame.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

from harness import models
from harness.au.extraction import rows_of_frames, spread
from harness.au.files.frames import FrameTable
from harness.au.units import EXPRESSIONS, NUM_EXPRESSIONS
from harness.data.augment import whole_frames
from harness.data.clips import Clip, Listing
from harness.data.pack import Pack
from harness.engine import checkpoint
from harness.engine.setup import prepare_machine
from harness.errors import DataError, RunError
from harness.files import replacing
from harness.manifest import RunConfig

MODEL = "m3dfel"
BLOCK_FRAMES = 4096  # what an interruption can cost; the size is part of the cache's name, since it decides the batches
BATCH = 64
SCHEMA = pa.schema(
    [("clip", pa.dictionary(pa.int32(), pa.string())), ("frame", pa.int32())]
    + [(name, pa.float32()) for name in EXPRESSIONS]
)


@dataclass(frozen=True)
class FrameProbabilities:
    """Probabilities of the frames of N clips, one clip after the other: clip i has frames offset_N[i] to offset_N[i+1].

    number_F: the frame's number, from 1, in its clip or video (`Pack.frame_numbers`). probability_FE: float32 soft-max.
    """

    clips: tuple[str, ...]
    offset_N: np.ndarray
    number_F: np.ndarray
    probability_FE: np.ndarray


@dataclass(frozen=True)
class FrameModel:
    """M3DFEL taken apart: `embed` makes a feature of each instance, `relate` logits of the K features of a window.

    fingerprint: sha256 (hex) of the checkpoint.
    """

    config: RunConfig
    device: str
    embed: nn.Module
    relate: nn.Module
    fingerprint: str


def load_frame_model(run_dir: Path, config: RunConfig, device: str | None = None) -> FrameModel:
    """The model that the finished run in `run_dir` ended with, its last epoch, on its own device or another.

    RunError if the run is not of M3DFEL by the native engine, or if its checkpoint is missing, unreadable, of another
    configuration or not of the last epoch; HarnessError if the device is not there.
    """
    if (config.model, config.engine) != (MODEL, "native"):
        raise RunError(
            f"{run_dir}: a run of {config.model} by the {config.engine} engine; section 3.1 takes M3DFEL: "
            "name a native run of m3dfel"
        )
    device = device or config.device
    prepare_machine(config.model_copy(update={"device": device}))
    path = run_dir / "checkpoint.pt"
    state = checkpoint.load(path, config.digest())
    if state is None:
        raise RunError(f"{path}: no checkpoint, so no weights; keep it, or remove the run directory and run again")
    if len(state["epochs"]) != config.recipe.epochs:
        raise RunError(f"{path}: of epoch {len(state['epochs'])} of {config.recipe.epochs}; finish the run first")
    model = models.build(MODEL, config.scale, num_classes=len(config.dataset.labels))
    model.load_state_dict(state["model"])
    embed, relate = _taken_apart(model.to(device).eval())
    with path.open("rb") as file:
        return FrameModel(config, device, embed, relate, hashlib.file_digest(file, "sha256").hexdigest())


def frame_probabilities(
    model: FrameModel,
    pack: Pack,
    cache: Path,
    *,
    stride: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> FrameProbabilities:
    """Probabilities of every packed frame, block by block of clips; a block that is below `cache` is not made again.

    progress: frames done, frames of the pack. RunError if the pack's pictures are not of the size that the run was
    trained on, or a cached block cannot be read.
    """
    config = model.config
    size = pack.frames_FHWC.shape[1]
    if size != config.recipe.pack_size:
        raise RunError(
            f"{pack.path}: packed at {size} pixels, the run was trained on {config.recipe.pack_size}; pack at its size"
        )
    if stride < 1:
        raise RunError(f"stride {stride}: give 1 for every frame, or more for every s-th")
    folder = cache / _cache_name(model, pack, stride)
    folder.mkdir(parents=True, exist_ok=True)
    done, blocks, total = 0, [], int(pack.count_N.sum())
    for number, position_N in enumerate(_blocks(pack.count_N)):
        path = folder / f"{number:05d}.parquet"
        if not path.is_file():
            _write(path, pack, position_N, _of_clips(model, pack, position_N, stride))
        blocks.append(_read(path))
        done += len(blocks[-1][0])
        if progress:
            progress(done, total)
    return FrameProbabilities(
        pack.names,
        np.concatenate([[0], np.cumsum(pack.count_N)]),
        np.concatenate([number_F for number_F, _ in blocks]),
        np.concatenate([probability_FE for _, probability_FE in blocks]),
    )


def windows(count: int, frames: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of a clip of `count` frames: their frames (W, T), from 0, and each frame's window (count,)."""
    asked = np.arange(0, count, stride)
    nearest_F = np.minimum((np.arange(count) + (stride - 1) // 2) // stride, len(asked) - 1)
    if count < frames:
        return (np.arange(frames) * count // frames)[None], np.zeros(count, dtype=np.int64)
    start_W, window_A = np.unique(np.clip(asked - frames // 2, 0, count - frames), return_inverse=True)
    return start_W[:, None] + np.arange(frames), window_A[nearest_F]


def rows_of_probabilities(
    table: FrameTable, listing: Listing, pack: Pack, position_N: np.ndarray, probabilities: FrameProbabilities
) -> tuple[np.ndarray, np.ndarray]:
    """AU rows of some clips, and the frames that they are of: row_P in `table`, frame_P in `probabilities`.

    A frame's row is the one of its number. But where every clip of the data set has the same number of frames, they
    are a choice of the clip's, as in the 16-frame folder of DFEW: the rows of a longer AU file are then those of the
    whole clip, and each falls to the frame nearest in time. DataError for a clip whose AU rows end before its pictures.
    """
    place = {name: position for position, name in enumerate(table.videos)}
    chosen = thinned(listing)
    by_number, rows, frames = [], [], []
    for position in position_N:
        v = place[video_of(listing, pack, position)]
        number_T = table.frame_F[table.offset_V[v] : table.offset_V[v + 1]]
        clip_frames = len(listing.clips[pack.names[position]].frames)
        if not chosen or not len(number_T) or number_T[-1] <= clip_frames:
            if not chosen:
                _check_length(listing.clips[pack.names[position]], number_T)
            by_number.append(position)
            continue
        # Where that frame could not be read, the next one answers.
        at_T = np.searchsorted(pack.frame_numbers(position), spread(number_T, clip_frames) + 1)
        frames.append(probabilities.offset_N[position] + np.minimum(at_T, pack.count_N[position] - 1))
        rows.append(np.arange(table.offset_V[v], table.offset_V[v + 1]))
    row_P, frame_P = _pairs_by_number(table, listing, pack, np.array(by_number, dtype=np.int64), probabilities)
    return np.concatenate([row_P, *rows]), np.concatenate([frame_P, *frames])


def _check_length(clip: Clip, number_T: np.ndarray) -> None:
    """An AU file that ends before the clip is cut off, or of other frames; a stretch may lie beyond the last face."""
    if len(number_T) and not clip.numbers and number_T[-1] < len(clip.frames):
        raise DataError(
            f"AU rows of {clip.name} end at frame {number_T[-1]}, the clip has {len(clip.frames)} pictures; run the "
            "extractor again on the pictures that are predicted"
        )


def _pairs_by_number(
    table: FrameTable, listing: Listing, pack: Pack, position_N: np.ndarray, probabilities: FrameProbabilities
) -> tuple[np.ndarray, np.ndarray]:
    starts, ends = probabilities.offset_N[position_N], probabilities.offset_N[position_N + 1]
    frame_P = np.concatenate([np.zeros(0, dtype=np.int64), *map(np.arange, starts, ends)])
    videos = [video_of(listing, pack, position) for position in position_N]
    row_P = rows_of_frames(
        table.videos, table.offset_V, table.frame_F, videos, ends - starts, probabilities.number_F[frame_P]
    )
    return row_P[row_P >= 0], frame_P[row_P >= 0]


def thinned(listing: Listing) -> bool:
    """Whether every clip has the same number of frames, so that they are a choice and not the clip's own."""
    clips = listing.clips.values()
    return len({len(clip.frames) for clip in clips}) == 1 and not any(clip.numbers for clip in clips)


def video_of(listing: Listing, pack: Pack, position: int) -> str:
    """The name of the AU file of a clip of the pack: the clip's own, or its video's."""
    name = pack.names[position]
    return listing.clips[name].video or name


def _taken_apart(model: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The backbone, and the model without it: its input is then (B, K, D), features in place of frames."""
    backbone = model.backbone
    assert isinstance(backbone, nn.Module)
    # The model splits its input into instances, one feature each, and moves an axis of size 1: Flatten undoes that.
    model.backbone = nn.Flatten()
    return backbone.to(memory_format=torch.channels_last_3d), model  # type: ignore[call-overload]


def _autocast(model: FrameModel) -> AbstractContextManager[None]:
    """The run's precision, on the device that is used now."""
    if model.config.precision == "fp32":
        return nullcontext()
    return torch.autocast(torch.device(model.device).type, dtype=torch.bfloat16)


@torch.inference_mode()
def _of_clips(model: FrameModel, pack: Pack, position_N: np.ndarray, stride: int) -> np.ndarray:
    """probability_FE of some clips, one after the other."""
    row_WT, window_F = _windows_of(pack, position_N, model.config.recipe.input.frames, stride)
    instances = models.configuration(MODEL, model.config.scale).instances  # type: ignore[union-attr]
    row_XS, instance_WK = np.unique(row_WT.reshape(len(row_WT) * instances, -1), axis=0, return_inverse=True)
    with _autocast(model):
        feature_XD = torch.cat([_embedded(model, pack, row_BS) for row_BS in _batches(row_XS)])
        index_WK = torch.from_numpy(instance_WK.reshape(len(row_WT), instances))
        logits_WE = torch.cat(
            [model.relate(feature_XD[index_BK.to(model.device)]) for index_BK in index_WK.split(BATCH)]
        )
    return logits_WE.float().softmax(dim=1).cpu().numpy()[window_F]


def _windows_of(pack: Pack, position_N: np.ndarray, frames: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the pack (W, T) of all windows of some clips, and the window of each of their frames (F,)."""
    rows, places, count = [], [], 0
    for position in position_N:
        frame_WT, window_F = windows(int(pack.count_N[position]), frames, stride)
        rows.append(pack.offset_N[position] + frame_WT)
        places.append(count + window_F)
        count += len(frame_WT)
    return np.concatenate(rows), np.concatenate(places)


def _embedded(model: FrameModel, pack: Pack, row_BS: np.ndarray) -> torch.Tensor:
    frames_BSHWC = torch.from_numpy(pack.frames_FHWC[row_BS]).to(model.device)
    clip_BSCHW = whole_frames(frames_BSHWC, model.config.recipe.input)
    return model.embed(clip_BSCHW.transpose(1, 2))


def _batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _blocks(count_N: np.ndarray) -> list[np.ndarray]:
    """Positions of neighbouring clips that together begin in the same BLOCK_FRAMES frames; never an empty block."""
    block_N = (np.cumsum(count_N) - count_N) // BLOCK_FRAMES
    return np.split(np.arange(len(count_N)), np.flatnonzero(np.diff(block_N)) + 1)


def _cache_name(model: FrameModel, pack: Pack, stride: int) -> str:
    made_from = [model.fingerprint, model.device, pack.fingerprint, stride, BLOCK_FRAMES, BATCH, torch.__version__]
    return f"{MODEL}-{hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:12]}"


def _write(path: Path, pack: Pack, position_N: np.ndarray, probability_FE: np.ndarray) -> None:
    clip_F = np.repeat(np.arange(len(position_N), dtype=np.int32), pack.count_N[position_N])
    names = pa.array([pack.names[position] for position in position_N], pa.string())
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(clip_F), names),
        pa.array(np.concatenate([pack.frame_numbers(position) for position in position_N]), pa.int32()),
        *(pa.array(probability_FE[:, expression]) for expression in range(NUM_EXPRESSIONS)),
    ]
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns, schema=SCHEMA), temporary)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """number_F and probability_FE of one block."""
    try:
        table = pq.read_table(path, columns=["frame", *EXPRESSIONS])
        return table["frame"].to_numpy(), np.stack([table[name].to_numpy() for name in EXPRESSIONS], axis=1)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError(
            f"{path}: cached probabilities cannot be read ({error}); remove the file and run again"
        ) from error
