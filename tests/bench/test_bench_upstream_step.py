"""A training step at full scale: each upstream as shipped against the native model at best precision, in turn.

AUDFER_MIRROR=... pytest tests/bench/test_bench_upstream_step.py --benchmark-enable -s
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.upstream.fetch import fetch
from harness.upstream.manifest import load_upstream
from harness.upstream.source import find_source
from harness.upstream.tree import export

ROUNDS = 3


@pytest.mark.upstream
@pytest.mark.parametrize("name", ["m3dfel", "former_dfer", "mae_dfer"])
def test_bench_a_step_against_the_upstream(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("takes a minute; run with --benchmark-enable -s")
    mirror = os.environ.get("AUDFER_MIRROR")
    manifest = load_upstream(name)
    try:
        fetch(manifest, find_source(manifest, Path(mirror) if mirror else None), tmp_path)
    except HarnessError as error:
        pytest.skip(str(error))
    tree = export(manifest, tmp_path, tmp_path / "tree", patched=False)
    script = Path(__file__).with_name("upstream_step.py")
    done = subprocess.run(
        [sys.executable, "-P", str(script), name, str(tree), str(ROUNDS)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    ratios = [theirs / ours for theirs, ours in zip(found["upstream"], found["native"], strict=True)]
    assert len(ratios) == ROUNDS
    print(f"\n{name}: native ({found['precision']}) is {statistics.median(ratios):.2f} times the upstream's fp32 step")
    print(f"  rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
