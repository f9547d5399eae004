"""`audfer regress`: is a report still what its baseline says?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_common import Json, lines_or_json
from harness.errors import CheckFailed, DataError, HarnessError, ManifestError

Reports = Annotated[
    list[Path],
    typer.Argument(
        metavar="BASELINE CANDIDATE", help="Report folders of `audfer report`, or JSON files (docs/nightly.md)."
    ),
]


def regress_command(
    reports: Reports,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write the comparison as a page.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write the checks as JUnit XML.")] = None,
    min_speed: Annotated[
        float, typer.Option("--min-speed", min=0.0, max=1.0, help="Share of the clips per second below which it fails.")
    ] = 0.5,
    make: Annotated[
        bool, typer.Option("--make-baseline", help="Make a baseline of the reports of control runs; takes --out.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="File of the new baseline.")] = None,
    json_: Json = False,
) -> None:
    """Compare a report with a baseline; exit code 1 if it has regressed, 2 if one of them cannot be compared."""
    if make:
        if out is None or markdown or junit:
            raise ManifestError("--make-baseline: writes one file; give --out FILE, and no --markdown or --junit")
        _make(reports, out)
        return
    if len(reports) != 2 or out:
        raise ManifestError("regress: give BASELINE and CANDIDATE; --out and more reports go with --make-baseline")
    _compare(reports[0], reports[1], markdown, junit, min_speed, json_)


def _compare(
    baseline: Path, candidate: Path, page: Path | None, xml: Path | None, min_speed: float, json_: bool
) -> None:
    from harness.analysis.regress import compare, passed, refuse_broken
    from harness.analysis.summary import read_summary
    from harness.report import regression

    try:
        (before, _), (after, _) = read_summary(baseline), read_summary(candidate)
        refuse_broken(before, str(baseline))
        checks = compare(before, after, min_speed)
    except HarnessError as error:
        # A job that reads the files only must not find those of yesterday.
        _write(page, regression.markdown_of_error(str(error)))
        _write(xml, regression.junit_of_error(str(error)))
        raise
    _write(page, regression.markdown(checks, str(baseline), str(candidate), before.bands))
    _write(xml, regression.junit(checks))
    lines_or_json(regression.lines(checks), regression.as_json(checks), json_)
    if not passed(checks):
        raise CheckFailed(f"{candidate}: is not what {baseline} says; see the lines above")


def _make(reports: Sequence[Path], out: Path) -> None:
    from harness.analysis.bands import make_baseline
    from harness.analysis.summary import read_summary, summary_text

    read = [(path.resolve().name, sha256, summary) for path in reports for summary, sha256 in [read_summary(path)]]
    names = " ".join(name for name, _, _ in read)
    baseline = make_baseline(read, f"audfer regress --make-baseline {names} --out {out.name}")
    _write(out, summary_text(baseline))
    print(out)


def _write(path: Path | None, text: str) -> None:
    from harness.files import write_text

    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); give another file") from error
