"""What the page's script is given of a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.report.page.model import Line
from harness.report.page.payload import EPOCHS_SHOWN, Shared, run_payload, wrong_clips
from harness.runs.records import Predictions, Run, read_run, seal

LINE = Line("rendered faces (not DFEW)", "M3DFEL", "baseline", "", "", (0,))


@pytest.fixture
def with_epochs(write_run: Callable[..., Path]) -> Callable[..., Run]:
    """A run with these lines of epochs.jsonl."""

    def write(epochs: list[dict[str, Any]]) -> Run:
        folder = write_run(sealed=False)
        (folder / "epochs.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in epochs))
        seal(folder)
        return read_run(folder)

    return write


def test_the_surest_wrong_clips_of_each_expression_come_first() -> None:
    labels = np.array([0, 0, 0, 0, 0, 3])
    logits_BE = np.zeros((6, 7), dtype=np.float32)
    logits_BE[0, 0] = 5  # right
    logits_BE[[1, 2, 3, 4, 5], [1, 2, 1, 1, 0]] = [1, 4, 2, 3, 1]
    found, counts = wrong_clips(Predictions(1, tuple("abcdef"), labels, logits_BE))
    assert [(one.clip, one.said) for one in found] == [("c", 2), ("e", 1), ("d", 1), ("f", 0)]
    assert counts == (4, 0, 0, 1, 0, 0, 0)
    assert found[0].share == pytest.approx(np.e**4 / (np.e**4 + 6))


def test_no_wrong_clip_is_no_error() -> None:
    logits_BE = np.eye(7, dtype=np.float32)[[2]]
    assert wrong_clips(Predictions(1, ("a",), np.array([2]), logits_BE)) == ([], (0,) * 7)


def test_a_rule_has_its_counts_and_no_logits(write_run: Callable[..., Path]) -> None:
    folder = write_run(predicted=[(0, 0)] * 12 + [(6, 5)] * 4 + [(1, 1)] * 40)
    said = run_payload(read_run(folder), LINE, "here", Shared())["rules"]["last"]
    assert (said["war"], said["uar"], said["right"], said["epoch"]) == ("92.86", "66.67", "52 / 56", 2)
    assert [said["confusion"][i * 7 + j] for i, j in ((0, 0), (6, 5), (1, 1))] == [12, 4, 40]
    assert sum(said["confusion"]) == 56
    assert [one[:3] for one in said["clips"]] == [["00012", 6, 5], ["00013", 6, 5], ["00014", 6, 5]]


def test_curves_hold_numbers_only_and_no_more_than_a_plot_can_show(with_epochs: Callable[..., Run]) -> None:
    epochs = [{"epoch": i, "loss": 1.23456 / i, "val_war": None} for i in range(1, 1001)]
    columns = run_payload(with_epochs(epochs), LINE, "here", Shared())["epochs"]
    assert set(columns) == {"epoch", "loss"}
    assert columns["loss"][:2] == [1.235, 0.2058]
    assert columns["epoch"][:2] == [1, 6]
    assert columns["epoch"][-1] == 1000
    assert len(columns["epoch"]) <= EPOCHS_SHOWN + 1


def test_a_loss_that_is_not_finite_leaves_a_gap(with_epochs: Callable[..., Run]) -> None:
    run = with_epochs([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": float("nan")}])
    assert run_payload(run, LINE, "here", Shared())["epochs"]["loss"] == [2.0, None]


def test_what_runs_share_stands_once(write_run: Callable[..., Path], run_config: Callable[..., Any]) -> None:
    shared = Shared()
    runs = [read_run(write_run(run_config(fold=fold))) for fold in (1, 2, 3)]
    found = [run_payload(run, LINE, "here", shared) for run in runs]
    assert len({json.dumps(one["blocks"]) for one in found}) == 1
    assert len(shared.blocks) == 4  # run, data, recipe, environment
    assert ["optimizer.lr", "0.1"] in shared.blocks[found[0]["blocks"]["Recipe"]]
