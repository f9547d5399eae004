"""The input: the pack against the upstream's loader of 224-pixel JPEG, and a step with its input against one without.

python -m pytest tests/bench/test_bench_input.py --benchmark-enable -s
"""

import pytest


@pytest.mark.parametrize("scale", ["demo", "full"])
@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_bench_input(measure, model: str, scale: str) -> None:
    lines = measure("input", model, scale)
    assert {line.part for line in lines if line.model == model} == {"input"}
