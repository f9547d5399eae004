"""Confusion matrices: per cent of each label's clips, the difference in points, and words with numbers."""

import numpy as np

from harness.report.figures.confusion import alt, draw, percent

BASELINE_EE = np.zeros((7, 7), dtype=np.int64)
BASELINE_EE[0, :2] = (6, 2)  # happy: 75 %, 25 % taken for sad
BASELINE_EE[1, 1] = 3
AU_EE = np.zeros((7, 7), dtype=np.int64)
AU_EE[0, :2] = (8, 0)
AU_EE[1, 1] = 3


def texts(axis):
    return [text.get_text() for text in axis.texts if text.get_text()]


def test_rows_add_up_to_100_and_a_row_without_clips_is_nan():
    value_EE = percent(BASELINE_EE)
    assert value_EE[0, :3].tolist() == [75.0, 25.0, 0.0]
    assert value_EE[1].tolist() == [0.0, 100.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert np.isnan(value_EE[2:]).all()


def test_three_panels_print_shares_clips_and_the_difference():
    baseline, au, change = draw("t", ("f",), "au-minor", BASELINE_EE, AU_EE).axes
    assert texts(baseline)[:2] == ["75.0\n(6)", "25.0\n(2)"]
    assert texts(au)[:2] == ["100.0\n(8)", "0"]
    assert texts(change)[:3] == ["+25.0\n(+2)", "-25.0\n(-2)", "0"]
    assert texts(change).count("no clips") == 5
    titles = [axis.get_title(loc="left") for axis in (baseline, au, change)]
    assert titles == ["baseline, % (clips)", "au-minor, % (clips)", "au-minor minus baseline, points (clips)"]


def test_labels_run_downwards_in_the_order_of_the_expressions():
    axis = draw("t", (), "au-minor", BASELINE_EE, AU_EE).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()][:2] == ["happy", "sad"]
    assert axis.get_ylim() == (6.5, -0.5)


def test_the_words_say_what_the_picture_shows():
    said = alt(("rendered faces", "selection last"), "au-minor", BASELINE_EE, AU_EE)
    assert "baseline and au-minor, 11 predictions each; rendered faces, selection last." in said
    assert "happy 75.0 and 100.0 %; sad 100.0 and 100.0 %." in said
    assert "neutral" not in said
    assert "happy taken for happy +25.0 points, happy taken for sad -25.0 points" in said


def test_equal_matrices_are_said_to_be_equal():
    assert alt((), "au-minor", AU_EE, AU_EE).endswith("The two matrices are equal.")
