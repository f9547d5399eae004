"""A report made again: what differs is named, what only the machine changes is not, and nothing is touched."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli_audit import audit_command
from harness.cli_report import report_command
from harness.errors import CheckFailed, DataError, ManifestError, RunError
from harness.manifest import manifests_dir
from harness.report.again import Change, changed_report, changes, contents
from harness.report.write import write_report

REPORTS = Path(__file__).parent.parent.parent / "reports"
PAPER = manifests_dir() / "paper"


@pytest.fixture
def out(tmp_path: Path, write_run: Any, run_config: Any) -> Path:
    """A report with its runs in a folder below it, as reports/demo has them."""
    for arm in ("baseline", "au-minor"):
        write_run(run_config(arm=arm))
    write_report(tmp_path / "runs", tmp_path / "out", PAPER, command="audfer demo")
    shutil.move(tmp_path / "runs", tmp_path / "out" / "runs")
    return tmp_path / "out"


def again(out: Path) -> list[Change]:
    return changed_report(out / "runs", out, paper_dir=PAPER)


def state(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_the_committed_demo_is_what_its_records_give(capsys: pytest.CaptureFixture[str]) -> None:
    demo = REPORTS / "demo"
    report_command(demo / "runs", demo, figures=False, check=True)
    assert capsys.readouterr().out == f"{demo}: the same when made again\n"


def test_the_committed_audit_is_what_the_printed_tables_give(capsys: pytest.CaptureFixture[str]) -> None:
    audit_command(out=REPORTS / "audit", check=True)
    assert capsys.readouterr().out == f"{REPORTS / 'audit'}: the same when made again\n"


def test_a_report_with_its_runs_below_it_is_the_same_and_untouched(out: Path) -> None:
    before = state(out)
    assert again(out) == []
    assert state(out) == before


def test_a_changed_byte_is_named_with_its_line(out: Path) -> None:
    path = out / "table1.md"
    lines = path.read_text(encoding="utf-8").split("\n")
    number = next(i for i, line in enumerate(lines) if "| 53.54 |" in " ".join(line.split()))
    lines[number] = lines[number].replace("53.54", "54.54")
    path.write_text("\n".join(lines), encoding="utf-8")
    (one,) = again(out)
    assert (one.file, one.what, one.line) == ("table1.md", "differs", number + 1)
    assert "54.54" in one.there
    assert "53.54" in one.again
    assert str(one).startswith(f"table1.md: line {number + 1} differs: ")


def test_missing_and_extra_files_are_named(out: Path) -> None:
    (out / "verdicts.csv").unlink()
    (out / "index.html").unlink()
    (out / "notes.txt").write_text("mine")
    assert [str(one) for one in again(out)] == ["index.html: missing", "notes.txt: extra", "verdicts.csv: missing"]


def test_other_predictions_change_the_numbers(out: Path, tmp_path: Path, write_run: Any, run_config: Any) -> None:
    shutil.rmtree(out / "runs" / "demo" / "rendered" / "m3dfel" / "au-minor")
    write_run(run_config(arm="au-minor"), predicted=[(0, 1)] * 56)
    shutil.move(tmp_path / "runs" / "demo" / "rendered" / "m3dfel" / "au-minor", out / "runs/demo/rendered/m3dfel")
    named = {one.file for one in again(out)}
    assert {"table1.md", "table2.csv", "table3.tex", "confusion.csv", "verdicts.csv", "summary.json"} <= named


def test_the_page_and_figures_are_compared_by_name(tmp_path: Path) -> None:
    for name in ("there", "again"):
        (tmp_path / name / "figures").mkdir(parents=True)
        (tmp_path / name / "index.html").write_text(name)
        (tmp_path / name / "figures" / "forest.png").write_text(name)
    (tmp_path / "again" / "figures" / "forest.svg").write_text("no svg is kept in the repository")
    assert changes(contents(tmp_path / "there"), contents(tmp_path / "again")) == []
    (tmp_path / "again" / "figures" / "curves.png").write_text("new")
    assert changes(contents(tmp_path / "there"), contents(tmp_path / "again")) == [Change("figures/curves", "missing")]
    assert changes(contents(tmp_path / "there", figures=False), contents(tmp_path / "again", figures=False)) == []


def test_a_line_end_is_a_difference() -> None:
    (one,) = changes({"a.md": b"one\r\ntwo"}, {"a.md": b"one\ntwo"})
    assert (one.line, one.there, one.again) == (1, "one\r", "one")
    (one,) = changes({"a.md": b"one\n"}, {"a.md": b"one"})
    assert one.line == 2


def test_a_report_in_the_folder_of_runs_is_compared_without_them(tmp_path: Path, write_run: Any) -> None:
    write_run()
    runs = tmp_path / "runs"
    write_report(runs, runs, PAPER)
    assert changed_report(runs, runs, paper_dir=PAPER) == []


def test_without_a_report_there_is_nothing_to_check(tmp_path: Path, write_run: Any) -> None:
    write_run()
    with pytest.raises(RunError, match=r"nowhere: no report to check; make one, without --check"):
        changed_report(tmp_path / "runs", tmp_path / "nowhere", paper_dir=PAPER)


def test_the_command_says_what_is_wrong_and_fails(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli_report._beside_the_runs", lambda: {"paper_dir": PAPER})
    (out / "verdicts.md").unlink()
    with pytest.raises(CheckFailed, match=r"1 file not as made again, .*: audfer report \S+ --out \S+ --no-figures"):
        report_command(out / "runs", out, figures=False, check=True)
    assert "verdicts.md: missing\n" in capsys.readouterr().out
    assert CheckFailed.exit_code == 1


def test_an_audit_is_checked_in_a_folder_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ManifestError, match=r"--check: compares with an audit in a folder; name it with --out"):
        audit_command(check=True)
    with pytest.raises(DataError, match=r"no audit to check"):
        audit_command(out=tmp_path / "nowhere", check=True)
    shutil.copytree(REPORTS / "audit", tmp_path / "audit")
    text = (tmp_path / "audit" / "audit.md").read_text(encoding="utf-8")
    (tmp_path / "audit" / "audit.md").write_text(f"{text}more\n", encoding="utf-8")
    with pytest.raises(CheckFailed, match=r"1 file not as made again"):
        audit_command(out=tmp_path / "audit", check=True)
    assert "audit.md: line " in capsys.readouterr().out
