"""The seven expressions and the eighteen action units, in the order of every matrix and label row of the harness."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Order of the released matrix and pos_weight tables, and of the paper's Fig. 4.
EXPRESSIONS = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")

# The 18 units whose presence OpenFace 2.2 reports.
ACTION_UNITS = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12",
    "AU14", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU28", "AU45",
)  # fmt: skip

# The unit with a presence but no intensity in OpenFace.
UNIT_WITHOUT_INTENSITY = "AU28"

NUM_EXPRESSIONS = len(EXPRESSIONS)
NUM_UNITS = len(ACTION_UNITS)

EXPRESSION_INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(EXPRESSIONS)})
UNIT_INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(ACTION_UNITS)})
