"""The AU loss (Eq. 9), its sum with the expression loss (Eq. 10), and AU labels of mixed clips.

Shape letters: B batch, E expressions (7), A action units (18), P the two rows (weight, pos_weight) of an expression.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.au.units import NUM_EXPRESSIONS, NUM_UNITS
from harness.errors import HarnessError

Reduction = Literal["mean", "sum"]


class AULoss(nn.Module):
    """Eq. 9: binary cross-entropy on AU logits, weighted by knowledge and pos_weight of the clip's expression.

    knowledge_EA: (7, 18) in (0, 1), times `scale` (5, the top of OpenFace's intensity range) in the loss.
    pos_weight_EA: (7, 18), positive. Rows in the order of EXPRESSIONS, columns in that of ACTION_UNITS.
    reduction: "mean" over usable clips and AUs (released code), or "sum" over AUs and mean over usable clips (Eq. 9 as
    printed); "sum" is 18 times "mean". unit_A: (18,) False for units that the AU labels lack, since their extractor
    does not give them: these weigh nothing and do not count in the mean (None: all are there). Raises HarnessError for
    matrices, units or a reduction that are none of these.
    """

    rows_PEA: Tensor

    def __init__(
        self,
        knowledge_EA: np.ndarray | Tensor,
        pos_weight_EA: np.ndarray | Tensor,
        *,
        scale: float = 5.0,
        reduction: Reduction = "mean",
        unit_A: np.ndarray | Tensor | None = None,
    ) -> None:
        super().__init__()
        if reduction not in get_args(Reduction):
            raise HarnessError(f"AU loss: reduction '{reduction}' is not one of {', '.join(get_args(Reduction))}")
        weight_EA = _checked("knowledge_EA", knowledge_EA) * scale
        there_A = torch.ones(NUM_UNITS, dtype=torch.bool) if unit_A is None else _units(unit_A)
        weight_EA = torch.where(there_A, weight_EA, 0.0)
        rows_PEA = torch.stack([weight_EA, _checked("pos_weight_EA", pos_weight_EA)])
        # Not in state_dict: a checkpoint of baseline and of AU arm hold the same keys even if the loss is a submodule.
        self.register_buffer("rows_PEA", rows_PEA.float(), persistent=False)
        self.reduction = reduction
        self.num_units = int(there_A.sum())

    def forward(
        self, au_logits_BA: Tensor, au_labels_BA: Tensor, target: Tensor, mask_B: Tensor | None = None
    ) -> Tensor:
        """Scalar loss in float32 (float64 for float64 logits), without any synchronisation with the device.

        au_labels_BA: 0/1 of any dtype, or shares of mixed clips. target: (B,) int64 expressions, or (B, E) shares of
        each expression before label smoothing; then weight and pos_weight are the expected rows. mask_B: True where
        the clip has an AU label (None: all have). No usable clip: exactly 0, with zero gradients.
        """
        logits_BA = au_logits_BA if au_logits_BA.dtype == torch.float64 else au_logits_BA.float()
        weight_BA, pos_weight_BA = self._rows_of(target).unbind(0)
        if mask_B is not None:
            weight_BA = weight_BA * mask_B[:, None]
        total = F.binary_cross_entropy_with_logits(
            logits_BA, au_labels_BA.to(logits_BA.dtype), weight_BA, pos_weight=pos_weight_BA, reduction="sum"
        )
        usable = max(len(target), 1) if mask_B is None else mask_B.sum().clamp(min=1)
        return total / (usable * self.num_units if self.reduction == "mean" else usable)

    def _rows_of(self, target: Tensor) -> Tensor:
        """rows_PBA: one gather; for shares the expected rows, as a sum of products, which autocast leaves in fp32."""
        if target.dim() == 1:
            return self.rows_PEA.index_select(1, target)
        return (target.float()[:, :, None] * self.rows_PEA[:, None]).sum(2)


def combine(expression_loss: Tensor, au_loss: Tensor, ratio: float) -> Tensor:
    """Eq. 10: (1 - ratio) expression_loss + ratio au_loss, ratio in [0, 1].

    At ratio 0 the expression loss itself: the baseline bit for bit, with no gradient for the AU head.
    """
    if not 0 <= ratio <= 1:
        raise HarnessError(f"au_ratio {ratio} is outside [0, 1]; Eq. 10 weighs two losses that sum to one")
    if ratio == 0:
        return expression_loss
    return (1 - ratio) * expression_loss + ratio * au_loss


def mix(au_labels_BA: Tensor, mask_B: Tensor, permutation_B: Tensor, share: float | Tensor) -> tuple[Tensor, Tensor]:
    """AU labels and mask of the batch `share * clip + (1 - share) * clip[permutation]` (mixup, cutmix).

    share: one number, or (B,), the part of the first clip in [0, 1]. Returns float labels_BA, and mask_B: True where
    every clip with a part in the mixture has an AU label.
    """
    share_B = _per_clip(share, mask_B)
    labels_BA = au_labels_BA.float()
    mixed_BA = share_B[:, None] * labels_BA + (1 - share_B[:, None]) * labels_BA[permutation_B]
    return mixed_BA, (mask_B | (share_B == 0)) & (mask_B[permutation_B] | (share_B == 1))


def mix_shares(expression_B: Tensor, permutation_B: Tensor, share: float | Tensor) -> Tensor:
    """(B, E) shares of each expression in the batch that `mix` describes: the soft target of AULoss."""
    share_B1 = _per_clip(share, expression_B)[:, None]
    hard_BE = F.one_hot(expression_B, NUM_EXPRESSIONS).float()
    return share_B1 * hard_BE + (1 - share_B1) * hard_BE[permutation_B]


def _units(unit_A: np.ndarray | Tensor) -> Tensor:
    there_A = torch.as_tensor(unit_A, dtype=torch.bool)
    if tuple(there_A.shape) != (NUM_UNITS,):
        raise HarnessError(f"AU loss: unit_A has shape {tuple(there_A.shape)}, not (18,): one truth value per unit")
    if not bool(there_A.any()):
        raise HarnessError("AU loss: the AU labels have none of the 18 units; take the AU files of another extractor")
    return there_A


def _per_clip(share: float | Tensor, like_B: Tensor) -> Tensor:
    if isinstance(share, Tensor):
        return share.to(device=like_B.device, dtype=torch.float32).expand(len(like_B))
    return torch.full(like_B.shape, share, dtype=torch.float32, device=like_B.device)


def _checked(name: str, values: np.ndarray | Tensor) -> Tensor:
    matrix_EA = torch.as_tensor(values, dtype=torch.float64)
    if tuple(matrix_EA.shape) != (NUM_EXPRESSIONS, NUM_UNITS):
        raise HarnessError(
            f"AU loss: {name} has shape {tuple(matrix_EA.shape)}, not (7, 18): one row per expression of "
            "harness.au.EXPRESSIONS, one column per unit of harness.au.ACTION_UNITS"
        )
    if not bool((matrix_EA > 0).all() and matrix_EA.isfinite().all()):
        raise HarnessError(f"AU loss: {name} holds a value that is not a positive finite number")
    return matrix_EA
