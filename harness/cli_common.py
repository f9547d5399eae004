"""Options that several commands share, and how they print. Nothing heavy is imported here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.errors import CheckFailed, ManifestError

MANY = "several parted by commas, or repeated"

Cache = Annotated[Path, typer.Option("--cache", help="Folder for rendered faces and packed frames.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for run directories.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "--workers", min=1, help="Runs at a time on this machine; default: as the cores allow."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Root = Annotated[
    Path | None,
    typer.Option("--data-root", "--root", help="Folder of the data set; default: its variable, e.g. DFEW_ROOT."),
]
ThirdParty = Annotated[Path, typer.Option("--third-party", help="Folder of the clones.")]
Device = Annotated[str, typer.Option("--device", help="cpu, or cuda:0 and so on.")]
UpstreamLists = Annotated[
    str | None, typer.Option("--lists", help="Take the split lists of this fetched upstream: former_dfer or mae_dfer.")
]
AUSource = Annotated[
    Path | None,
    typer.Option("--au", help="AU files elsewhere: a folder of CSV files, or a table of `audfer au labels`."),
]
Figures = Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures too, svg and png.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Write nothing: make it again and compare with what lies in --out, text byte by byte, figures and page by "
        "name. Exit code 1 names what differs.",
    ),
]
Dataset = Annotated[str, typer.Argument(help="Name of a data set, such as dfew, ferv39k:Action or mafw_11.")]
Confidence = Annotated[
    float, typer.Option("--min-confidence", min=0.0, max=1.0, help="Frames tracked with less are left out.")
]


def many(values: Sequence[str] | None) -> list[str]:
    """`--models a,b --models c` as [a, b, c]."""
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def numbers(option: str, values: Sequence[str] | None) -> list[int]:
    """`--folds 1,2-4` as [1, 2, 3, 4]; ManifestError for anything that is no number or range."""
    found: list[int] = []
    for part in many(values):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ManifestError(f"{option} {part}: not a number; give e.g. {option} 1,3 or {option} 1-5")
        found += range(int(first), int(last or first) + 1)
    return found


def table(rows: Sequence[dict[str, str]], data: Any, json_: bool) -> None:
    """Print rows for a terminal, or `data` as JSON."""
    if json_:
        print(json.dumps(data, indent=1))
        return
    from tabulate import tabulate

    print(tabulate(rows, headers="keys", disable_numparse=True))


def lines_or_json(lines: Sequence[str], data: Any, json_: bool) -> None:
    """Print lines for a reader, or `data` as JSON."""
    print(json.dumps(data, indent=1) if json_ else "\n".join(lines))


def checked(out: Path, lines: Sequence[str], data: Any, command: str, json_: bool) -> None:
    """Print what `--check` found, a line for each file that is not as made again; CheckFailed if there is one."""
    if lines or json_:
        lines_or_json(lines, data, json_)
    if lines:
        files = f"{len(lines)} file{'' if len(lines) == 1 else 's'}"
        raise CheckFailed(f"{out}: {files} not as made again, see above; if that is meant, write it again: {command}")
    if not json_:
        print(f"{out}: the same when made again")


def cores() -> int:
    """Cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0))
