"""The AU-DFER method: knowledge, labels and loss of action units, and the head that carries them.

`from harness.au import AULoss, AUHead` is all that another model needs. Names load on first use, so that
`harness.au.units` costs no import of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.au.files.careful import OpenFaceFrames, read_openface
    from harness.au.files.frames import FrameTable, interpolate_zeros, read_frames
    from harness.au.head import AUHead
    from harness.au.knowledge import load_knowledge
    from harness.au.labels import ClipLabels, clip_label, clip_labels, read_clip_labels
    from harness.au.loss import AULoss, combine, mix, mix_shares
    from harness.au.pos_weight import load_released, pos_weight
    from harness.au.units import ACTION_UNITS, EXPRESSIONS

_HOME = {
    "ACTION_UNITS": "units",
    "EXPRESSIONS": "units",
    "AUHead": "head",
    "AULoss": "loss",
    "ClipLabels": "labels",
    "FrameTable": "files.frames",
    "OpenFaceFrames": "files.careful",
    "clip_label": "labels",
    "clip_labels": "labels",
    "combine": "loss",
    "interpolate_zeros": "files.frames",
    "load_knowledge": "knowledge",
    "load_released": "pos_weight",
    "mix": "loss",
    "mix_shares": "loss",
    "pos_weight": "pos_weight",
    "read_clip_labels": "labels",
    "read_frames": "files.frames",
    "read_openface": "files.careful",
}

__all__ = [
    "ACTION_UNITS",
    "EXPRESSIONS",
    "AUHead",
    "AULoss",
    "ClipLabels",
    "FrameTable",
    "OpenFaceFrames",
    "clip_label",
    "clip_labels",
    "combine",
    "interpolate_zeros",
    "load_knowledge",
    "load_released",
    "mix",
    "mix_shares",
    "pos_weight",
    "read_clip_labels",
    "read_frames",
    "read_openface",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'harness.au' has no attribute '{name}'")
    return getattr(import_module(f"harness.au.{_HOME[name]}"), name)
