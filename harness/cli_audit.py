"""`audfer audit`: what printed result tables can and cannot mean."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_common import Check, Json, checked

Tables = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[TABLE.csv]...", help="Printed tables (docs/audit.md); default: the paper's three."),
]


def audit_command(
    tables: Tables = None,
    folds: Annotated[
        Path | None, typer.Option("--folds", help="Clips per class of the test folds: dataset,fold,class,count.")
    ] = None,
    dataset: Annotated[
        str, typer.Option("--dataset", help="Data set of the tables; without --folds, the one whose manifest counts.")
    ] = "",
    literature: Annotated[
        Path | None, typer.Option("--literature", help="What others publish for the same methods.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for audit.md and audit.json.")] = None,
    check: Check = False,
    json_: Json = False,
) -> None:
    """Say which cells of printed tables can be true, on which basis, and which cannot; exit code 0 in either case."""
    from harness.analysis.audit.inputs import given_inputs, paper_inputs
    from harness.analysis.audit.whole import audit
    from harness.errors import ManifestError
    from harness.report.audit_json import audit_text
    from harness.report.audit_report import audit_markdown

    if not tables and (folds or dataset or literature):
        raise ManifestError("--folds, --dataset and --literature go with a table of yours; name its CSV file first")
    there = _there(out) if check else {}
    audited = audit(given_inputs(tables, folds, dataset, literature) if tables else paper_inputs())
    command = " ".join(["audfer audit", *_arguments(tables, folds, dataset, literature)])
    texts = {"audit.md": audit_markdown(audited, command), "audit.json": audit_text(audited)}
    if check and out:
        _check(out, there, texts, command, json_)
    elif out:
        print("\n".join(map(str, _write(out, texts))))
    else:
        sys.stdout.write(texts["audit.json" if json_ else "audit.md"])


def _arguments(tables: list[Path] | None, folds: Path | None, dataset: str, literature: Path | None) -> list[str]:
    options = (("--folds", folds), ("--dataset", dataset), ("--literature", literature))
    return [*map(str, tables or ()), *(f"{name} {value}" for name, value in options if value)]


def _there(out: Path | None) -> dict[str, bytes]:
    """The audit in a folder, told to be lacking before any work is done."""
    from harness.errors import DataError, ManifestError
    from harness.report.again import contents

    if out is None:
        raise ManifestError("--check: compares with an audit in a folder; name it with --out")
    there = contents(out)
    if not there:
        raise DataError(f"{out}: no audit to check; make one, without --check")
    return there


def _check(out: Path, there: Mapping[str, bytes], texts: Mapping[str, str], command: str, json_: bool) -> None:
    from harness.report.again import changes

    found = changes(there, {name: text.encode() for name, text in texts.items()})
    checked(out, [str(one) for one in found], [one.as_json() for one in found], f"{command} --out {out}", json_)


def _write(out: Path, texts: dict[str, str]) -> list[Path]:
    from harness.errors import DataError
    from harness.files import write_text

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(out / name, text)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror}); give another folder with --out") from error
    return [out / name for name in texts]
