"""`audfer regress` as a CI job gives it: exit codes, files, and what is refused."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.analysis.summary import Summary, summary_text
from harness.cli import app
from harness.errors import CheckFailed, DataError, HarnessError, ManifestError

RUN = {"config": "a", "device": "cpu, Made-up", "torch": "2.11.0", "precision": "fp32", "harness": "0.1.0"}
SCORE = {"uar": 0.5, "accuracy": [0.5] * 7, "clips": 100, "folds": [1], "seeds": [0], "one_clip_uar": 0.01}
Report = Callable[..., Path]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """report(name, war): a report folder that holds the summary of one run."""

    def write(name: str, war: float = 0.5, multiply_adds: int = 1000) -> Path:
        facts = {
            "experiment": "demo",
            "dataset": "rendered",
            "label": "rendered faces",
            "engine": "native",
            "scale": "demo",
            "fingerprints": {"m3dfel/fold1": "frames"},
            "expected": ["m3dfel/baseline/fold1-seed0"],
            "runs": {"m3dfel/baseline/fold1-seed0": {**RUN, "clips": 100, "clips_per_second": 9.0, "predictions": {}}},
            "scores": {"m3dfel/baseline/last/fold1": {**SCORE, "war": war, "one_clip_war": 0.01}},
        }
        data = {
            "settings": {"demo/rendered/native/demo": facts},
            "unfinished": [],
            "models": {"m3dfel demo": {"parameters": 1, "multiply_adds": multiply_adds}},
            "upstreams": {},
            "tables": {},
        }
        folder = tmp_path / name
        folder.mkdir()
        (folder / "summary.json").write_text(summary_text(Summary.model_validate(data)))
        return folder

    return write


def regress(*arguments: object) -> str:
    """The command's output; its error is raised, as main() would report it with its exit code."""
    return CliRunner().invoke(app, ["regress", *map(str, arguments)], catch_exceptions=False).stdout


def test_the_same_report_passes(report: Report) -> None:
    assert regress(report("a"), report("b")).startswith("Unchanged: ")


def test_a_regression_ends_with_exit_code_1_and_both_files(report: Report, tmp_path: Path) -> None:
    page, xml = tmp_path / "ci" / "nightly.md", tmp_path / "ci" / "nightly.xml"
    with pytest.raises(CheckFailed) as caught:
        regress(report("a"), report("b", multiply_adds=1001), "--markdown", page, "--junit", xml)
    assert caught.value.exit_code == 1
    assert page.read_text().startswith("# Regressed: 1 of ")
    assert len(ET.parse(xml).getroot().findall(".//failure")) == 1


def test_json_is_json(report: Report) -> None:
    assert json.loads(regress(report("a"), report("b"), "--json"))["passed"] is True


def test_an_unreadable_summary_ends_with_exit_code_2_and_overwrites_the_files(report: Report, tmp_path: Path) -> None:
    page, xml, broken = tmp_path / "nightly.md", tmp_path / "nightly.xml", tmp_path / "broken.json"
    good = report("a")
    regress(good, good, "--markdown", page, "--junit", xml)
    broken.write_text("{")
    with pytest.raises(DataError, match="not JSON") as caught:
        regress(good, broken, "--markdown", page, "--junit", xml)
    assert caught.value.exit_code == 2
    assert page.read_text().startswith("# Input at fault")
    assert len(ET.parse(xml).getroot().findall(".//error")) == 1


def test_a_baseline_is_made_of_controls_and_gives_a_band(report: Report, tmp_path: Path) -> None:
    out = tmp_path / "baselines" / "demo.json"
    assert regress("--make-baseline", report("one", 0.50), report("two", 0.54), "--out", out).strip() == str(out)
    assert json.loads(out.read_text())["bands"]["made_by"] == "audfer regress --make-baseline one two --out demo.json"
    assert regress(out, report("inside", 0.47)).startswith("Unchanged: ")
    with pytest.raises(CheckFailed):
        regress(out, report("below", 0.45))


@pytest.mark.parametrize(
    "arguments",
    [("one",), ("one", "two", "three"), ("--make-baseline", "one"), ("one", "two", "--out", "file.json")],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ManifestError):
        regress(*arguments)


def test_a_file_that_cannot_be_written_is_told(report: Report, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(HarnessError, match="cannot be written"):
        regress(report("a"), report("b"), "--markdown", tmp_path / "taken" / "page.md")


def test_the_committed_demo_is_within_the_committed_baseline() -> None:
    reports = Path(__file__).parent.parent / "reports"
    result = CliRunner().invoke(app, ["regress", str(reports / "baselines" / "demo.json"), str(reports / "demo")])
    assert result.exit_code == 0, result.output
    assert "Unchanged" in result.output
