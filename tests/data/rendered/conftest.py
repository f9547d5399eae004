"""What the tests of the rendered faces share."""

import csv
from pathlib import Path

import numpy as np
import pytest

POS_WEIGHT = Path(__file__).parents[3] / "manifests" / "knowledge" / "pos_weight_dfew.csv"


@pytest.fixture(scope="session")
def shares_EA() -> np.ndarray:
    """Share of frames per expression and AU that DFEW's released pos_weights imply: p = 1 / (1 + w)."""
    with POS_WEIGHT.open(newline="") as file:
        rows = [row[1:] for row in csv.reader(file) if row[0] not in ("expression", "all")]
    return 1.0 / (1.0 + np.array(rows, dtype=float))
