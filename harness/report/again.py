"""A committed report made again and compared with what lies there: `audfer report --check`, `audfer audit --check`.

Text is compared byte by byte. Figures and the page are compared by name only: their bytes are the drawing library's and
the fonts', and a page may hold frames of data that are not at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.errors import RunError
from harness.report.write import write_report
from harness.runs.records import LEAF

BY_NAME = frozenset({".html", ".png", ".svg"})
FIGURES = "figures"
COMMAND = re.compile(r"^Command: `(?P<command>.*)`$", re.MULTILINE)
SHOWN = 60  # characters of a line, from shortly before where it differs


@dataclass(frozen=True)
class Change:
    """A file that is not as it is made again. what: `differs`, `missing` or `extra`; line: the first that differs."""

    file: str
    what: str
    line: int = 0
    there: str = ""
    again: str = ""

    def __str__(self) -> str:
        if self.what != "differs":
            return f"{self.file}: {self.what}"
        return f"{self.file}: line {self.line} differs: {self.there!r}, made again {self.again!r}"

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def changed_report(
    runs_root: Path, out: Path, *, command: str = "", figures: bool = False, **options: Any
) -> list[Change]:
    """What would change if the report in `out` were made again; nothing in `out` is touched.

    The runs may lie below `out`. The command that a report names is its own: it is taken over, not compared.
    options: as of `write_report`. RunError if there is no report in `out`, and as `write_report` raises it.
    """
    there = contents(out, besides=runs_root, figures=figures)
    if not there:
        raise RunError(f"{out}: no report to check; make one, without --check")
    said = COMMAND.search(there.get("tables.md", b"").decode("utf-8", "replace"))
    with TemporaryDirectory() as folder:
        again = Path(folder, "report")
        write_report(runs_root, again, command=said["command"] if said else command, figures=figures, **options)
        return changes(there, contents(again, figures=figures))


def contents(folder: Path, besides: Path | None = None, figures: bool = True) -> dict[str, bytes]:
    """The files below a folder by name, empty where only the name counts; a figure is there in either of its forms.

    besides: a folder in it that is none of its own. figures: whether theirs count.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if besides is not None and besides.resolve() != folder.resolve():
        files = [path for path in files if besides.resolve() not in path.resolve().parents]
    found: dict[str, bytes] = {}
    for path in files:
        name = path.relative_to(folder)
        if any(map(LEAF.fullmatch, name.parts)):
            continue  # a run, in a report that was written into the folder of runs
        if name.parts[0] == FIGURES:
            found |= {name.with_suffix("").as_posix(): b""} if figures else {}
        else:
            found[name.as_posix()] = b"" if path.suffix in BY_NAME else path.read_bytes()
    return found


def changes(there: Mapping[str, bytes], again: Mapping[str, bytes]) -> list[Change]:
    """The files that differ, are missing or are extra, in order of name."""
    found = []
    for name in sorted({*there, *again}):
        if name not in there or name not in again:
            found.append(Change(name, "extra" if name in there else "missing"))
        elif there[name] != again[name]:
            found.append(_differing(name, there[name], again[name]))
    return found


def _differing(name: str, there: bytes, again: bytes) -> Change:
    """The first line that differs: bytes are split at newlines only, so that no other difference is hidden."""
    pairs = zip_longest(there.split(b"\n"), again.split(b"\n"))
    number, one, other = next((i, a, b) for i, (a, b) in enumerate(pairs, start=1) if a != b)
    return Change(name, "differs", number, *_shown(_text(one), _text(other)))


def _shown(one: str, other: str) -> tuple[str, str]:
    """Both lines around where they first differ."""
    same = next((i for i, (a, b) in enumerate(zip_longest(one, other)) if a != b), 0)
    start = max(0, same - SHOWN // 3)
    return one[start : start + SHOWN], other[start : start + SHOWN]


def _text(line: bytes | None) -> str:
    return "" if line is None else line.decode("utf-8", "backslashreplace")
