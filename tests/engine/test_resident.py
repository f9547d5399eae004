"""Frames from a copy of the pack are the pack's."""

import numpy as np
import pytest
import torch

from harness.data.prepare import Prepared
from harness.engine import resident


def test_a_copy_gives_what_the_pack_gives(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = prepared.pack
    monkeypatch.setattr(resident, "CHUNK_FRAMES", 37)  # no divisor of the pack's frames: the last chunk is short
    copied = resident.copy(pack, "cpu")
    position_B = np.array([3, 0, len(pack.names) - 1])
    frame_BT = np.stack([np.linspace(0, pack.count_N[position] - 1, 5).astype(np.int64) for position in position_B])
    assert torch.equal(copied, torch.from_numpy(np.array(pack.frames_FHWC)))
    assert torch.equal(resident.rows(copied, pack, position_B, frame_BT), pack.gather(position_B, frame_BT))


def test_a_cpu_reads_the_memory_map(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "_kept", {})
    position_B, frame_BT = np.array([1, 2]), np.zeros((2, 4), dtype=np.int64)
    clip_BTHWC = resident.gather(prepared.pack, position_B, frame_BT, "cpu")
    assert torch.equal(clip_BTHWC, prepared.pack.gather(position_B, frame_BT))
    assert not resident._kept


def test_half_of_the_free_memory_is_the_models() -> None:
    assert resident.fits(50, 100)
    assert not resident.fits(51, 100)


@pytest.mark.gpu
@pytest.mark.parametrize("share", [0.5, 0.0])
def test_a_gpu_gives_what_the_pack_gives(share: float, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    monkeypatch.setattr(resident, "RESIDENT_SHARE", share)
    monkeypatch.setattr(resident, "_kept", {})
    position_B, frame_BT = np.array([1, 2]), np.zeros((2, 4), dtype=np.int64)
    clip_BTHWC = resident.gather(prepared.pack, position_B, frame_BT, "cuda")
    assert torch.equal(clip_BTHWC.cpu(), prepared.pack.gather(position_B, frame_BT))
