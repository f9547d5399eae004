"""Frames per second of the renderer on one core, JPEG encoding and writing included; the bar is 150 at 128 x 128."""

import csv
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.data.rendered.clip import FRAMES_16, OPENFACE, plan_clip, write_clip

POS_WEIGHT = Path(__file__).parents[2] / "manifests" / "knowledge" / "pos_weight_dfew.csv"


@pytest.mark.parametrize("size", [48, 96, 128, 224])
def test_render_clip(benchmark: BenchmarkFixture, tmp_path: Path, size: int) -> None:
    with POS_WEIGHT.open(newline="") as file:
        rows = [row[1:] for row in csv.reader(file) if row[0] not in ("expression", "all")]
    shares_EA = 1.0 / (1.0 + np.array(rows, dtype=float))
    for folder in (FRAMES_16, OPENFACE):
        (tmp_path / folder).mkdir(parents=True)
    numbers = count(1)

    def one_clip() -> None:
        index = next(numbers)
        write_clip(tmp_path, index, plan_clip(0, index, shares_EA[index % 7]), size, full=False)

    benchmark.pedantic(one_clip, rounds=100, warmup_rounds=3)
    if benchmark.stats is not None:  # None where benchmarks are disabled.
        benchmark.extra_info["frames_per_second"] = round(16 / benchmark.stats.stats.median)
