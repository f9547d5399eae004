"""How cost grows: training at three numbers of clips, of epochs and of arms, and the memory of each.

python -m pytest tests/bench/test_bench_growth.py --benchmark-enable -s

Each size is a command of its own, one run at a time on one thread, on data that is rendered and packed before. Cost is
seconds of processor, which a busy machine changes little. It is linear when the second doubling of the size adds twice
what the first added; what does not grow (the start of Python) drops out of these differences.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tabulate import tabulate

MODEL = "m3dfel"
CLIPS, EPOCHS = (1000, 2000, 4000), (8, 16, 32)
ARMS = ("baseline", "baseline,au-global", "baseline,au-global,au-distinct,au-minor")
WRAPPER = Path(__file__).with_name("growth.py")


def command(cache: Path, out: Path, clips: int, epochs: int, arms: str, model: str = MODEL) -> list[str]:
    line = [sys.executable, "-m", "harness.cli", "run", "demo", "--cache", str(cache), "--out", str(out), "--jobs", "1"]
    return [*line, "--models", model, "--arms", arms, "--epochs", str(epochs), "--set", f"render.clips={clips}"]


def measured(cache: Path, out: Path, clips: int, epochs: int, arms: str) -> dict[str, float]:
    """What growth.py says of the command, and the wall seconds of training and testing in the runs' own records."""
    line = [sys.executable, str(WRAPPER), *command(cache, out, clips, epochs, arms)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"] == 0
    lines = [json.loads(one) for path in out.rglob("epochs.jsonl") for one in path.read_text().splitlines()]
    assert len(lines) == epochs * len(arms.split(","))
    return found | {"recorded": sum(one["seconds"] + one["evaluation_seconds"] for one in lines)}


def growth(sizes: tuple[int, ...], found: list[dict[str, float]]) -> float:
    """Processor's seconds that the second doubling added over those of the first, for sizes 1, 2 and 4: 2 if linear."""
    assert [size / sizes[0] for size in sizes] == [1, 2, 4]
    first, second, third = (one["cpu"] for one in found)
    return (third - second) / (second - first)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered and packed clips of all sizes, left by a short run of the quickest model."""
    cache, out = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("first")
    for clips in CLIPS:
        line = command(cache, out, clips, 1, "baseline", "former_dfer")
        subprocess.run(line, capture_output=True, check=True)
    return cache


@pytest.mark.parametrize("what", ["clips", "epochs", "arms"])
def test_bench_growth(what: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("takes many minutes; run with --benchmark-enable -s")
    benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")
    cache: Path = request.getfixturevalue("cache")
    grid = {
        "clips": [(clips, EPOCHS[0], "baseline") for clips in CLIPS],
        "epochs": [(CLIPS[0], epochs, "baseline") for epochs in EPOCHS],
        "arms": [(CLIPS[0], EPOCHS[0], arms) for arms in ARMS],
    }[what]
    sizes = {"clips": CLIPS, "epochs": EPOCHS, "arms": tuple(len(arms.split(",")) for arms in ARMS)}[what]

    def all_sizes() -> list[dict[str, float]]:
        return [measured(cache, tmp_path / str(size), *case) for size, case in zip(sizes, grid, strict=True)]

    found = benchmark.pedantic(all_sizes, rounds=1)
    ratio = growth(sizes, found)
    benchmark.extra_info |= {"growth": round(ratio, 2), "anonymous_mb": [round(one["anonymous_mb"]) for one in found]}
    print(f"\n{MODEL} demo, {what}: the second doubling adds {ratio:.2f} times the first (linear: 2)")
    rows = [{what: size, **one} for size, one in zip(sizes, found, strict=True)]
    print(tabulate(rows, headers="keys", floatfmt=".1f"))
