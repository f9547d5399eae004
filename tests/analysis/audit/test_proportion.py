"""Exact intervals beside SciPy's."""

import pytest
from scipy.special import betainc, betaincinv
from scipy.stats import binomtest

from harness.analysis.audit.proportion import beta_quantile, beta_share, clopper_pearson

COUNTS = [(0, 5), (5, 5), (1, 29), (3, 29), (1506, 2341), (7621, 11697), (3, 11697), (11690, 11697)]


@pytest.mark.parametrize("k, n", COUNTS)
def test_the_interval_is_that_of_scipy(k: int, n: int) -> None:
    expected = binomtest(k, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(k, n, 0.05) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("a, b", [(0.5, 0.5), (1, 1), (5, 9), (2000, 3), (3, 2000), (7000.0, 4000.0)])
@pytest.mark.parametrize("x", [0.001, 0.3, 0.636, 0.999])
def test_shares_of_the_beta_distribution(x: float, a: float, b: float) -> None:
    assert beta_share(x, a, b) == pytest.approx(float(betainc(a, b, x)), rel=1e-8, abs=1e-13)


@pytest.mark.parametrize("share", [1e-6, 0.0125, 0.5, 0.9875])
def test_quantiles_of_the_beta_distribution(share: float) -> None:
    for a, b in ((1, 29), (1506, 836), (29, 1), (0.5, 3)):
        assert beta_quantile(share, a, b) == pytest.approx(float(betaincinv(a, b, share)), rel=1e-9)
