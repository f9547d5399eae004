"""Tables as LaTeX: special characters, columns, environments; compiled where pdflatex is installed."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.audit.finding import Finding
from harness.manifest import manifests_dir
from harness.report.grids import Grid
from harness.report.latex import all_latex, escaped, table_latex
from harness.report.tables import Section, Table
from harness.report.write import write_report

NASTY = Grid(
    "50 % of a_b & c#d", ("Method", "ΔWAR [95 %]"), (("A&B \\ {x}", "-1.00 [-2.00, 0.50] ○"),), 1, ("a ~ b^c",)
)


def test_special_characters_are_escaped() -> None:
    assert escaped("100 % of a_b & c#d") == r"100 \% of a\_b \& c\#d"
    assert escaped("\\ { } $ ~ ^") == r"\textbackslash{} \{ \} \$ \textasciitilde{} \textasciicircum{}"
    assert escaped("M3DFEL [44] †") == r"M3DFEL {[}44{]} $\dagger$"


def test_marks_in_text_become_commands() -> None:
    assert (
        escaped("`a_b` is *oracle*, 0.51<sup>1,2</sup>") == r"\texttt{a\_b} is \emph{oracle}, 0.51\textsuperscript{1,2}"
    )


def test_a_character_without_a_command_is_shown_by_its_number() -> None:
    assert escaped("é\u4e2d") == "{[}U+00E9{]}{[}U+4E2D{]}"


def test_a_negative_number_has_a_minus_and_an_arm_a_hyphen() -> None:
    table = Table(1, "T", (), NASTY, (Section("S", (), (Grid("G", ("Arm", "x"), (("au-global", "-0.17"),), 1),)),))
    assert r"au-global & $-$0.17 \\" in table_latex(table, 0)
    assert r"A\&B \textbackslash{} \{x\} & $-$1.00 {[}$-$2.00, 0.50{]} $\circ$ \\" in table_latex(table, 0)


def test_unfinished_runs_are_told() -> None:
    assert "2 unfinished run(s) are left out." in table_latex(Table(1, "T", (), NASTY, ()), 2)


@pytest.fixture
def folder(tmp_path: Path, write_run: Any, run_config: Any) -> Path:
    """A report of a pair, with an audit's finding."""
    for arm in ("baseline", "au-global"):
        write_run(run_config(arm=arm))
    finding = Finding("cell-not-a-fraction", "table2", "C3D, reported", "fear", "0.51 & 1 % of a_b is no k/n #1")
    write_report(tmp_path / "runs", tmp_path / "out", manifests_dir() / "paper", findings=[finding])
    return tmp_path / "out"


def test_every_grid_has_its_columns_and_every_environment_its_end(folder: Path) -> None:
    for number, grids in ((1, 3), (2, 7), (3, 5)):
        text = (folder / f"table{number}.tex").read_text(encoding="ascii")
        begun, ended = (Counter(re.findall(rf"\\{word}{{(\w+)}}", text)) for word in ("begin", "end"))
        assert begun == ended
        assert begun["tabular"] == grids
        unescaped = re.sub(r"\\[{}]", "", text)
        assert unescaped.count("{") == unescaped.count("}")
        for columns, body in re.findall(r"\\begin{tabular}{([lr]+)}\n(.*?)\\end{tabular}", text, re.DOTALL):
            rows = [line for line in body.splitlines() if line.endswith(r"\\")]
            assert len(rows) > 1
            assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}


def test_the_document_takes_the_three_tables_in(folder: Path) -> None:
    text = (folder / "tables.tex").read_text(encoding="ascii")
    assert re.findall(r"\\input{(\w+)}", text) == ["table1", "table2", "table3"]
    assert text == all_latex([Table(n, "", (), NASTY, ()) for n in (1, 2, 3)])


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_document_compiles(folder: Path) -> None:
    options = ["-interaction=nonstopmode", "-halt-on-error", "-draftmode"]
    done = subprocess.run(["pdflatex", *options, "tables.tex"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert b"Overfull" not in done.stdout
