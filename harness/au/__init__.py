"""The AU-DFER method: knowledge, labels and loss of action units, and the head that carries them.

`from harness.au import AULoss, AUHead` is all that another model needs. Names load on first use, so that
`harness.au.units` costs no import of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.au.head import AUHead
    from harness.au.knowledge import load_knowledge
    from harness.au.labels import clip_label, clip_labels
    from harness.au.loss import AULoss, combine, mix, mix_shares
    from harness.au.openface import OpenFaceFrames, read_clip_labels, read_openface
    from harness.au.pos_weight import load_released, pos_weight
    from harness.au.units import ACTION_UNITS, EXPRESSIONS

_HOME = {
    "ACTION_UNITS": "units",
    "EXPRESSIONS": "units",
    "AUHead": "head",
    "AULoss": "loss",
    "OpenFaceFrames": "openface",
    "clip_label": "labels",
    "clip_labels": "labels",
    "combine": "loss",
    "load_knowledge": "knowledge",
    "load_released": "pos_weight",
    "mix": "loss",
    "mix_shares": "loss",
    "pos_weight": "pos_weight",
    "read_clip_labels": "openface",
    "read_openface": "openface",
}

__all__ = [
    "ACTION_UNITS",
    "EXPRESSIONS",
    "AUHead",
    "AULoss",
    "OpenFaceFrames",
    "clip_label",
    "clip_labels",
    "combine",
    "load_knowledge",
    "load_released",
    "mix",
    "mix_shares",
    "pos_weight",
    "read_clip_labels",
    "read_openface",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'harness.au' has no attribute '{name}'")
    return getattr(import_module(f"harness.au.{_HOME[name]}"), name)
