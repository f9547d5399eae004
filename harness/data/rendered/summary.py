"""What was rendered, and what an ideal reader would make of it.

Letters: N clips, T sampled frames (16), A action units (18), E expressions (7).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.data.rendered.folds import DFEW_CLIPS, FOLDS
from harness.data.rendered.ideal import read_clips, war_uar

ENOUGH_CLIPS = 100
"""AU shares are compared in classes of so many clips or more: in smaller ones chance moves them by several points."""


@dataclass(frozen=True)
class RenderSummary:
    """What was rendered; `seconds` is 0 where the data set was there already.

    `ideal_war` and `ideal_uar` (percent) are the ideal reader's on all clips, `ideal_folds` (WAR, UAR) on each test
    fold. `share_error` is the largest difference, over AUs and the classes of `ENOUGH_CLIPS` clips or more, between the
    share of frames in which an AU is present and the share asked for (0-1; None where no class is large enough).
    """

    clips: int
    frames: int
    seconds: float
    class_counts: dict[str, int]
    share_error: float | None
    share_error_at: str
    ideal_war: float
    ideal_uar: float
    ideal_folds: tuple[tuple[float, float], ...]

    def lines(self) -> list[str]:
        """The summary for a terminal or a log."""
        pace = "already there"
        if self.seconds:
            pace = f"in {self.seconds:.1f} s, {self.frames / self.seconds:.0f} frames/s"
        counts = ", ".join(f"{name} {count}" for name, count in self.class_counts.items())
        folds = ", ".join(f"{war:.1f}/{uar:.1f}" for war, uar in self.ideal_folds)
        lines = [
            f"rendered faces: {self.clips} clips, {self.frames} frames ({pace})",
            f"clips per class: {counts}",
            f"ideal reader of the AU tracks: WAR {self.ideal_war:.1f} %, UAR {self.ideal_uar:.1f} %; per fold {folds}",
        ]
        if self.share_error is not None:
            points = f"{100 * self.share_error:.1f} points"
            lines.append(f"AU shares: at most {points} from those asked for ({self.share_error_at})")
        return lines


@dataclass(frozen=True)
class Track:
    """What the summary needs of clip `index`, counted from 1.

    `present` (T, A): AUs in the sampled frames; `sampled` (T,): their places in the whole clip; `shares` (A,): share of
    all its frames in which each AU is present; `frames`: pictures painted.
    """

    index: int
    present: np.ndarray
    sampled: np.ndarray
    shares: np.ndarray
    frames: int


def summarise(
    tracks: Sequence[Track], shares_EA: np.ndarray, label_N: np.ndarray, fold_N: np.ndarray, seconds: float = 0.0
) -> RenderSummary:
    """The summary of a data set; the tracks stand in the order of the clips."""
    named_N = _ideal_classes(tracks, shares_EA)
    war, uar = war_uar(named_N, label_N)
    error, at = _share_error(np.stack([track.shares for track in tracks]), shares_EA, label_N)
    folds = [fold_N == fold for fold in range(FOLDS)]
    return RenderSummary(
        clips=len(tracks),
        frames=sum(track.frames for track in tracks),
        seconds=seconds,
        class_counts={name: int((label_N == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        share_error=error,
        share_error_at=at,
        ideal_war=war,
        ideal_uar=uar,
        ideal_folds=tuple(war_uar(named_N[test_N], label_N[test_N]) for test_N in folds),
    )


def _ideal_classes(tracks: Sequence[Track], shares_EA: np.ndarray) -> np.ndarray:
    gap_NT = np.diff(np.stack([track.sampled for track in tracks]), axis=1, prepend=0)
    prior_E = np.array(DFEW_CLIPS) / sum(DFEW_CLIPS)
    return read_clips(np.stack([track.present for track in tracks]), gap_NT, shares_EA, prior_E)


def _share_error(share_NA: np.ndarray, shares_EA: np.ndarray, label_N: np.ndarray) -> tuple[float | None, str]:
    """The largest difference, and the AU and the expression where it is."""
    large = [label for label in range(len(EXPRESSIONS)) if (label_N == label).sum() >= ENOUGH_CLIPS]
    if not large:
        return None, ""
    error_EA = np.abs([share_NA[label_N == label].mean(axis=0) - shares_EA[label] for label in large])
    expression, unit = np.unravel_index(error_EA.argmax(), error_EA.shape)
    return float(error_EA.max()), f"{ACTION_UNITS[int(unit)]}, {EXPRESSIONS[large[int(expression)]]}"
