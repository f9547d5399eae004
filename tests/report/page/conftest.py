"""Pages of synthetic runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.manifest import manifests_dir
from harness.report.compared import measure_setting
from harness.report.measured import settings
from harness.report.page.render import gather, write_page
from harness.report.pairs import compare
from harness.report.printed import read_paper
from harness.report.tables import table1, table2, table3
from harness.runs.records import read_runs


@pytest.fixture
def write_runs_page(tmp_path: Path) -> Callable[..., str]:
    """Write the page of the runs below tmp_path/runs, with tables and verdicts, and return its text."""

    def write(out: Path = tmp_path / "report", verdicts: bool = True, **given: Any) -> str:
        root = tmp_path / "runs"
        runs, _ = read_runs(root)
        paper = read_paper(manifests_dir() / "paper")
        measured = [measure_setting(setting, paper) for setting in settings(runs)]
        comparisons = [compare(one.setting, list(paper.models)) for one in measured] if verdicts else []
        tables = (table1(paper, measured), table2(paper, measured, {}), table3(paper, measured))
        content = gather(
            measured, root, comparisons, **{name: given.pop(name) for name in ("frames", "limit") if name in given}
        )
        path = write_page(content, out, tables=tables, **given)
        return path.read_text(encoding="utf-8")

    return write


@pytest.fixture
def two_models(write_run: Callable[..., Path], run_config: Callable[..., Any]) -> None:
    """Baseline and two AU arms of two models on two of five folds, one model with a broken pair."""
    for model in ("m3dfel", "former_dfer"):
        for arm in ("baseline", "au-global", "au-minor"):
            for fold in (1, 2):
                write_run(run_config(model=model, arm=arm, fold=fold))
    write_run(run_config(model="mae_dfer"))
    write_run(run_config(model="mae_dfer", arm="au-minor", device="cuda:0"))
