"""What is known of a data set before it is read: layout, classes by name, folds with counts, where to ask for it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.recipe import FolderNames, Strict


class Access(Strict):
    """Where the licensed data are asked for and which variable names their folder."""

    variable: str | None = None
    url: str | None = None


class FoldCounts(Strict):
    """Clips per class of one fold, in the order of `labels`."""

    train: tuple[int, ...]
    test: tuple[int, ...]


class FramesPerClip(Strict):
    """Frames per clip as published: fewest, median, most, and the number of clips with fewer than sixteen."""

    least: int
    median: float
    most: int
    under_16: int


class Picture(Strict):
    """What the published frames look like: sides in pixels (empty: not published) and file name endings."""

    sides: tuple[int, ...] = ()
    suffixes: tuple[str, ...]


class UpstreamLists(Strict):
    """Split lists that an upstream's repository holds: lines `path [frames] class number`, parted by blanks.

    path: of a list in the repository, with {fold} and {part}. classes: our names of its numbers 0, 1, ... name_parts:
    how many parts of a line's path name the clip. frame_counts: whether a line holds the clip's number of frames.
    """

    upstream: str
    path: FolderNames
    classes: tuple[str, ...]
    name_parts: int = Field(default=1, gt=0)
    frame_counts: bool = False


class DatasetManifest(Strict):
    """A data set: layout on disk, label map by name, folds with class counts, where to ask for it.

    labels: our class name to what the lists write for it. ignored: what the lists write for classes we leave out.
    other_frames_dir: the same clips in the other of DFEW's two folders. test_actors: of each fold, RAVDESS.
    scene: the one scene of FERV39k that is meant.
    """

    name: str
    title: str
    layout: Literal["dfew", "ferv39k", "mafw", "affwild2", "ravdess"]
    published: bool
    frames_dir: FolderNames
    other_frames_dir: FolderNames | None = None
    split_dir: FolderNames | Literal[""] = ""
    openface_dir: FolderNames
    labels: dict[str, int | str]
    ignored: tuple[str, ...] = ()
    folds: int = Field(gt=0)
    test_actors: tuple[tuple[int, ...], ...] = ()
    scene: str | None = None
    frames_per_clip: FramesPerClip | None = None
    picture: Picture | None = None
    upstream_lists: tuple[UpstreamLists, ...] = ()
    counts: dict[str, FoldCounts] = Field(default_factory=dict)
    access: Access = Access()
    source: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Our class names; a clip's label is the position of its class here."""
        return tuple(self.labels)
