"""Run directories: sealing one when its run has finished, reading it back only if nothing in it has changed.

A run without DONE is unfinished and is said to be so; it never becomes a number.
Shape letters: N rows of predictions.parquet, B test clips, D features, E expressions (7).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import compress, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from harness.au.units import EXPRESSIONS, NUM_EXPRESSIONS
from harness.engine.scores import confusion, predict
from harness.errors import RunError
from harness.files import write_text
from harness.manifest import RunConfig, read_run_config

CONFIG, ENVIRONMENT, EPOCHS, PREDICTIONS = "config.json", "environment.json", "epochs.jsonl", "predictions.parquet"
SEALED = (CONFIG, ENVIRONMENT, EPOCHS, PREDICTIONS)
FEATURES = "features.safetensors"  # sealed too, in a run that was asked for them
DONE = "DONE"
LEAF = re.compile(r"fold(?P<fold>\d+)-seed(?P<seed>\d+)-(?P<hash>[0-9a-f]{12})")
ENVIRONMENT_KEYS = ("harness", "torch", "device_name", "precision")
SCHEMA = pa.schema(
    [("rule", pa.string()), ("epoch", pa.int32()), ("clip", pa.string()), ("label", pa.int8())]
    + [(name, pa.float32()) for name in EXPRESSIONS]
)
AGAIN = "remove the run directory and run again"
NUMBER = {int, float, type(None)}  # what an epoch's line holds


@dataclass(frozen=True)
class Predictions:
    """Test clips in order of name, with labels 0-6 and float32 logits, at the epoch that one selection rule names."""

    epoch: int
    clips: tuple[str, ...]
    label_B: np.ndarray
    logits_BE: np.ndarray

    @cached_property
    def predicted_B(self) -> np.ndarray:
        """The expression predicted for each clip, int8: a report asks for it many times."""
        return predict(self.logits_BE).astype(np.int8)

    @cached_property
    def confusion_EE(self) -> np.ndarray:
        """Clips per label and predicted expression."""
        return confusion(self.label_B, self.predicted_B)


@dataclass(frozen=True)
class Features:
    """Features of the test clips in order of name, with labels 0-6 and float32 features, after the last epoch."""

    clips: tuple[str, ...]
    label_B: np.ndarray
    feature_BD: np.ndarray


@dataclass(frozen=True)
class Run:
    """A finished run, its files checked against DONE. Predictions are read and checked on first use."""

    path: Path
    config: RunConfig
    environment: dict[str, Any]
    epochs: tuple[dict[str, Any], ...]

    @property
    def digest(self) -> str:
        """The twelve digits of the configuration's sha256 that end the directory's name."""
        return self.path.name[-12:]

    @cached_property
    def predictions(self) -> dict[str, Predictions]:
        """Predictions per selection rule of the configuration; RunError if a label, clip or logit cannot be right."""
        path = self.path / PREDICTIONS
        table = _read_parquet(path)
        rules = sorted(pc.unique(table["rule"]).to_pylist())
        if rules != sorted(self.config.selection):
            raise RunError(f"{path}: rules {rules} where {CONFIG} has {sorted(self.config.selection)}; {AGAIN}")
        found: dict[str, Predictions] = {
            rule: _predictions(table.filter(pc.equal(table["rule"], rule)), f"{path}: rule {rule}")
            for rule in self.config.selection
        }
        _same_clips(found, path)
        self._check_count(found, path)
        return found

    @cached_property
    def features(self) -> Features | None:
        """Features of the test clips, None if the run kept none; RunError if they are of other clips or not finite."""
        if not self.config.features:
            return None
        found, said = _read_features(self.path / FEATURES), next(iter(self.predictions.values()))
        if found.clips != said.clips or not np.array_equal(found.label_B, said.label_B):
            raise RunError(f"{self.path / FEATURES}: other clips or labels than in {PREDICTIONS}; {AGAIN}")
        return found

    def _check_count(self, found: dict[str, Predictions], path: Path) -> None:
        have, expected = len(next(iter(found.values())).clips), self.config.dataset.clips.get("test")
        if have != expected:
            raise RunError(f"{path}: {have} clips a rule where {CONFIG} has {expected} test clips; {AGAIN}")


def seal(run_dir: Path) -> None:
    """Write DONE, the sha256 of the other files, as the last act of a run; RunError if one of them is missing."""
    missing = [name for name in SEALED if not (run_dir / name).is_file()]
    if missing:
        raise RunError(f"{run_dir}: cannot be sealed without {', '.join(missing)}; run again")
    there = [*SEALED, FEATURES] if (run_dir / FEATURES).is_file() else SEALED
    for name in there:
        _to_disk(run_dir / name)
    files = {name: _sha256(run_dir / name) for name in there}
    write_text(run_dir / DONE, json.dumps({"files": files}, sort_keys=True, indent=1) + "\n")


def read_run(run_dir: Path) -> Run:
    """The finished run in `run_dir`; RunError if it is unfinished, incomplete, altered or under another run's name."""
    sealed = _check_seal(run_dir)
    config = read_run_config(run_dir / CONFIG)
    if config.features and FEATURES not in sealed:
        raise RunError(f"{run_dir / DONE}: does not list {FEATURES}, which {CONFIG} asks for; {AGAIN}")
    _check_name(run_dir, config)
    environment = _read_json(run_dir / ENVIRONMENT)
    _check_environment(run_dir / ENVIRONMENT, environment)
    return Run(run_dir, config, environment, _read_lines(run_dir / EPOCHS))


def read_runs(root: Path) -> tuple[list[Run], list[Path]]:
    """All finished runs at or below `root`, and the directories of the unfinished ones, each in order of path.

    RunError for a finished run that `read_run` refuses: it is never dropped in silence.
    """
    if not root.is_dir():
        raise RunError(f"{root}: no such folder of runs; give the folder that `audfer run` wrote to")
    found = sorted(path for path in (root, *root.rglob("fold*")) if LEAF.fullmatch(path.name) and path.is_dir())
    finished = [(path / DONE).is_file() for path in found]
    return [read_run(path) for path in compress(found, finished)], [
        path for path, done in zip(found, finished, strict=True) if not done
    ]


def _check_seal(run_dir: Path) -> set[str]:
    """Names of the sealed files, each as it was sealed, or RunError."""
    if not (run_dir / DONE).is_file():
        raise RunError(f"{run_dir}: unfinished, it has no {DONE}; give the same command again to finish it")
    files = _read_json(run_dir / DONE).get("files")
    if not isinstance(files, dict) or set(files) - {FEATURES} != set(SEALED):
        raise RunError(f"{run_dir / DONE}: does not list exactly {', '.join(SEALED)}; {AGAIN}")
    for name in sorted(files):
        if not (run_dir / name).is_file():
            raise RunError(f"{run_dir / name}: missing from a finished run; {AGAIN}")
        if _sha256(run_dir / name) != files[name]:
            raise RunError(f"{run_dir / name}: altered, its sha256 is not the one in {DONE}; {AGAIN}")
    return set(files)


def _check_name(run_dir: Path, config: RunConfig) -> None:
    match = LEAF.fullmatch(run_dir.name)
    digest = _sha256(run_dir / CONFIG)[:12]
    if match is None or match["hash"] != digest:
        raise RunError(f"{run_dir}: the sha256 of its {CONFIG} begins with {digest}, its name says otherwise; {AGAIN}")
    if (int(match["fold"]), int(match["seed"])) != (config.fold, config.seed):
        raise RunError(f"{run_dir}: {CONFIG} is of fold {config.fold}, seed {config.seed}; {AGAIN}")


def _check_environment(path: Path, environment: dict[str, Any]) -> None:
    absent = [key for key in ENVIRONMENT_KEYS if key not in environment]
    if absent:
        raise RunError(f"{path}: {', '.join(absent)} missing; {AGAIN}")
    told, more = environment["harness"], environment.get("upstream") or {}
    texts = [environment[key] for key in ENVIRONMENT_KEYS[1:]]
    if not (isinstance(told, dict) and isinstance(more, dict) and all(isinstance(text, str) for text in texts)):
        raise RunError(f"{path}: {', '.join(ENVIRONMENT_KEYS)} are not an object and texts; {AGAIN}")


def _predictions(rows: pa.Table, where: str) -> Predictions:
    """The rows of one rule, in order of clip name, or RunError."""
    epoch_B = rows["epoch"].to_numpy()
    if (epoch_B != epoch_B[0]).any():
        raise RunError(f"{where}: epochs {sorted(set(epoch_B.tolist()))} where a rule names one; {AGAIN}")
    names = _in_order(*_bytes_of(rows["clip"]))
    if names.twice is not None:
        raise RunError(f"{where}: clip {names.twice} is there twice; {AGAIN}")
    label_B = _labels(rows["label"].to_numpy()[names.order_B].tobytes())
    logits_BE = np.stack([rows[name].to_numpy() for name in EXPRESSIONS], axis=1)[names.order_B]
    _check_values(names.clips, label_B, logits_BE, where)
    return Predictions(int(epoch_B[0]), names.clips, label_B, logits_BE)


class _Names(NamedTuple):
    """Clips in order of name, the index that puts the rows in that order, and a name that is there twice."""

    clips: tuple[str, ...]
    order_B: slice | np.ndarray
    twice: str | None


def _bytes_of(column: pa.ChunkedArray) -> tuple[bytes, bytes]:
    """The column's names as one run of utf-8 bytes, and the length of each (int32)."""
    names = column.combine_chunks()
    _, places, text = names.buffers()
    place_B = np.frombuffer(places, np.int32, len(names) + 1, 4 * names.offset)
    return text.to_pybytes()[place_B[0] : place_B[-1]], np.diff(place_B).tobytes()


@lru_cache(maxsize=256)
def _in_order(text: bytes, lengths: bytes) -> _Names:
    """Sorted once for all the runs of a fold: a thousand runs hold a dozen lists of names, not a thousand."""
    ends = np.cumsum(np.frombuffer(lengths, np.int32)).tolist()
    clips = [text[start:end].decode() for start, end in pairwise([0, *ends])]
    order = sorted(range(len(clips)), key=clips.__getitem__)
    ordered = _shared(tuple(clips[i] for i in order))
    twice = next((clip for clip, following in pairwise(ordered) if clip == following), None)
    return _Names(ordered, slice(None) if order == list(range(len(clips))) else np.array(order), twice)


@lru_cache(maxsize=256)
def _shared(clips: tuple[str, ...]) -> tuple[str, ...]:
    """The same tuple for equal clips, in whatever order the files have them."""
    return clips


@lru_cache(maxsize=256)
def _labels(labels: bytes) -> np.ndarray:
    """int8 labels as int64 (B,); runs of the same clips share them, so nobody may write to them."""
    label_B = np.frombuffer(labels, np.int8).astype(np.int64)
    label_B.setflags(write=False)
    return label_B


def _check_values(clips: tuple[str, ...], label_B: np.ndarray, logits_BE: np.ndarray, where: str) -> None:
    for i in np.flatnonzero((label_B < 0) | (label_B >= NUM_EXPRESSIONS)):
        raise RunError(
            f"{where}: clip {clips[i]} has label {label_B[i]}, known are 0 to {NUM_EXPRESSIONS - 1}; {AGAIN}"
        )
    if not np.isfinite(logits_BE).all():
        first = int(np.argmin(np.isfinite(logits_BE).all(axis=1)))
        raise RunError(f"{where}: clip {clips[first]} has a logit that is not finite; {AGAIN}")


def _same_clips(found: dict[str, Predictions], path: Path) -> None:
    first, *others = found.items()
    for rule, other in others:
        if other.clips != first[1].clips or not np.array_equal(other.label_B, first[1].label_B):
            raise RunError(f"{path}: rules {first[0]} and {rule} are of different clips or labels; {AGAIN}")


def _read_features(path: Path) -> Features:
    """The features in order of clip name, or RunError."""
    try:
        with safe_open(path, framework="numpy") as file:
            clips = json.loads(file.metadata()["clips"])
            feature_ND, label_N = file.get_tensor("feature_ND"), file.get_tensor("label_N")
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: not a file of features ({error}); {AGAIN}") from error
    if feature_ND.shape[:1] != (len(clips),) or label_N.shape != (len(clips),) or not np.isfinite(feature_ND).all():
        raise RunError(f"{path}: not one finite feature and label a clip; {AGAIN}")
    order_B = sorted(range(len(clips)), key=clips.__getitem__)
    return Features(tuple(clips[i] for i in order_B), label_N[order_B], feature_ND[order_B])


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = pq.ParquetFile(path).read(use_threads=False)  # small: threads cost more than they read
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError(f"{path}: not a parquet file ({str(error).splitlines()[0]}); {AGAIN}") from error
    if set(table.schema.names) != set(SCHEMA.names) or not table.num_rows or any(c.null_count for c in table.columns):
        raise RunError(f"{path}: empty, with empty cells, or columns other than {', '.join(SCHEMA.names)}; {AGAIN}")
    try:
        return table.select(SCHEMA.names).cast(SCHEMA)
    except (ValueError, pa.ArrowException) as error:
        raise RunError(f"{path}: a column of another type ({str(error).splitlines()[0]}); {AGAIN}") from error


def _read_lines(path: Path) -> tuple[dict[str, Any], ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        epochs = json.loads(f"[{','.join(lines)}]")  # at once, so that a run's epochs share the names of their values
        if len(epochs) != len(lines):
            epochs = [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: a line is not JSON ({error}); {AGAIN}") from error
    if not epochs:
        raise RunError(f"{path}: no epoch in it; {AGAIN}")
    if (
        not all(type(line) is dict for line in epochs)
        or not {type(v) for line in epochs for v in line.values()} <= NUMBER
    ):
        raise RunError(f"{path}: a line is not an object of numbers; {AGAIN}")
    return tuple(epochs)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: not JSON ({error}); {AGAIN}") from error
    if not isinstance(data, dict):
        raise RunError(f"{path}: not a JSON object; {AGAIN}")
    return data


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
