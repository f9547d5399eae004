"""Fig. 4 out of the released matrix, and why the text's own steps cannot give it (section 3.1).

Both matrices are sigmoids of one sum S, less 2.5 in Fig. 4 and less the mid-range of S in the release. Pure functions.
Shape letters: E expressions (7), A action units (18).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.au.extraction import LARGEST_INTENSITY, SETS_IN_PAPER, TEXT_OFFSET, largest_sum, logit, sigmoid
from harness.au.units import ACTION_UNITS, EXPRESSIONS, UNIT_INDEX, UNIT_WITHOUT_INTENSITY

Array = NDArray[Any]

MID_RANGE_OF_S = 3.023147  # (max S + min S) / 2 in the released code (18da6cc, 543e881, be6331e)
HALF_STEP = 0.005  # Fig. 4 prints two decimals
ROUNDING = 1e-9  # of the released matrix's sixteen digits, and of logit and sigmoid here


@dataclass(frozen=True)
class HighCell:
    """A cell of Fig. 4 whose S is above what the text allows. Its S as printed, at least (rounded up), as released."""

    expression: str
    unit: str
    printed: float
    sum_printed: float
    sum_least: float
    sum_released: float


@dataclass(frozen=True)
class Rederivation:
    """What the released matrix says about Fig. 4.

    matches of cells agree in both decimals when S = logit(released) + mid_range. possible: the mid-ranges for which
    all do (None: there is none). logit_max, logit_min: of the released matrix, symmetric. sum_max, sum_min: of S.
    bound: S stays below it as a sum of sigmoids, bound_of_intensities with intensities from 0 to 5. least_sets: how
    many sigmoids the largest S takes. au28_error: largest distance of AU28's column from the mean of the other 17.
    """

    cells: int
    matches: int
    mid_range: float
    possible: tuple[float, float] | None
    logit_max: float
    logit_min: float
    sum_max: float
    sum_min: float
    bound: float
    bound_of_intensities: float
    above_bound: tuple[HighCell, ...]
    above_intensities: tuple[HighCell, ...]
    least_sets: int
    au28_error: float
    au28_sum: float

    @property
    def passed(self) -> bool:
        """Whether every cell of Fig. 4 follows from the released matrix."""
        return self.matches == self.cells

    def lines(self) -> list[str]:
        """The finding in plain lines."""
        return [*self._derived(), *self._bounded(), self._of_au28()]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "passed": self.passed}

    def _derived(self) -> list[str]:
        found = "none does" if self.possible is None else "every one from {:.5f} to {:.5f} does".format(*self.possible)
        return [
            f"released matrix: its logits run from {self.logit_min:.9f} to {self.logit_max:.9f}; S = logit + "
            f"{self.mid_range:.6f}, the mid-range that the release subtracts, runs from {self.sum_min:.3f} to "
            f"{self.sum_max:.3f}",
            f"Fig. 4 = sigmoid(S - {TEXT_OFFSET:g}), two decimals: {self.matches} of {self.cells} cells agree; "
            f"of all mid-ranges that could make every cell agree, {found}",
        ]

    def _bounded(self) -> list[str]:
        named = [f"{cell.expression} {cell.unit} {cell.sum_printed:.2f}" for cell in self.above_bound]
        return [
            f"the text adds up {SETS_IN_PAPER} sigmoids, so S stays below {self.bound:g}; of intensities from 0 to "
            f"{LARGEST_INTENSITY:g} less their mid-range, below {self.bound_of_intensities:.3f}",
            f"Fig. 4 needs an S above {self.bound:g} in {len(self.above_bound)} cells, however their last digit was "
            f"rounded ({', '.join(named) or 'none'}), and above {self.bound_of_intensities:.3f} in "
            f"{len(self.above_intensities)}",
            f"the largest S, {self.sum_max:.3f}, takes at least {self.least_sets} sigmoids: Fig. 4 did not come out of "
            "the steps of the text, and is data here",
        ]

    def _of_au28(self) -> str:
        return (
            f"{UNIT_WITHOUT_INTENSITY}: S = {self.au28_sum:.4f} for every expression, the mean of the other 17 columns "
            f"over all expressions (to {self.au28_error:.1g}); the text says each expression's own mean"
        )


def rederive(released_EA: Array, fig4_EA: Array, mid_range: float = MID_RANGE_OF_S) -> Rederivation:
    """Compare Fig. 4 with what follows from the released matrix; both (7, 18) in (0, 1)."""
    logits_EA = logit(released_EA)
    sum_EA = logits_EA + mid_range
    least_EA = logit(fig4_EA - HALF_STEP) + TEXT_OFFSET
    au28 = UNIT_INDEX[UNIT_WITHOUT_INTENSITY]
    others = float(np.delete(sum_EA, au28, axis=1).mean())
    bound, bound_of_intensities = float(SETS_IN_PAPER), largest_sum()
    return Rederivation(
        cells=fig4_EA.size,
        matches=int(_agree(sum_EA, fig4_EA).sum()),
        mid_range=mid_range,
        possible=_possible(logits_EA, fig4_EA),
        logit_max=float(logits_EA.max()),
        logit_min=float(logits_EA.min()),
        sum_max=float(sum_EA.max()),
        sum_min=float(sum_EA.min()),
        bound=bound,
        bound_of_intensities=bound_of_intensities,
        above_bound=_above(bound, least_EA, sum_EA, fig4_EA),
        above_intensities=_above(bound_of_intensities, least_EA, sum_EA, fig4_EA),
        least_sets=math.floor(sum_EA.max()) + 1,
        au28_error=float(np.abs(sum_EA[:, au28] - others).max()),
        au28_sum=others,
    )


def _agree(sum_EA: Array, fig4_EA: Array) -> Array:
    return np.abs(np.round(sigmoid(sum_EA - TEXT_OFFSET), 2) - fig4_EA) < ROUNDING


def _possible(logits_EA: Array, fig4_EA: Array) -> tuple[float, float] | None:
    """The mid-ranges m for which sigmoid(logit + m - 2.5) rounds to Fig. 4 in every cell: one interval a cell, cut."""
    low = float((logit(fig4_EA - HALF_STEP) + TEXT_OFFSET - logits_EA).max())
    high = float((logit(fig4_EA + HALF_STEP) + TEXT_OFFSET - logits_EA).min())
    return (low, high) if low <= high else None


def _above(bound: float, least_EA: Array, sum_EA: Array, fig4_EA: Array) -> tuple[HighCell, ...]:
    printed_EA = logit(fig4_EA) + TEXT_OFFSET
    numbers_EA4 = np.stack([fig4_EA, printed_EA, least_EA, sum_EA], axis=-1)
    return tuple(
        HighCell(EXPRESSIONS[e], ACTION_UNITS[a], *numbers_EA4[e, a].tolist())
        for e, a in np.argwhere(least_EA > bound).tolist()
    )
