"""The whole demo: wall time, peak memory, and the share of the wall time that is spent in model steps.

Minutes, so it runs only when asked for: pytest tests/bench/test_bench_demo.py --benchmark-enable -s
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest


def lines_of(work: Path) -> list[dict[str, float]]:
    """The epochs of every run."""
    return [json.loads(line) for path in work.rglob("epochs.jsonl") for line in path.read_text().splitlines()]


def test_bench_demo(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("takes minutes; run with --benchmark-enable -s")
    jobs = 2
    command = [sys.executable, "-m", "harness.cli", "demo", "--jobs", str(jobs)]
    started = time.monotonic()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    wall = time.monotonic() - started
    epochs = lines_of(tmp_path)
    assert len({path.parent for path in tmp_path.rglob("DONE")}) == 12
    steps = sum(line["seconds"] - line["input_seconds"] for line in epochs)
    inputs, evaluation = (sum(line[key] for line in epochs) for key in ("input_seconds", "evaluation_seconds"))
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\naudfer demo: {wall:.0f} s wall with {jobs} jobs, largest process {largest:.2f} GiB")
    for name, seconds in (("model steps", steps), ("input of the steps", inputs), ("evaluation", evaluation)):
        print(f"  {name}: {100 * seconds / (jobs * wall):.1f} % of {jobs} x wall")
