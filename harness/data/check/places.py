"""Where folders are instead: a data root a level off, frames in another folder, clips named otherwise or unlisted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from harness.data.check.pictures import READ_SUFFIXES
from harness.data.check.report import Finding, error, many, note, some
from harness.dataset_manifest import DatasetManifest

SEARCHED = 50
"""Folders of a level that are searched."""
LEVELS_UP = 3
WHY_UNLISTED = {
    "dfew": "DFEW has 4,675 clips without a single label, which are in no list",
    "mafw": "clips of several labels, or of classes that are not used",
    "ravdess": "calm, song and clips with sound, which are not used",
}


def root_finding(root: Path, manifest: DatasetManifest) -> Finding | None:
    """What is wrong with the data root itself; None if it holds the lists or the frames."""
    if _is_root(root, manifest):
        return None
    above = [root.absolute().parents[level] for level in range(min(LEVELS_UP, len(root.absolute().parents)))]
    near = next((path for path in (*islice(_subfolders(root), SEARCHED), *above) if _is_root(path, manifest)), None)
    if near:
        near = Path(os.path.normpath(near))
        what, cause = "holds neither the lists nor the frames", f"the data root is {near}"
        return error("root-misplaced", str(root), what, cause, f"give --root {near}")
    if not root.is_dir():
        return error("root-missing", str(root), "no such folder")
    expected = " and ".join(part for part in (manifest.split_dir, manifest.frames_dir) if part)
    return error(
        "root-missing", str(root), f"holds no {expected}", f"not a folder of {manifest.title}, or not unpacked"
    )


def _is_root(path: Path, manifest: DatasetManifest) -> bool:
    return any((path / part).is_dir() for part in (manifest.split_dir, manifest.frames_dir) if part)


def unlisted(root: Path, manifest: DatasetManifest, folders: Sequence[str]) -> Iterator[Finding]:
    """Folders with no clip of the lists: a note, since every published data set has some."""
    depth = len(PurePosixPath(folders[0]).parts)
    known = set(folders)
    extra = [name for name in _folders(root / manifest.frames_dir, depth) if name not in known]
    if manifest.scene:
        extra = [name for name in extra if name.startswith(f"{manifest.scene}/")]
    if extra:
        what = f"{many(len(extra), 'folder')} in no list: {some(extra)}"
        yield note("clip-unlisted", manifest.frames_dir, what, WHY_UNLISTED.get(manifest.layout, ""))


def elsewhere(root: Path, manifest: DatasetManifest, name: str) -> tuple[str, str]:
    """Where a missing clip is to be found instead: (cause, remedy)."""
    frames_dir = root / manifest.frames_dir
    other = root / manifest.other_frames_dir if manifest.other_frames_dir else None
    for place in _places(root, frames_dir):
        if place not in (frames_dir, other) and any(_pictures_in(place / name)):
            there = os.path.relpath(place, root)
            return f"frames lie in {there}", f"move or link that folder to {manifest.frames_dir}"
    if any(_pictures_in(frames_dir)):
        return "pictures of all clips lie in one folder", "unpack the clips into a folder each"
    named = _alike(frames_dir, PurePosixPath(name).parts)
    if named:
        return f"folders are named {named}, not {name}", "name the folders as the lists do"
    if other is not None and not frames_dir.exists() and other.is_dir():
        cause = f"only {manifest.other_frames_dir} is unpacked, where the clips have another number of frames"
        return cause, f"unpack {manifest.frames_dir} too, or name the data set of the other folder"
    return "the archive is not unpacked, or not wholly", f"unpack all clips to {manifest.frames_dir}"


def _folders(folder: Path, depth: int, before: str = "") -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return
    for name in names:
        if depth == 1:
            yield before + name
        else:
            yield from _folders(folder / name, depth - 1, f"{before}{name}/")


def list_elsewhere(root: Path, manifest: DatasetManifest, path: Path) -> str:
    """The folder, as seen from `root`, that holds a list which is not in the published one; '' if none nearby does."""
    split_dir = root / manifest.split_dir
    if not manifest.split_dir or not path.is_relative_to(split_dir):
        return ""
    inside = path.relative_to(split_dir)
    near = next((place for place in _places(root, split_dir) if (place / inside).is_file()), None)
    return os.path.relpath(near, root) if near else ""


def _places(root: Path, right: Path) -> Iterator[Path]:
    """Folders in which things may lie by mistake: one inside, beside or above the right one, or near the root."""
    yield right.parent
    for folder in (right, right.parent, root, *islice(_subfolders(root), SEARCHED)):
        yield from islice(_subfolders(folder), SEARCHED)


def _subfolders(folder: Path) -> Iterator[Path]:
    return (folder / name for name in _folders(folder, 1))


def _pictures_in(folder: Path) -> Iterator[Path]:
    try:
        yield from (path for path in folder.iterdir() if path.suffix.lower() in READ_SUFFIXES)
    except OSError:
        return


def _alike(folder: Path, parts: Sequence[str]) -> str:
    """A path that differs from `parts` in case, leading zeros or an ending only; '' if there is none."""
    if not parts:
        return ""
    exact = (folder / parts[0]).is_dir()
    for name in [parts[0]] if exact else _folders(folder, 1):
        if exact or _plain(name) == _plain(parts[0]):
            rest = _alike(folder / name, parts[1:])
            if rest or len(parts) == 1:
                return f"{name}/{rest}".rstrip("/")
    return ""


def _plain(name: str) -> str:
    return re.sub(r"(\.mp4|\.avi|_aligned)$", "", name.lower()).lstrip("0")
