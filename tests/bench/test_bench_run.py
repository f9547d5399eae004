"""A whole run: clips a second with everything that belongs to it, and the epoch of DFEW that follows.

python -m pytest tests/bench/test_bench_run.py --benchmark-enable -s
"""

import pytest


@pytest.mark.parametrize("scale", ["demo", "full"])
@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_bench_run(measure, model: str, scale: str) -> None:
    lines = measure("run", model, scale)
    assert {line.part for line in lines if line.model == model} == {"run"}
