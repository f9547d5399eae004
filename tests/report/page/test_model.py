"""Rows of the page's own tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.manifest import manifests_dir
from harness.report.compared import measure_setting
from harness.report.measured import settings
from harness.report.page.model import FOREST_WIDTH, WORDS, Model, page_model
from harness.report.pairs import compare
from harness.report.printed import read_paper
from harness.runs.records import read_run

RIGHT = [(0, 0)] * 56
WORSE = [(0, 1)] * 30 + [(0, 0)] * 26


def model_of(folders: list[Path]) -> Model:
    paper = read_paper(manifests_dir() / "paper")
    measured = [measure_setting(one, paper) for one in settings([read_run(folder) for folder in folders])]
    return page_model(measured, [compare(one.setting) for one in measured])


def test_a_clear_loss_is_a_verdict_and_its_plot_lies_left_of_zero(
    write_run: Callable[..., Path], run_config: Callable[..., Any]
) -> None:
    found = model_of([write_run(predicted=RIGHT), write_run(run_config(arm="au-minor"), predicted=WORSE)])
    war, uar = found.verdicts[0].parts
    assert (war.name, war.verdict, uar.name, uar.verdict) == ("WAR", "worsens", "UAR", "worsens")
    assert war.plot is not None
    assert 0 < war.plot[0] < war.plot[2] < war.plot[1] < FOREST_WIDTH / 2
    assert [(one.score, dict(zip(WORDS, one.counts, strict=True))["worsens"]) for one in found.tallies][:2] == [
        ("WAR", 1),
        ("UAR", 1),
    ]


def test_a_broken_pair_has_a_row_and_no_plot(write_run: Callable[..., Path], run_config: Callable[..., Any]) -> None:
    found = model_of([write_run(), write_run(run_config(arm="au-minor", device="cuda:0"))])
    assert {part.verdict for part in found.verdicts[0].parts} == {"no whole pair"}
    assert {part.plot for part in found.verdicts[0].parts} == {None}


def test_a_row_names_the_runs_of_its_folds(write_run: Callable[..., Path], run_config: Callable[..., Any]) -> None:
    folders = [write_run(run_config(fold=fold, seed=seed)) for fold in (1, 2) for seed in (0, 1)]
    found = model_of(folders)
    of = {one.line.fold_set: [found.runs[i].config for i in one.line.runs] for one in found.scores}
    assert {(one.fold, one.seed) for one in of["fold1"]} == {(1, 0), (1, 1)}
    assert len(of["folds 1,2"]) == 4


def test_settings_of_one_data_set_are_told_apart(
    write_run: Callable[..., Path], run_config: Callable[..., Any]
) -> None:
    found = model_of([write_run(), write_run(run_config(engine="upstream"))])
    assert [card.label for card in found.cards] == [
        "rendered faces (not DFEW), native",
        "rendered faces (not DFEW), upstream",
    ]
    assert {line.setting for line in found.run_lines} == {card.label for card in found.cards}
