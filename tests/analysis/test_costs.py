"""What models cost, counted by another process."""

import subprocess
import sys

import pytest

from harness.analysis.costs import _read, begin_costs
from harness.errors import HarnessError
from harness.models import build


def test_another_process_counts_the_models_it_knows():
    counted = begin_costs({("mae_dfer", "demo"), ("none of ours", "full")})()
    ((model, cost),) = counted.items()
    assert model == ("mae_dfer", "demo")
    assert cost.parameters == sum(parameter.numel() for parameter in build("mae_dfer", "demo").parameters())
    assert cost.multiply_adds > cost.parameters


def test_what_it_complains_of_is_told():
    failing = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.exit('no such operator')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pytest.raises(HarnessError, match="no such operator"):
        _read(failing)
