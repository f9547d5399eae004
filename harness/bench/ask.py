"""What a measuring process is asked, and where it finds what it needs; a JSON file between it and its parent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from harness.bench.timing import Clock
from harness.manifest import Precision, Scale

Compile = Literal["off", "default", "reduce-overhead", "max-autotune"]
Part = Literal["step", "input", "evaluation", "run"]
PARTS: tuple[Part, ...] = ("step", "input", "evaluation", "run")
DEFAULT_ROUNDS = 7


@dataclass(frozen=True)
class Ask:
    """One part of one model.

    precision, compile: of our own engine. threads: of PyTorch's operators (None: as it finds them). rounds: of each
    comparison of whole steps; cheap ones have several times as many. batch: clips of a step. clock: what is timed, but
    for whole runs. upstream: a tree of the pinned commit, or None, and then `absent` says why there is none. prepared,
    root: rendered faces, packed and as pictures.
    """

    part: Part
    model: str
    scale: Scale
    device: str
    precision: Precision
    threads: int | None
    rounds: int
    seed: int
    batch: int
    compile: Compile
    clock: Clock
    upstream: str | None
    absent: str
    prepared: str
    root: str
    work: str

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def paths(self) -> dict[str, Path]:
        """The places on this machine."""
        return {name: Path(getattr(self, name)) for name in ("prepared", "root", "work")}


def read_ask(path: Path) -> Ask:
    """What `Ask.write` wrote."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Ask(**data)
