"""A training step: ours against the upstream's (AUDFER_MIRROR), AU arm against baseline, the share of the ceiling.

python -m pytest tests/bench/test_bench_step.py --benchmark-enable -s
"""

import pytest


@pytest.mark.parametrize("scale", ["demo", "full"])
@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_bench_step(measure, model: str, scale: str) -> None:
    lines = measure("step", model, scale)
    assert {line.part for line in lines if line.model == model} == {"step"}
