"""Evaluation: test views and clips a second with the AU head dropped, against the upstream's model.

python -m pytest tests/bench/test_bench_evaluation.py --benchmark-enable -s
"""

import pytest


@pytest.mark.parametrize("scale", ["demo", "full"])
@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_bench_evaluation(measure, model: str, scale: str) -> None:
    lines = measure("evaluation", model, scale)
    assert {line.part for line in lines if line.model == model} == {"evaluation"}
