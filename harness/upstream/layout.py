"""The folder that an upstream's script runs in: clips where it looks for them, and its lists, from our listing.

Everything is relative to that folder, so that no character of its path can disturb a script (one replaces every X in a
path, another splits its lists at spaces). Labels are 0 to 6 in the order of EXPRESSIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.clips import Clip

CLIPS = Path("data", "Clip", "clip_224x224", "clip_224x224")  # where M3DFEL looks; the others are told
SPLITS = Path("data", "EmoLabel_DataSplit")
OUTPUT_FOLDERS = ("log", "checkpoint", "outputs", "output")
PARTS = ("train", "test")


@dataclass(frozen=True)
class Parts:
    """The clips of a run, in the order of the lists."""

    fold: int
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]

    @property
    def clips(self) -> tuple[Clip, ...]:
        """All clips, train first."""
        return self.train + self.test


def lay_out(upstream: str, folder: Path, parts: Parts) -> None:
    """Make the folder of a run of `upstream`: links to the clips, the lists, and the folders it writes to."""
    for name in OUTPUT_FOLDERS:
        (folder / name).mkdir()
    (folder / CLIPS).mkdir(parents=True)
    for clip in parts.clips:
        _link(folder / CLIPS / clip.name, clip.frames)
    for part, clips in zip(PARTS, (parts.train, parts.test), strict=True):
        LISTS[upstream](folder, part, clips, parts.fold)


def _link(place: Path, frames: Sequence[Path]) -> None:
    """One link to the clip's folder if the scripts find its frames in temporal order, else one link a frame.

    They take `*.jpg` in the order of text, in which 10.jpg comes before 2.jpg; PIL goes by content, not by suffix.
    """
    folder = frames[0].parent
    if sorted(folder.glob("*.jpg")) == list(frames):
        place.symlink_to(folder.resolve(), target_is_directory=True)
        return
    place.mkdir()
    for number, frame in enumerate(frames, start=1):
        (place / f"{number:05d}.jpg").symlink_to(frame.resolve())


def _former_dfer(folder: Path, part: str, clips: Sequence[Clip], fold: int) -> None:
    lines = [f"{CLIPS / clip.name} {len(clip.frames)} {clip.label}" for clip in clips]
    _write(folder / "annotation" / f"DFEW_set_{fold}_{part}.txt", lines)


def _m3dfel(folder: Path, part: str, clips: Sequence[Clip], fold: int) -> None:
    lines = ["video_name,label", *(f"{clip.name},{clip.label + 1}" for clip in clips)]
    _write(folder / SPLITS / f"{part}(single-labeled)" / f"set_{fold}.csv", lines)


def _mae_dfer(folder: Path, part: str, clips: Sequence[Clip], fold: int) -> None:
    lines = [f"{CLIPS / clip.name} {clip.label}" for clip in clips]
    # The upstream's own preparation (preprocess/dfew.py) writes the test clips as the validation list, too.
    for name in (part,) if part == "train" else ("val", "test"):
        _write(folder / "lists" / f"{name}.csv", lines)


LISTS: dict[str, Callable[[Path, str, Sequence[Clip], int], None]] = {
    "former_dfer": _former_dfer,
    "m3dfel": _m3dfel,
    "mae_dfer": _mae_dfer,
}


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
