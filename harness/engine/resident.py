"""Frames of clips on the device that trains: from the pack's memory map, or from a copy of it in the GPU's memory.

On a GPU the pack is copied there once, if it takes at most RESIDENT_SHARE of the memory that is free; else the frames
of a batch go through pinned memory. On a CPU they come from the memory map.
Letters: N clips, B batch, T frames, F rows of the pack's frames, H W pixels, C channels.
"""

from __future__ import annotations

import numpy as np
import torch

from harness.data.pack import Pack

RESIDENT_SHARE = 0.5  # the rest is for the model and its activations
CHUNK_FRAMES = 4096

_kept: dict[tuple[str, str, int], torch.Tensor | None] = {}  # one pack a process: the runs of a sweep share it


def gather(pack: Pack, position_B: np.ndarray, frame_BT: np.ndarray, device: str) -> torch.Tensor:
    """Frames of clips, uint8 (B, T, H, W, 3) on `device`: frame_BT counts from each clip's first frame.

    On a GPU the copy is ordered on the current stream; the host does not wait for it.
    """
    if torch.device(device).type != "cuda":
        return pack.gather(position_B, frame_BT).to(device)
    frames_FHWC = _resident(pack)
    if frames_FHWC is None:
        return pack.gather(position_B, frame_BT).pin_memory().to(device, non_blocking=True)
    return rows(frames_FHWC, pack, position_B, frame_BT)


def rows(frames_FHWC: torch.Tensor, pack: Pack, position_B: np.ndarray, frame_BT: np.ndarray) -> torch.Tensor:
    """What `Pack.gather` gives, taken from a copy of the pack's frames on any device."""
    row_BT = torch.from_numpy(pack.offset_N[position_B][:, None] + frame_BT)
    if frames_FHWC.is_cuda:
        row_BT = row_BT.pin_memory()
    return frames_FHWC[row_BT.to(frames_FHWC.device, non_blocking=True)]


def copy(pack: Pack, device: str | torch.device) -> torch.Tensor:
    """All frames of the pack on `device`, chunk by chunk: the host holds no second copy."""
    frames_FHWC = torch.empty(pack.frames_FHWC.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(frames_FHWC), CHUNK_FRAMES):
        chunk = np.array(pack.frames_FHWC[start : start + CHUNK_FRAMES])
        frames_FHWC[start : start + len(chunk)] = torch.from_numpy(chunk)
    return frames_FHWC


def fits(needed: int, free: int) -> bool:
    """Whether a pack of `needed` bytes may lie in a GPU's memory of which `free` bytes are free."""
    return needed <= RESIDENT_SHARE * free


def _resident(pack: Pack) -> torch.Tensor | None:
    """The pack's copy on the current GPU, made at the first call; None if it does not fit."""
    key = (str(pack.path), pack.fingerprint, torch.cuda.current_device())
    if key not in _kept:
        _kept.clear()
        torch.cuda.empty_cache()  # what the runs before have left is free, too
        free, _ = torch.cuda.mem_get_info()
        _kept[key] = copy(pack, torch.device("cuda", key[2])) if fits(pack.frames_FHWC.nbytes, free) else None
        # Other streams read it from now on.
        torch.cuda.synchronize()
    return _kept[key]
