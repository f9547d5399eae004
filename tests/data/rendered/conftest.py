"""What the tests of the rendered faces share."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.rendered import render

POS_WEIGHT = Path(__file__).parents[3] / "manifests" / "knowledge" / "pos_weight_dfew.csv"


@pytest.fixture(scope="session")
def shares_EA() -> np.ndarray:
    """Share of frames per expression and AU that DFEW's released pos_weights imply: p = 1 / (1 + w)."""
    with POS_WEIGHT.open(newline="") as file:
        rows = [row[1:] for row in csv.reader(file) if row[0] not in ("expression", "all")]
    return 1.0 / (1.0 + np.array(rows, dtype=float))


CLIPS = {"ferv39k": 42, "mafw": 55, "affwild2": 10, "ravdess": 48}
SIZE = 32


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory, shares_EA: np.ndarray) -> Callable[[str], Path]:
    """The folder of a small data set in a layout, rendered once by one process."""
    roots: dict[str, Path] = {}

    def of(layout: str) -> Path:
        if layout not in roots:
            roots[layout] = tmp_path_factory.mktemp(layout) / "data"
            render(layout, roots[layout], shares_EA, clips=CLIPS[layout], size=SIZE)
        return roots[layout]

    return of
