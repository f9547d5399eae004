"""The three reproduce-* experiments as a user with a data set gives them, on rendered faces in each layout."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.data.rendered import render
from harness.runs.experiment import dfew_shares

TITLES = {"dfew": "DFEW", "ferv39k": "FERV39k", "mafw": "MAFW"}


def audfer(*arguments: object, **environment: str) -> str:
    command = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", TITLES)
def test_a_data_set_in_the_published_layout_ends_in_tables_that_do_not_claim_it(name: str, tmp_path: Path) -> None:
    root = tmp_path / name
    render(name, root, dfew_shares(), clips=60, size=40, full_clips=name == "dfew")
    places = ["--cache", tmp_path / "data", "--out", tmp_path / "runs"]
    part = [
        "--scale",
        "demo",
        "--epochs",
        1,
        "--folds",
        "1",
        "--models",
        "former_dfer",
        "--arms",
        "baseline,au-distinct",
    ]
    audfer("run", f"reproduce-{name}", *part, *places, **{f"{name.upper()}_ROOT": str(root)})
    audfer("report", tmp_path / "runs" / f"reproduce-{name}", "--out", tmp_path / "report")
    text = (tmp_path / "report" / "tables.md").read_text(encoding="utf-8")
    title = TITLES[name]
    assert f"laid out as {title}, but not it: fold 1 has " in text
    assert f"no number here is a result on {title}." in text
    with (tmp_path / "report" / "table3.csv").open(encoding="utf-8", newline="") as file:
        measured = [row for row in csv.DictReader(file) if row["source"] == "measured"]
    assert {row["dataset"] for row in measured} == {f"data laid out as {title} (not the published {title})"}
    assert {row["arm"] for row in measured} == {"baseline", "au-distinct"}
