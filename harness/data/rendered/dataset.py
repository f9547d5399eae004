"""A data set of rendered faces in DFEW's layout, with its folds and OpenFace files.

Letters: N clips, A action units (18), E expressions (7).
"""

import hashlib
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.data.rendered.clip import FRAMES_16, FRAMES_FULL, OPENFACE, plan_clip, write_clip
from harness.data.rendered.folds import draw_labels, fold_of, write_splits
from harness.data.rendered.summary import RenderSummary, Track, summarise
from harness.errors import DataError

RENDERER = 1
"""To be raised when the same parameters give other bytes."""
STAMP = "render.json"
FEWEST_CLIPS, SMALLEST_SIZE = 10, 32

Progress = Callable[[int, int], None]


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
    goes on in `<root>.partial`, which becomes `root` when all is written. `full_clips` adds the folder of whole clips.
    `progress(done, clips)` is called after every clip.
    Errors: DataError if a parameter is out of range, `root` holds anything else, or cannot be written.
    """
    _check(shares_EA, clips, size, seed, workers)
    parameters = _parameters(shares_EA, clips, size, seed, full_clips)
    found = _already_rendered(root, parameters)
    if found:
        return found
    began = time.perf_counter()
    with _partial(root, full_clips) as partial:
        label_N = draw_labels(clips, seed)
        jobs = [_Job(partial, i + 1, shares_EA[label], size, seed, full_clips) for i, label in enumerate(label_N)]
        tracks = _render(jobs, workers, progress)
        fold_N = fold_of(label_N, seed)
        write_splits(partial, label_N, fold_N)
        summary = summarise(tracks, shares_EA, label_N, fold_N)
        _write_stamp(partial, parameters, summary)
    return replace(summary, seconds=time.perf_counter() - began)


def _check(shares_EA: np.ndarray, clips: int, size: int, seed: int, workers: int) -> None:
    if shares_EA.shape != (len(EXPRESSIONS), len(ACTION_UNITS)):
        raise DataError(f"AU shares of shape {shares_EA.shape}; give a row per expression, a column per AU: (7, 18)")
    if not ((shares_EA > 0) & (shares_EA < 1)).all():
        raise DataError("AU shares must lie between 0 and 1; check the pos_weight file (p = 1 / (1 + w), w > 0)")
    limits = (("clips", clips, FEWEST_CLIPS), ("size", size, SMALLEST_SIZE), ("seed", seed, 0), ("workers", workers, 1))
    for name, value, least in limits:
        if value < least:
            raise DataError(f"rendering with {name} {value}; give at least {least}")


def _parameters(shares_EA: np.ndarray, clips: int, size: int, seed: int, full_clips: bool) -> dict[str, object]:
    """All that decides the bytes."""
    shares = hashlib.sha256(np.ascontiguousarray(shares_EA, "<f8").tobytes()).hexdigest()
    return {
        "renderer": RENDERER, "clips": clips, "size": size, "seed": seed, "full_clips": full_clips, "shares": shares,
    }  # fmt: skip


def _write_stamp(partial: Path, parameters: dict[str, object], summary: RenderSummary) -> None:
    text = json.dumps({"parameters": parameters, "summary": asdict(summary)}, indent=1)
    (partial / STAMP).write_text(text + "\n", encoding="utf-8")


def _already_rendered(root: Path, parameters: dict[str, object]) -> RenderSummary | None:
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return None
    try:
        stamp = json.loads((root / STAMP).read_text(encoding="utf-8"))
        there, summary = stamp["parameters"], stamp["summary"]
        summary["ideal_folds"] = tuple(tuple(fold) for fold in summary["ideal_folds"])
        found = RenderSummary(**summary)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{root}: holds something else than rendered faces; name an empty folder") from error
    other = [f"{name} {there.get(name)}, not {value}" for name, value in parameters.items() if there.get(name) != value]
    if other:
        raise DataError(f"{root}: was rendered with {'; '.join(other)}: remove it or name another folder")
    return found


@contextmanager
def _partial(root: Path, full: bool) -> Iterator[Path]:
    """A new folder beside `root` that takes its place at the end, and is gone after an error."""
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for folder in (FRAMES_16, OPENFACE) + (FRAMES_FULL,) * full:
            (partial / folder).mkdir(parents=True)
        yield partial
        partial.replace(root)
    except OSError as error:
        raise DataError(f"{partial}: cannot be written ({error.strerror}); it needs room and rights") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


def _render(jobs: list[_Job], workers: int, progress: Progress | None) -> list[Track]:
    tracks = []
    for track in map(_do, jobs) if workers == 1 else _in_processes(jobs, workers):
        tracks.append(track)
        if progress:
            progress(len(tracks), len(jobs))
    if len(tracks) < len(jobs):
        raise DataError(f"{jobs[0].root}: a rendering process was killed; give fewer workers or more memory")
    return sorted(tracks, key=lambda track: track.index)


def _in_processes(jobs: list[_Job], workers: int) -> Iterator[Track]:
    """The jobs' results, in any order."""
    # Forking a process that has loaded torch is unsafe; a spawned one loads only NumPy, aggdraw and simplejpeg.
    context = multiprocessing.get_context("spawn")
    readers: list[Connection] = []
    processes = []
    try:
        for first in range(min(workers, len(jobs))):
            reader, writer = context.Pipe(duplex=False)
            with writer:
                process = context.Process(target=_work, args=(jobs[first::workers], writer), daemon=True)
                process.start()
            readers.append(reader)
            processes.append(process)
        yield from _received(readers)
    finally:
        for process in processes:
            process.terminate()
            process.join()
            process.close()


def _received(readers: list[Connection]) -> Iterator[Track]:
    """What the workers send, until each has closed its end."""
    while readers:
        for reader in wait(readers):
            assert isinstance(reader, Connection)
            try:
                result = reader.recv()
            except EOFError:
                reader.close()
                readers.remove(reader)
                continue
            if isinstance(result, Exception):
                raise result
            yield result


def _work(jobs: list[_Job], results: Connection) -> None:
    """A worker process: one message per clip; it ends when its parent is gone (a pool outlives a killed parent)."""
    try:
        for job in jobs:
            results.send(_do(job))
    except BrokenPipeError:
        return
    except Exception as error:  # The parent raises it.
        results.send(error)
