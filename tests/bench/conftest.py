"""One part of `audfer bench` as a benchmark of pytest: its lines are printed and kept as extra information."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tabulate import tabulate

from harness.bench.ask import Part
from harness.bench.bench import Wanted, bench
from harness.bench.lines import Line, rows
from harness.manifest import Scale

Measure = Callable[[Part, str, Scale], list[Line]]


@pytest.fixture
def measure(request: pytest.FixtureRequest, tmp_path: Path) -> Measure:
    """Measures a part of a model once, by turns inside; skips where benchmarks are not asked for."""
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("takes minutes at full scale; run with --benchmark-enable -s")
    benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")
    mirror = os.environ.get("AUDFER_MIRROR")

    def run(part: Part, model: str, scale: Scale) -> list[Line]:
        mirrored = Path(mirror) if mirror else None
        wanted = Wanted(models=(model,), parts=(part,), scale=scale, cache=tmp_path, mirror=mirrored)
        result = benchmark.pedantic(bench, args=(wanted,), rounds=1)
        benchmark.extra_info |= {line.figure: line.value.median for line in result.lines if line.value}
        print("\n" + tabulate(rows(result.lines), headers="keys", disable_numparse=True))
        return result.lines

    return run
