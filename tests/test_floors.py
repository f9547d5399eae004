"""The house: each floor imports only from those below it, and harness.au stands on errors alone."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "harness"
FLOORS = {
    "errors": 0, "files": 1, "torchvision_ops": 1, "recipe": 1, "dataset_manifest": 2, "manifest": 3, "au": 3,
    "data": 4, "models": 4, "engine": 5, "analysis": 6, "upstream": 7, "runs": 8, "report": 9, "bench": 9, "doctor": 9,
    "console": 10, "cli_common": 10, "cli_upstream": 11, "cli_data": 11, "cli_au": 11, "cli_audit": 11,
    "cli_bench": 11, "cli_doctor": 11, "cli_regress": 11, "cli_report": 11, "cli_runs": 11, "cli": 12,
}  # fmt: skip
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in FLOORS)


def room(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imported(path: Path) -> set[str]:
    """First-level rooms of the harness that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "harness":
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("harness.")}
    return {name for name in names if name in FLOORS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_below(path: Path) -> None:
    here = room(path)
    above = {name for name in imported(path) if name != here and FLOORS[name] >= FLOORS[here]}
    assert not above, f"{here} imports {above}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "au").rglob("*.py")), ids=lambda path: path.name)
def test_the_method_imports_nothing_of_the_harness_but_errors(path: Path) -> None:
    assert imported(path) <= {"au", "errors"}
