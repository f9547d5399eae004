"""The data of one run: which clips train, validate and test, and every clip's AU label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from harness.data.clips import first_of_each_class, split_validation
from harness.data.prepare import Prepared
from harness.errors import DataError
from harness.manifest import ClipsPerClass, RunConfig, SelectionRule


@dataclass(frozen=True)
class FoldData:
    """Positions in the pack of each part, (N_part,); class (N,), AU label (N, A) and its mask (N,) of every clip.

    au_unit_A: False for units that the AU files lack; None where all are there.
    resized: test clips at the model's size, kept for the next evaluation (engine/evaluate.py).
    """

    prepared: Prepared
    train_N: np.ndarray
    val_N: np.ndarray
    test_N: np.ndarray
    label_N: torch.Tensor
    au_label_NA: torch.Tensor
    au_mask_N: torch.Tensor
    au_unit_A: torch.Tensor | None = None
    resized: dict[tuple[bytes, bytes], torch.Tensor] = field(default_factory=dict, compare=False, repr=False)

    def steps_per_epoch(self, batch: int) -> int:
        """Whole batches in the training part; the rest of an epoch is dropped, as in all three upstreams."""
        return len(self.train_N) // batch


def load_fold(prepared: Prepared, config: RunConfig) -> FoldData:
    """The fold of `config`; a validation split is cut from the training clips if the rule best-on-val is asked for."""
    train_N, val_N, test_N = parts(prepared, config.fold, config.selection, config.val_share, config.clips_per_class)
    au = prepared.au_labels(config.au.label_frames if config.au else "all")
    if config.au and config.au.labels not in ("", au.digest):
        raise DataError(
            f"{prepared.path}: its AU labels are not those that the run was planned with (another --au, or files that "
            "changed since); give the same command again"
        )
    data = FoldData(
        prepared,
        train_N,
        val_N,
        test_N,
        torch.from_numpy(prepared.pack.label_N.astype(np.int64)),
        torch.from_numpy(au.label_NA.astype(np.float32)),
        torch.from_numpy(au.mask_N.astype(bool)),
        torch.from_numpy(au.unit_A.astype(bool)),
    )
    if data.steps_per_epoch(config.recipe.batch) == 0:
        raise DataError(
            f"fold {config.fold}: {len(train_N)} training clips do not fill a batch of {config.recipe.batch}"
        )
    return data


def parts(
    prepared: Prepared,
    number: int,
    selection: Sequence[SelectionRule],
    val_share: float,
    few: ClipsPerClass | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in the pack of a fold's training, validation and test clips; DataError if there is no such fold."""
    fold = prepared.folds.get(number)
    if fold is None:
        raise DataError(f"{prepared.path}: no fold {number}; known: {sorted(prepared.folds)}")
    train_N, val_N = _some(prepared, fold.train, few.train if few else None), np.array([], dtype=np.int64)
    if "best-on-val" in selection:
        kept, held_out = split_validation(prepared.pack.label_N[train_N], val_share)
        train_N, val_N = train_N[kept], train_N[held_out]
    return train_N, val_N, _some(prepared, fold.test, few.test if few else None)


def _some(prepared: Prepared, names: Sequence[str], count: int | None) -> np.ndarray:
    position_N = prepared.pack.positions(names)
    return position_N[first_of_each_class(prepared.pack.label_N[position_N], count)]
