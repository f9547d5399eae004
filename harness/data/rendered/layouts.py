"""Rendered faces in the layout of every data set that can be read here.

Letters: E expressions (7), A action units (18).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.rendered import affwild2, ferv39k, mafw, ravdess
from harness.data.rendered.clip import OPENFACE
from harness.data.rendered.dataset import render_dfew
from harness.data.rendered.place import already_rendered, check, parameters_of, partial_folder, write_stamp
from harness.data.rendered.pool import Progress, render_jobs
from harness.data.rendered.shots import LayoutPlan, ShotJob, write_shot
from harness.data.rendered.summary import RenderSummary
from harness.errors import DataError

LAYOUTS = ("dfew", "ferv39k", "mafw", "affwild2", "ravdess")
_PLANS: Mapping[str, Callable[[np.ndarray, int, int], LayoutPlan]] = {
    "ferv39k": ferv39k.plan_ferv39k, "mafw": mafw.plan_mafw, "affwild2": affwild2.plan_affwild2,
    "ravdess": ravdess.plan_ravdess,
}  # fmt: skip
_FEWEST: Mapping[str, int] = {
    "ferv39k": ferv39k.FEWEST_CLIPS, "mafw": mafw.FEWEST_CLIPS, "affwild2": affwild2.FEWEST_CLIPS,
    "ravdess": ravdess.FEWEST_CLIPS,
}  # fmt: skip


@dataclass(frozen=True)
class LayoutSummary:
    """What was rendered; `seconds` is 0 where the data set was there already.

    `clips` as asked for (videos in the layout of Aff-Wild2), `frames` pictures. `class_counts` and `folds` (train,
    test) count what `counted` names: clips, or the labelled stretches of videos.
    """

    layout: str
    clips: int
    frames: int
    seconds: float
    class_counts: dict[str, int]
    folds: tuple[tuple[int, int], ...]
    counted: str

    def lines(self) -> list[str]:
        """The summary for a terminal or a log."""
        pace = "already there"
        if self.seconds:
            pace = f"in {self.seconds:.1f} s, {self.frames / self.seconds:.0f} frames/s"
        shown = "clips" if self.counted == "clips" else "videos"
        counts = ", ".join(f"{name} {count}" for name, count in self.class_counts.items())
        folds = ", ".join(f"{train} + {test}" for train, test in self.folds)
        return [
            f"rendered faces in the layout {self.layout}: {self.clips} {shown}, {self.frames} frames ({pace})",
            f"{self.counted} per class: {counts}",
            f"{self.counted} to train and to test, per fold: {folds}",
        ]


def render(
    layout: str,
    root: Path,
    shares_EA: np.ndarray,
    *,
    clips: int,
    size: int = 96,
    seed: int = 0,
    workers: int = 1,
    full_clips: bool = False,
    progress: Progress | None = None,
) -> RenderSummary | LayoutSummary:
    """Render a data set in one of `LAYOUTS` into `root`, or return at once if it is there with the same parameters.

    As `render_dfew`, which does the work for `dfew`; `clips` are videos for `affwild2`, and `full_clips` is of `dfew`
    alone. In the other layouts every class stands in every train part, and, from five clips of each class on (48 in all
    for `ravdess`), in every test part.
    Errors: DataError if a parameter is out of range, `root` holds anything else, or cannot be written.
    """
    if layout == "dfew":
        asked = {"clips": clips, "size": size, "seed": seed, "workers": workers}
        return render_dfew(root, shares_EA, **asked, full_clips=full_clips, progress=progress)
    _check_layout(layout, clips, full_clips)
    check(shares_EA, clips, _FEWEST[layout], size, seed, workers)
    parameters = parameters_of(shares_EA, clips, size, seed, False, layout)
    found = already_rendered(root, parameters, _restored)
    if found:
        return found
    began = time.perf_counter()
    plan = _PLANS[layout](shares_EA, clips, seed)
    with partial_folder(root, (plan.frames_dir, OPENFACE)) as partial:
        frames = sum(render_jobs(write_shot, _jobs(partial, layout, plan, size, seed), workers, progress, partial))
        _write_lists(partial, plan.lists)
        summary = LayoutSummary(layout, clips, frames, 0.0, dict(plan.class_counts), plan.folds, plan.counted)
        write_stamp(partial, parameters, asdict(summary))
    return replace(summary, seconds=time.perf_counter() - began)


def _check_layout(layout: str, clips: int, full_clips: bool) -> None:
    if layout not in _PLANS:
        raise DataError(f"layout {layout!r} is not known; give one of {', '.join(LAYOUTS)}")
    if full_clips:
        raise DataError(f"layout {layout} has one folder of frames, of whole clips; leave out the full clips")
    fewest = _FEWEST[layout]
    if clips < fewest:
        raise DataError(f"layout {layout} with clips {clips}; give at least {fewest}: every fold trains on every class")
    if layout == "ravdess" and clips > ravdess.MOST_CLIPS:
        raise DataError(f"layout ravdess with clips {clips}; give at most {ravdess.MOST_CLIPS}, the published number")


def _jobs(root: Path, layout: str, plan: LayoutPlan, size: int, seed: int) -> list[ShotJob]:
    # The layout stands in the seed of a clip, so that no clip of one layout is one of another.
    here = LAYOUTS.index(layout)
    return [
        ShotJob(root, plan.frames_dir, plan.picture, shot, (seed, index, here), size)
        for index, shot in enumerate(plan.shots, start=1)
    ]


def _write_lists(root: Path, lists: Mapping[str, str]) -> None:
    for name, text in lists.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")


def _restored(summary: dict[str, Any]) -> LayoutSummary:
    return LayoutSummary(**{**summary, "folds": tuple(tuple(fold) for fold in summary["folds"])})
