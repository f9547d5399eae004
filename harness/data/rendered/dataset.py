"""A data set of rendered faces in DFEW's layout, with its folds and OpenFace files.

Letters: N clips, A action units (18), E expressions (7).
"""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.rendered.clip import FRAMES_16, FRAMES_FULL, OPENFACE, plan_clip, write_clip
from harness.data.rendered.folds import draw_labels, fold_of, write_splits
from harness.data.rendered.place import already_rendered, check, parameters_of, partial_folder, write_stamp
from harness.data.rendered.pool import Progress, render_jobs
from harness.data.rendered.summary import RenderSummary, Track, summarise

FEWEST_CLIPS = 10


def render_dfew(
    root: Path,
    shares_EA: np.ndarray,
    *,
    clips: int,
    size: int = 96,
    seed: int = 0,
    workers: int = 1,
    full_clips: bool = False,
    progress: Progress | None = None,
) -> RenderSummary:
    """Render a data set into `root`, or return at once if it is there with the same parameters.

    `shares_EA` (7, 18), each between 0 and 1: share of frames in which an AU is present, per expression. Pictures are
    `size` x `size` pixels. The same parameters give the same bytes whatever the number of `workers` (processes). Work
    goes on in a folder beside it, which becomes `root` when all is there. `full_clips` adds the folder of whole clips.
    `progress(done, clips)` is called after every clip.
    Errors: DataError if a parameter is out of range, `root` holds anything else, or cannot be written.
    """
    check(shares_EA, clips, FEWEST_CLIPS, size, seed, workers)
    parameters = parameters_of(shares_EA, clips, size, seed, full_clips)
    found = already_rendered(root, parameters, _restored)
    if found:
        return found
    began = time.perf_counter()
    with partial_folder(root, (FRAMES_16, OPENFACE) + (FRAMES_FULL,) * full_clips) as partial:
        label_N = draw_labels(clips, seed)
        jobs = [_Job(partial, i + 1, shares_EA[label], size, seed, full_clips) for i, label in enumerate(label_N)]
        tracks = sorted(render_jobs(_do, jobs, workers, progress, partial), key=lambda track: track.index)
        fold_N = fold_of(label_N, seed)
        write_splits(partial, label_N, fold_N)
        summary = summarise(tracks, shares_EA, label_N, fold_N)
        write_stamp(partial, parameters, asdict(summary))
    return replace(summary, seconds=time.perf_counter() - began)


def _restored(summary: dict[str, Any]) -> RenderSummary:
    return RenderSummary(**{**summary, "ideal_folds": tuple(tuple(fold) for fold in summary["ideal_folds"])})


@dataclass(frozen=True)
class _Job:
    root: Path
    index: int
    shares: np.ndarray
    size: int
    seed: int
    full: bool


def _do(job: _Job) -> Track:
    plan = plan_clip(job.seed, job.index, job.shares)
    frames = write_clip(job.root, job.index, plan, job.size, job.full)
    return Track(job.index, plan.present[plan.sampled], plan.sampled, plan.present.mean(axis=0), frames)
