"""Figures drawn beside other work: the same files, in order, and not too many."""

import pytest
from matplotlib.figure import Figure as Sheet

import harness.report.figures.drawing as module
from harness.report.figures.drawing import MOST, Drawing
from harness.report.figures.style import Sketch


def sketches(names):
    def draw():
        sheet = Sheet(figsize=(1, 1))
        sheet.text(0.1, 0.5, "a figure")
        return sheet

    return [Sketch(name, name.title(), f"{name} in words", draw) for name in names]


def test_workers_draw_what_one_process_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_several", lambda figures: True)
    apart = Drawing(sketches("abcd")).write(tmp_path / "apart")
    monkeypatch.setattr(module, "_several", lambda figures: False)
    alone = Drawing(sketches("abcd")).write(tmp_path / "alone")
    assert [(one.name, one.title, one.alt) for one in apart] == [(n, n.title(), f"{n} in words") for n in "abcd"]
    for one, other in zip(apart, alone, strict=True):
        assert one.svg.read_bytes() == other.svg.read_bytes()
        assert one.png.read_bytes() == other.png.read_bytes()


def test_an_error_in_a_worker_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_several", lambda figures: True)

    def broken():
        raise ZeroDivisionError("of this figure")

    with pytest.raises(ZeroDivisionError, match="of this figure"):
        Drawing([Sketch("a", "", "", broken)]).write(tmp_path)


def test_a_report_of_many_runs_leaves_out_the_figures_of_single_pairs_and_of_the_oracle(monkeypatch):
    monkeypatch.setattr(module, "_several", lambda figures: False)
    curves = [f"curves-{i}" for i in range(MOST - 1)]
    few = Drawing(sketches([*curves, "confusion-a"]))
    assert few.left_out == ()
    many = Drawing(sketches([*curves, "confusion-a", "tsne-a", "forest-fold1-best-on-test", "forest-fold1-last"]))
    assert [one.name for one in many.sketches] == [*curves, "forest-fold1-last"]
    assert many.left_out == ("confusion-a", "tsne-a", "forest-fold1-best-on-test")
