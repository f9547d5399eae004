import json
from pathlib import Path

import numpy as np
import pytest

from harness.au.knowledge import load_knowledge
from harness.au.rederive import rederive
from harness.au.units import ACTION_UNITS, EXPRESSIONS

FOLDER = Path(__file__).parents[2] / "manifests" / "knowledge"


@pytest.fixture(scope="module")
def matrices():
    return load_knowledge("released", FOLDER), load_knowledge("fig4", FOLDER)


@pytest.fixture(scope="module")
def found(matrices):
    return rederive(*matrices)


def test_every_cell_of_fig4_follows(found):
    assert (found.matches, found.cells) == (126, 126)
    assert found.passed


def test_the_mid_range_follows_from_the_two_matrices_alone(found):
    low, high = found.possible
    assert low < 3.023147 < high
    assert high - low < 0.001


def test_a_changed_cell_is_a_cell_less(matrices):
    released_EA, fig4_EA = matrices
    fig4_EA = fig4_EA.copy()
    fig4_EA[3, 4] += 0.01
    changed = rederive(released_EA, fig4_EA)
    assert changed.matches == 125
    assert not changed.passed
    assert changed.possible is None


def test_another_mid_range_gives_another_matrix(matrices):
    # "S - 3" is not it: 0.023 lower, many a cell (slope p (1 - p), up to 0.006) loses its last digit.
    assert rederive(*matrices, mid_range=3.0).matches < 126


def test_six_cells_need_more_than_four_sigmoids_can_give(found):
    assert [(cell.expression, cell.unit) for cell in found.above_bound] == [
        ("happy", "AU07"), ("happy", "AU10"), ("happy", "AU12"), ("happy", "AU25"), ("disgust", "AU04"),
        ("disgust", "AU07"),
    ]  # fmt: skip
    largest = max(found.above_bound, key=lambda cell: cell.sum_printed)
    assert (largest.unit, largest.printed) == ("AU12", 0.93)
    assert largest.sum_printed == pytest.approx(5.0867, abs=1e-4)  # ln(0.93 / 0.07) + 2.5
    assert largest.sum_least == pytest.approx(5.0123, abs=1e-4)  # ln(0.925 / 0.075) + 2.5
    assert found.sum_max == pytest.approx(5.0966, abs=1e-4)
    assert found.least_sets == 6


def test_the_bound_of_intensities_is_tighter(found):
    assert found.bound == 4
    assert found.bound_of_intensities == pytest.approx(4 / (1 + np.exp(-2.5)))
    assert set(found.above_bound) < set(found.above_intensities)


def test_logits_are_symmetric_and_au28_is_one_mean(found):
    assert found.logit_max == pytest.approx(2.073426446, abs=1e-9)
    assert found.logit_min == pytest.approx(-found.logit_max, abs=1e-9)
    assert found.au28_sum == pytest.approx(2.1318, abs=1e-4)
    assert found.au28_error < 1e-6


def test_a_matrix_that_four_sigmoids_can_give_has_no_cell_above(matrices):
    flat_EA = np.full((len(EXPRESSIONS), len(ACTION_UNITS)), 0.5)
    found = rederive(flat_EA, flat_EA, mid_range=2.5)
    assert found.passed
    assert found.above_bound == found.above_intensities == ()


def test_lines_and_json(found):
    text = "\n".join(found.lines())
    assert "126 of 126 cells agree" in text
    assert "happy AU12 5.09" in text
    assert "\n" not in "".join(found.lines())
    data = json.loads(json.dumps(found.to_json()))
    assert data["passed"] is True
    assert data["above_bound"][2]["unit"] == "AU12"
