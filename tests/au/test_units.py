import subprocess
import sys

import pytest

import harness.au
from harness.au.units import ACTION_UNITS, EXPRESSION_INDEX, EXPRESSIONS, NUM_EXPRESSIONS, NUM_UNITS, UNIT_INDEX


def test_seven_expressions_in_the_order_of_dfew():
    assert EXPRESSIONS == ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
    assert NUM_EXPRESSIONS == 7
    assert EXPRESSION_INDEX["angry"] == 3


def test_eighteen_units_in_the_order_of_openface():
    numbers = [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45]
    assert [f"AU{number:02d}" for number in numbers] == list(ACTION_UNITS)
    assert NUM_UNITS == 18
    assert UNIT_INDEX["AU28"] == 16


def test_the_orders_cost_no_import_of_torch():
    code = "import sys, harness.au.units; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", harness.au.__all__)
def test_every_public_name_is_there(name):
    assert getattr(harness.au, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'AULos'"):
        _ = harness.au.AULos
