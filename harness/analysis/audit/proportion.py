"""The exact interval of a proportion, without SciPy: importing that takes longer than the audit of a table."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

STEPS = 200
TINY = 1e-300


def clopper_pearson(k: int, n: int, error: float) -> tuple[float, float]:
    """Exact interval of a proportion, k of n, that misses it with a chance of at most `error` (Clopper, Pearson 1934).

    The ends are quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k).
    """
    low = 0.0 if k == 0 else beta_quantile(error / 2, k, n - k + 1)
    high = 1.0 if k == n else beta_quantile(1 - error / 2, k + 1, n - k)
    return low, high


def beta_quantile(share: float, a: float, b: float) -> float:
    """x with I_x(a, b) = share: Newton's steps, halving the bracket where a step would leave it."""
    low, high, x = 0.0, 1.0, a / (a + b)
    front = lgamma(a + b) - lgamma(a) - lgamma(b)
    for _ in range(STEPS):
        below = beta_share(x, a, b) - share
        low, high = (low, x) if below > 0 else (x, high)
        density = exp(front + (a - 1) * log(x) + (b - 1) * log1p(-x))
        new = x - below / density if density > 0 else low
        new = new if low < new < high else (low + high) / 2
        if abs(new - x) <= 1e-12 * x:
            return new
        x = new
    return x


def beta_share(x: float, a: float, b: float) -> float:
    """I_x(a, b), the share of the beta distribution below x (0 < x < 1), by its continued fraction.

    It converges fast below the mean; above it the other tail is taken.
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x (Abramowitz and Stegun 26.5.8), evaluated forwards after Lentz."""
    value = upper = 1.0
    lower = 0.0
    for step in range(1, STEPS * 5):
        m, odd = divmod(step, 2)
        if odd:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / _nonzero(1 + term * lower)
        upper = _nonzero(1 + term / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < 1e-14:
            break
    return 1 / value


def _nonzero(value: float) -> float:
    return value if abs(value) > TINY else TINY
