"""`audfer audit` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app, main
from harness.errors import HarnessError

RUNNER = CliRunner()
FOLDS = "dataset,fold,class,count\nD,1,a,29\nD,1,b,100\n"
TABLE = "method,a,b,WAR,UAR\nM,10.34,50.00,41.09,30.17\nN,10.34,50.00,41.09,31.17\n"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "f.csv").write_text(FOLDS)
    return [str(tmp_path / "t.csv"), "--folds", str(tmp_path / "f.csv")]


def test_findings_are_no_failure(files: list[str]) -> None:
    result = RUNNER.invoke(app, ["audit", *files])
    assert result.exit_code == 0
    assert "| M | closes | fold1 |" in result.output
    assert "| N | does not close |" in result.output


def test_json_to_stdout(files: list[str]) -> None:
    found = json.loads(RUNNER.invoke(app, ["audit", *files, "--json"]).output)
    assert [row["closes"] for row in found["rows"]] == [True, False]
    assert found["inputs"]["class_sizes"]["D"]["folds"] == {"1": [29, 100]}


def test_a_folder_holds_both(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    result = RUNNER.invoke(app, ["audit", *files, "--out", str(out)])
    assert result.output.split() == [str(out / "audit.md"), str(out / "audit.json")]
    assert sorted(path.name for path in out.iterdir()) == ["audit.json", "audit.md"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["missing.csv", "--folds", "f.csv"], "missing.csv"),
        (["t.csv", "--folds", "missing.csv"], "missing.csv"),
        (["t.csv"], "t.csv"),
        (["--folds", "f.csv"], "--folds"),
        (["t.csv", "--dataset", "dfew"], "manifests/datasets/dfew.toml"),
        (["t.csv", "--folds", "t.csv"], "t.csv"),
    ],
)
def test_a_wrong_file_is_named(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["audit", *arguments])
    assert isinstance(result.exception, HarnessError)
    assert result.exception.exit_code == 2
    assert str(result.exception).startswith(said)
    assert "\n" not in str(result.exception)


def test_exit_code_of_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["audfer", "audit", "missing.csv", "--dataset", "dfew"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("audfer: missing.csv: ")


def test_no_heavy_import() -> None:
    code = (
        "import sys\nsys.argv = ['audfer', 'audit', '--json']\nfrom harness.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'pyarrow', 'scipy', 'matplotlib')))"
    )
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, stdout=subprocess.DEVNULL).returncode == 0
