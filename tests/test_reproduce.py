"""The three reproduce-* experiments as a user with a data set gives them, on rendered faces in each layout."""

import csv
from pathlib import Path

import pytest
from small import audfer

from harness.data.rendered import render
from harness.runs.experiment import dfew_shares

TITLES = {"dfew": "DFEW", "ferv39k": "FERV39k", "mafw": "MAFW"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One epoch of one model in each of the three, and the tables of them all."""
    folder = tmp_path_factory.mktemp("reproduce")
    part = ["--scale", "demo", "--epochs", 1, "--folds", "1", "--models", "former_dfer", "--arms"]
    part += ["baseline,au-distinct", "--cache", folder / "data", "--out", folder / "runs", "--jobs", 1]
    for name in TITLES:
        root = folder / name
        render(name, root, dfew_shares(), clips=60, size=40, full_clips=name == "dfew")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(f"{name.upper()}_ROOT", str(root))
            done = audfer("run", f"reproduce-{name}", *part)
        assert done.returncode == 0, done.stderr
    done = audfer("report", folder / "runs", "--out", folder / "report")
    assert done.returncode == 0, done.stderr
    return folder / "report"


@pytest.mark.parametrize("title", TITLES.values())
def test_a_data_set_in_the_published_layout_ends_in_tables_that_do_not_claim_it(title: str, report: Path) -> None:
    text = (report / "tables.md").read_text(encoding="utf-8")
    assert f"laid out as {title}, but not it: fold 1 has " in text
    assert f"no number here is a result on {title}." in text
    with (report / "table3.csv").open(encoding="utf-8", newline="") as file:
        measured = [row for row in csv.DictReader(file) if row["source"] == "measured"]
    assert len({row["dataset"] for row in measured}) == len(TITLES)
    mine = [row for row in measured if row["dataset"] == f"data laid out as {title} (not the published {title})"]
    assert {row["arm"] for row in mine} == {"baseline", "au-distinct"}
