"""One line of `audfer doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What was looked at and found. `missing` costs what it names and nothing else; `broken` is needed, or was asked
    for and is not right. remedy: what to do about it; empty where nothing is to be done.
    """

    name: str
    status: Literal["ok", "missing", "broken"]
    found: str
    remedy: str = ""
