"""Forest plots: a row a pair, its interval in percentage points, a marker a verdict."""

import math

import numpy as np

from harness.report.figures.forest import ForestRow, alt, draw

ROWS = (
    ForestRow("m3dfel au-minor", 0.02, 0.005, 0.035, "improves"),
    ForestRow("m3dfel au-global", -0.01, -0.03, 0.01, "no evidence"),
    ForestRow("mae_dfer au-minor", math.nan, math.nan, math.nan),
)


def test_a_row_shows_difference_and_interval_in_points():
    axis = draw("t", (), {"WAR": ROWS}).axes[0]
    zero, interval, dot, *rest = axis.get_lines()
    assert list(zero.get_xdata()) == [0, 0]
    np.testing.assert_allclose(interval.get_xdata(), [0.5, 3.5])
    np.testing.assert_allclose(dot.get_xydata(), [[2.0, 0.0]])
    assert len(rest) == 2  # the broken pair has neither dot nor interval
    assert [text.get_text() for text in axis.texts] == [
        "+2.00 [+0.50, +3.50]", "-1.00 [-3.00, +1.00]", "no whole pair",
    ]  # fmt: skip
    assert [label.get_text() for label in axis.get_yticklabels()] == [row.label for row in ROWS]


def test_verdicts_differ_in_shape_and_filling():
    rows = [ForestRow(mark, 0.0, -0.01, 0.01, mark) for mark in ("improves", "worsens", "no evidence")]
    dots = draw("t", (), {"WAR": rows}).axes[0].get_lines()[2::2]
    assert [(dot.get_marker(), dot.get_markerfacecolor() == "#ffffff") for dot in dots] == [
        ("^", False), ("v", False), ("o", True),
    ]  # fmt: skip


def test_panels_are_symmetric_around_0_and_hold_every_interval():
    low, high = draw("t", (), {"WAR": ROWS}).axes[0].get_xlim()
    assert (low, high > 3.5) == (-high, True)


def test_the_words_hold_every_number():
    said = alt(("rendered faces",), {"WAR": ROWS, "UAR": ROWS[2:]})
    assert "rendered faces. WAR: m3dfel au-minor +2.00 [+0.50, +3.50], improves; m3dfel au-global" in said
    assert said.endswith("UAR: mae_dfer au-minor no whole pair.")


def test_only_broken_pairs_are_still_a_figure():
    assert len(draw("t", (), {"WAR": ROWS[2:], "UAR": ROWS[2:]}).axes) == 2
