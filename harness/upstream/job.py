"""What the process of an upstream's training script is told: `job.json`, with the arrays beside it in `job.npz`.

Shape letters: N clips, E expressions (7), A action units (18). This module imports no torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import RunError
from harness.files import replacing, write_text
from harness.manifest import parse
from harness.recipe import Strict

FAILURE = "failure.txt"  # in the job's folder: what a HarnessError in its process said


class AUJob(Strict):
    """The AU arm of a run: Eq. 10's ratio and Eq. 9's reduction."""

    ratio: float
    reduction: str


class Job(Strict):
    """One process of an upstream's training script.

    tree: folder of the checked clone. entry: the script in it, run in the folder `work` with `argv`. shims: names of
    harness/upstream/shims.py. weights: a file of pretrained weights, or None for random initial weights. au: None for a
    baseline. steps: end after so many optimiser steps and write their losses to `losses.txt`, or None for a whole run.
    """

    upstream: str
    tree: Path
    entry: str
    work: Path
    argv: tuple[str, ...]
    shims: tuple[str, ...]
    seed: int
    threads: int | None
    device: str
    weights: Path | None = None
    au: AUJob | None = None
    steps: int | None = None


@dataclass(frozen=True)
class JobArrays:
    """Names, classes (N,), AU labels (N, A) and their mask (N,) of the clips of a run, and which are test clips (N,).

    knowledge_EA, pos_weight_EA: the rows of Eq. 9, or None for a baseline.
    """

    names: tuple[str, ...]
    label_N: np.ndarray
    au_label_NA: np.ndarray
    au_mask_N: np.ndarray
    test_N: np.ndarray
    knowledge_EA: np.ndarray | None = None
    pos_weight_EA: np.ndarray | None = None


def write_job(folder: Path, job: Job, arrays: JobArrays) -> Path:
    """Write `job.json` and `job.npz` into `folder`; returns the path of the former."""
    values = {key: value for key, value in vars(arrays).items() if value is not None and key != "names"}
    with replacing(folder / "job.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, names=np.array(arrays.names), **values)
    write_text(folder / "job.json", job.model_dump_json(indent=1) + "\n")
    return folder / "job.json"


def read_job(path: Path) -> tuple[Job, JobArrays]:
    """What `write_job` wrote; RunError if it is not there."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            values = dict(arrays)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: no job of an upstream run ({error}); start it by audfer run") from error
    names = tuple(values.pop("names").tolist())
    return parse(data, Job, str(path)), JobArrays(names, **values)
