"""A clock that jumps back: no duration and no decision rests on the time of day."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "harness"
TIME_OF_DAY = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
}
WRITTEN_ONLY = {
    "runs/claim.py": "since when an attempt has its run; whether it is stale is told by the file system's clock",
}
"""Files that read the time of day, and what for; durations are never taken of it."""


def uses(path: Path) -> list[str]:
    """Calls of the time of day in a file."""
    found: list[str] = []
    text = path.read_text(encoding="utf-8")
    if "time" not in text:
        return found
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)) if (module, name) in TIME_OF_DAY:
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
            case ast.ImportFrom(module="time", names=names) if {"time", "time_ns"} & {one.name for one in names}:
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    return found


def test_the_time_of_day_is_read_where_it_is_written_and_nowhere_else() -> None:
    found = [place for path in sorted(PACKAGE.rglob("*.py")) for place in uses(path)]
    assert {place.partition(":")[0] for place in found} == set(WRITTEN_ONLY)
