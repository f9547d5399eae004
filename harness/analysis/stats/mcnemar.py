"""McNemar's test: of the clips that only one of two runs gets right, as many should be either's if they are equal.

scipy.special.bdtr is the binomial distribution; scipy.stats.binomtest gives the same and takes a second to import.
"""

from __future__ import annotations

from scipy.special import bdtr


def mcnemar_exact(lost: int, won: int) -> float:
    """Two-sided exact p; 1 without a discordant clip.

    lost, won: clips that only the baseline, only the AU run has right. Never too many false verdicts, but too few: with
    few discordant clips far fewer than asked for.
    """
    return min(1.0, 2 * _at_most(min(lost, won), lost + won))


def mcnemar_mid_p(lost: int, won: int) -> float:
    """Two-sided mid-p: the observed count itself weighs half. The rate of false verdicts comes close to the level asked
    for (Fagerland, Lydersen, Laake, BMC Med. Res. Methodol. 13:91, 2013).
    """
    fewer, discordant = min(lost, won), lost + won
    return min(1.0, _at_most(fewer, discordant) + _at_most(fewer - 1, discordant))


def smallest_significant_gap(discordant: int, alpha: float) -> int | None:
    """Smallest |won - lost| that mid-p finds significant among so many discordant clips; None if none is."""
    low, high = 0, discordant // 2 + 1  # how many counts of the rarer side, from 0 up, are significant
    while low < high:
        fewer = (low + high) // 2
        significant = fewer <= discordant // 2 and mcnemar_mid_p(fewer, discordant - fewer) <= alpha
        low, high = (fewer + 1, high) if significant else (low, fewer)
    return discordant - 2 * (low - 1) if low else None


def _at_most(successes: int, trials: int) -> float:
    """P(X <= successes) for a fair coin tossed `trials` times."""
    return 0.0 if successes < 0 else float(bdtr(successes, trials, 0.5))
