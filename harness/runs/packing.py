"""`audfer data pack`: the packs that runs of a data set open, made ahead of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.lists import Lists
from harness.data.pack import verify_pack
from harness.data.prepare import pack_listing
from harness.data.readers import read_listing
from harness.dataset_manifest import DatasetManifest
from harness.errors import CheckFailed
from harness.manifest import known, load_model

Bar = Callable[[int, int], None]


@dataclass(frozen=True)
class Packed:
    """A pack of one size: where it lies and what is in it. quarantined: frames that could not be read."""

    path: Path
    size: int
    clips: int
    frames: int
    quarantined: int

    def lines(self) -> list[str]:
        """For a reader: the pack, and where the list of unreadable frames lies if there are any."""
        lines = [f"{self.path}: {self.clips:,} clips, {self.frames:,} frames of {self.size} x {self.size} pixels"]
        if self.quarantined:
            lines.append(f"{self.path / 'quarantine.csv'}: names {self.quarantined:,} frames that could not be read")
        return lines

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**self.__dict__, "path": str(self.path)}


def pack_sizes() -> list[int]:
    """The sides in pixels that the models' recipes ask for at full scale."""
    return sorted({load_model(name).recipe["full"].pack_size for name in known("models")})


def pack_dataset(
    manifest: DatasetManifest,
    root: Path,
    sizes: Sequence[int],
    cache: Path,
    *,
    lists: Lists | None = None,
    verify: bool = False,
    workers: int = 1,
    stage: Callable[[str], Bar],
) -> list[Packed]:
    """Pack the data set at `root` in each size, below `cache`, where runs look for it.

    With `verify` every clip's bytes are hashed again; CheckFailed names those that changed.
    """
    listing, found = read_listing(manifest, root, lists), []
    for size in sizes:
        progress = stage(f"packing clips at {size} pixels")
        pack = pack_listing(manifest, listing, size, cache / "packs", workers=workers, progress=progress)
        if verify:
            _verify(pack.path, workers, stage(f"hashing {pack.path.name}"))
        found.append(Packed(pack.path, size, len(pack.names), int(pack.count_N.sum()), pack.quarantined))
    return found


def _verify(path: Path, workers: int, progress: Bar) -> None:
    wrong = verify_pack(path, workers=workers, progress=progress)
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise CheckFailed(f"{path}: the bytes of {wrong[0]}{more} changed since packing; remove it and pack again")
