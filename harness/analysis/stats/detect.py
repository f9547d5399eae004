"""The smallest effect that so many clips, so often in disagreement, could have shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit

from harness.analysis.stats.strata import Stratum

ALPHA = 0.05
POWER = 0.80


def detectable(strata: Sequence[Stratum], alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Difference of the score, as a share, that a two-sided test at `alpha` would have found with chance `power`.

    (z_{1 - alpha/2} + z_power) times the standard error under no difference, at the disagreement observed: for WAR of
    one pair sqrt(discordant clips) / clips (Connor, Biometrics 43, 1987, to first order). None if no clip is discordant
    or if all discordant clips on one side would not make so large a difference.
    """
    variance = math.fsum(s.weight**2 * float(s.counts_V @ s.values_V**2) for s in strata)
    most = math.fsum(s.weight * float(s.counts_V @ np.abs(s.values_V)) for s in strata)
    least = float(ndtri(1 - alpha / 2) + ndtri(power)) * math.sqrt(variance)
    return least if 0 < least <= most else None


def detectable_by_pairs(error: float, pairs: int, alpha: float = ALPHA, power: float = POWER) -> float:
    """As `detectable`, for the t test over several pairs whose mean has this standard error."""
    return float(stdtrit(pairs - 1, 1 - alpha / 2) + stdtrit(pairs - 1, power)) * error
