"""summary.json: what a report says, small enough to commit and to compare (docs/nightly.md lists every key).

`audfer report` writes one beside the tables; `audfer regress --make-baseline` makes one of several. Only plain JSON is
read here. A number that is not finite is written as the text "NaN" and read back as one: JSON has no other way.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from harness.au.units import NUM_EXPRESSIONS
from harness.errors import DataError
from harness.manifest import parse
from harness.recipe import Strict

NAME = "summary.json"
VERSION = 1
REMEDY = "make it again with `audfer report`"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Record(Strict):
    """Base of every part: frozen, no unknown key, NaN as a text."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Score(Record):
    """WAR and UAR (shares) of one model and arm under one rule on one fold set; the mean over `seeds`.

    accuracy: recall per expression, in the order of EXPRESSIONS, None where it has no clip. clips: summed over folds
    and seeds. one_clip_*: how far one clip, judged otherwise in one run, can move the score.
    """

    war: float
    uar: float
    accuracy: tuple[float | None, ...] = Field(min_length=NUM_EXPRESSIONS, max_length=NUM_EXPRESSIONS)
    clips: int
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    one_clip_war: float
    one_clip_uar: float


class RunFacts(Record):
    """One finished run. predictions: sha256 per selection rule, of clips in order of name with label and logits.

    config: twelve digits of the configuration's sha256. clips_per_second: median of the epochs, None if none was
    recorded. not_finite: `epoch 2: loss` for each NaN or infinity among the epochs' numbers. upstream: patched tree id,
    of a run of the upstream engine.
    """

    config: str
    device: str
    torch: str
    precision: str
    harness: str
    upstream: str = ""
    clips: int
    clips_per_second: float | None
    predictions: dict[str, Sha256]
    not_finite: tuple[str, ...] = ()


class SettingFacts(Record):
    """All of one experiment, data set, engine and scale. Runs are named `m3dfel/baseline/fold1-seed0`.

    expected: every model, arm, fold and seed there is a run of, finished or not, in all combinations. fingerprints: of
    the data, by `m3dfel/fold1`. scores: by `m3dfel/baseline/last/fold1`.
    """

    experiment: str
    dataset: str
    label: str
    engine: str
    scale: str
    fingerprints: dict[str, str]
    expected: tuple[str, ...] = Field(min_length=1)
    runs: dict[str, RunFacts] = Field(min_length=1)
    scores: dict[str, Score] = Field(min_length=1)


class ModelCost(Record):
    """What a model of one scale is, counted from its code: None where it was not counted."""

    parameters: int | None
    multiply_adds: int | None


class UpstreamIds(Record):
    """An upstream's pins, and the sha256 of each patch file as it lies on the disk."""

    commit: str
    tree: str
    patched_tree: str
    patches: dict[str, Sha256]


class GridShape(Record):
    """Column heads and row labels of one grid of Tables 1-3."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]


class Control(Record):
    """One report of control runs behind a baseline's bands."""

    name: str
    summary_sha256: Sha256
    seeds: tuple[int, ...]
    devices: tuple[str, ...]


class Band(Record):
    """How far a score may lie from the baseline's. *_spread: largest minus smallest over the controls.

    war, uar: the spread, or what one clip is where that is more.
    """

    war: float = Field(ge=0, allow_inf_nan=False)
    uar: float = Field(ge=0, allow_inf_nan=False)
    war_spread: float = Field(ge=0, allow_inf_nan=False)
    uar_spread: float = Field(ge=0, allow_inf_nan=False)


class Bands(Record):
    """Bands by setting and score, and the controls they are from; no score has one if there is a single control."""

    made_by: str
    rule: str
    controls: tuple[Control, ...] = Field(min_length=1)
    scores: dict[str, dict[str, Band]]


class Summary(Record):
    """One report. settings: by `experiment/data set/engine/scale`. unfinished: run directories without DONE.

    models: by `m3dfel demo`. tables: by table, setting and heading. bands: in a baseline only.
    """

    format: Literal["audfer summary"] = "audfer summary"
    version: Literal[1] = 1
    settings: dict[str, SettingFacts] = Field(min_length=1)
    unfinished: tuple[str, ...]
    models: dict[str, ModelCost]
    upstreams: dict[str, UpstreamIds]
    tables: dict[str, GridShape]
    bands: Bands | None = None


def summary_text(summary: Summary) -> str:
    """The bytes of the file: sorted keys, one trailing newline."""
    plain = json.loads(summary.model_dump_json())
    return json.dumps(plain, sort_keys=True, indent=1, allow_nan=False) + "\n"


def read_summary(path: Path) -> tuple[Summary, str]:
    """The summary in a report folder or a JSON file, and the sha256 of its bytes; DataError if there is none."""
    file = path / NAME if path.is_dir() else path
    try:
        raw = file.read_bytes()
        data = json.loads(raw)
    except OSError as error:
        raise DataError(f"{file}: no summary ({error.strerror}); give a report folder, or {REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not JSON ({error}); {REMEDY}") from error
    return parse(data, Summary, str(file)), hashlib.sha256(raw).hexdigest()
