"""Courses: a line an arm, the mean of its runs; what was not recorded is said to be so."""

import numpy as np

from harness.report.figures.curves import COURSES, alt, course, draw

BASELINE = [{"epoch": 1, "loss": 2.0, "test_war": 0.25, "test_uar": 0.2, "au_loss": None, "seconds": 4.0},
            {"epoch": 2, "loss": 1.0, "test_war": 0.5, "test_uar": 0.4, "au_loss": None, "seconds": 6.0}]  # fmt: skip
OTHER = [{**line, "test_war": line["test_war"] + 0.1, "au_loss": 0.5} for line in BASELINE]


def panel(drawing, key):
    return drawing.axes[[one.key for one in COURSES].index(key)]


def test_values_are_a_row_a_run_and_nan_where_a_line_lacks_them():
    np.testing.assert_allclose(course([BASELINE, OTHER], "test_war", 100.0), [[25, 50], [35, 60]])
    assert np.isnan(course([BASELINE], "au_loss")).all()
    assert np.isnan(course([BASELINE], "expression_loss")).all()


def test_a_line_is_the_mean_of_an_arms_runs_with_a_band_from_least_to_most():
    axis = panel(draw("t", (), {"baseline": [BASELINE, OTHER]}), "test_war")
    (line,) = axis.get_lines()
    np.testing.assert_allclose(line.get_xydata(), [[1, 30], [2, 55]])
    (band,) = axis.collections
    assert band.get_paths()[0].get_extents().extents.tolist() == [1.0, 25.0, 2.0, 60.0]


def test_arms_differ_in_colour_line_style_and_marker():
    arms = {arm: [OTHER] for arm in ("baseline", "au-global", "au-distinct", "au-minor")}
    lines = panel(draw("t", (), arms), "loss").get_lines()
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines]
    assert [len(set(one)) for one in zip(*looks, strict=True)] == [4, 4, 4]


def test_what_no_run_recorded_is_said_to_be_missing():
    drawing = draw("t", (), {"baseline": [BASELINE]})
    assert [text.get_text() for text in panel(drawing, "au_loss").texts] == ["not recorded"]
    assert len(panel(drawing, "loss").texts) == 0


def test_the_words_say_first_and_last_values():
    said = alt(("rendered faces",), {"baseline": [BASELINE], "au-minor": [BASELINE, OTHER]})
    assert "rendered faces. baseline (1 run, 2 epochs): loss 2.000 to 1.000, at the end WAR 50.00 and UAR 40.00" in said
    assert "5 seconds an epoch. au-minor (2 runs, 2 epochs)" in said
    assert "WAR 55.00" in said


def test_runs_that_recorded_no_numbers_are_told_as_such():
    said = alt((), {"baseline": [[{"epoch": 1}]]})
    assert "loss not recorded to not recorded" in said
