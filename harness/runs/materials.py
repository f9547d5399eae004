"""What runs are made from: places on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Materials:
    """Where what the runs need lies; none of it is part of a run's identity, its hashes are.

    prepared: by pack size. root: the data set, read by the upstreams' own loaders. initial: files of initial weights by
    model. cache: pretrained weights of the upstreams. third_party: their clones.
    """

    prepared: Mapping[int, Path]
    root: Path
    cache: Path
    third_party: Path = Path("third_party")
    initial: Mapping[str, Path] = field(default_factory=dict)
