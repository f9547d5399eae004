"""The files of a run's record that both engines write: epochs and predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.au.units import EXPRESSIONS
from harness.engine.selection import Choice
from harness.files import replacing, write_text
from harness.manifest import SelectionRule


def write_epochs(path: Path, epochs: Iterable[Mapping[str, Any]]) -> None:
    """One JSON line per epoch, keys sorted."""
    write_text(path, "".join(json.dumps(line, sort_keys=True) + "\n" for line in epochs))


def write_predictions(
    path: Path,
    rules: Sequence[SelectionRule],
    names: Sequence[str],
    label_N: np.ndarray,
    choices: Mapping[SelectionRule, Choice],
) -> None:
    """Test logits at the epoch of each rule: rule, epoch, clip, label and seven logits named by expression."""
    with replacing(path) as temporary:
        tables = [_of_rule(rule, names, label_N, choices[rule]) for rule in rules]
        pd.concat(tables).to_parquet(temporary, index=False)


def _of_rule(rule: SelectionRule, names: Sequence[str], label_N: np.ndarray, choice: Choice) -> pd.DataFrame:
    columns = {"rule": rule, "epoch": np.int32(choice.epoch), "clip": list(names), "label": label_N.astype(np.int8)}
    logits = dict(zip(EXPRESSIONS, choice.logits_NE.numpy().astype(np.float32).T, strict=True))
    return pd.DataFrame({**columns, **logits})
