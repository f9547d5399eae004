"""Tables as markdown text. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tabulate import tabulate

from harness.report.tables import Grid, Section, Table
from harness.runs.records import Run


def table_markdown(table: Table, unfinished: int) -> str:
    """One table as a document: legend, printed grid, measured sections."""
    return f"# Table {table.number}: {table.title}\n\n" + _body(table, unfinished)


def all_markdown(
    tables: Sequence[Table], runs: Sequence[tuple[str, Run]], unfinished: Sequence[str], command: str
) -> str:
    """All three tables in one document, then the runs they come from (directory below the folder of runs, run)."""
    parts = ["# Tables 1 to 3: printed and measured\n\n"]
    parts += [f"Command: `{_one_line(command)}`\n\n"] if command else []
    bodies = [_deeper(_body(table, len(unfinished))) for table in tables]
    parts += [f"## Table {table.number}: {table.title}\n\n{body}\n" for table, body in zip(tables, bodies, strict=True)]
    return "".join([*parts, _provenance(runs), _unfinished(unfinished)])


def _body(table: Table, unfinished: int) -> str:
    notes = [*table.legend]
    if unfinished:
        notes.append(f"{unfinished} unfinished run(s) are left out; `tables.md` names them.")
    sections = "".join(_section(section) for section in table.sections)
    return f"{_bullets(notes)}\n## {_grid(table.printed)}{sections}"


def _section(section: Section) -> str:
    grids = "".join(f"\n### {_grid(grid)}" for grid in section.grids)
    return f"\n## {section.heading}\n\n{_bullets(section.facts)}{grids}"


def _grid(grid: Grid) -> str:
    notes = f"\n{_bullets(grid.notes)}" if grid.notes else ""
    return f"{grid.heading}\n\n{pipe_table(grid.columns, grid.rows, grid.left)}{notes}"


def pipe_table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """A markdown table whose first `left` columns are text and the others right-aligned; text is shown as given."""
    align = ["left"] * left + ["right"] * (len(columns) - left)
    cells = [[_escaped(cell) for cell in row] for row in rows]
    heads = [_escaped(name) for name in columns]
    return tabulate(cells, heads, tablefmt="pipe", disable_numparse=True, colalign=align) + "\n"


def _provenance(runs: Sequence[tuple[str, Run]]) -> str:
    rows = [(f"`{name}`", str(len(run.epochs)), _selected(run)) for name, run in runs]
    return f"## Runs\n\n{pipe_table(('Run', 'Epochs', 'Epoch each rule selected'), rows, left=1)}"


def _selected(run: Run) -> str:
    return ", ".join(f"{rule} {said.epoch}" for rule, said in run.predictions.items())


def _unfinished(names: Sequence[str]) -> str:
    if not names:
        return "\nUnfinished runs: none.\n"
    listed = _bullets([f"`{name}`" for name in names])
    return f"\n## Unfinished runs, in no number above\n\n{listed}"


def relative(run_dir: Path, root: Path) -> str:
    """A run directory below the folder of runs, so that a report does not depend on where that folder lies."""
    return run_dir.relative_to(root).as_posix() if run_dir != root else run_dir.name


def _deeper(text: str) -> str:
    """The same text with every heading one level down."""
    return "".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines(keepends=True))


def _bullets(lines: Iterable[str]) -> str:
    return "".join(f"* {_one_line(line)}\n" for line in lines)


def _escaped(cell: str) -> str:
    return _one_line(cell).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split())
