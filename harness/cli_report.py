"""`audfer report`: tables, verdicts, figures and a page from finished runs; or are they still what the runs give?"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli_common import Check, Figures, Json, checked


def report_command(
    runs: Annotated[Path, typer.Argument(help="Folder of runs, such as runs/demo.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the tables; default: reports/<name of RUNS>.")
    ] = None,
    figures: Figures = True,
    with_frames: Annotated[
        list[str] | None,
        typer.Option("--with-frames", help="DATASET=ROOT: the page shows clips that runs got wrong; may be repeated."),
    ] = None,
    check: Check = False,
    json_: Json = False,
) -> None:
    """Write Tables 1-3 (md, csv, tex), verdicts, figures and a page from finished runs."""
    frames = dict(_dataset_root(text) for text in with_frames or [])
    out = out or Path("reports", runs.name)
    # Where the data lie is of no use to others; that the page has frames of them is.
    options = [*([] if figures else ["--no-figures"]), *(f"--with-frames {name}=ROOT" for name in frames)]
    command = " ".join(["audfer report", shlex.quote(str(runs)), "--out", shlex.quote(str(out)), *options])
    if check:
        check_report(runs, out, json_, command, figures)
    else:
        report(runs, out, json_, command, None, figures, frames)


def report(
    runs: Path,
    out: Path,
    json_: bool,
    command: str,
    run_dirs: list[Path] | None,
    figures: bool,
    frames: Mapping[str, Path],
) -> None:
    """Write a report and print its files. run_dirs: of these runs only; frames: roots of data sets by name."""
    from harness.manifest import load_dataset
    from harness.report.write import write_report

    shown = {(manifest := load_dataset(name)).name: (manifest, root) for name, root in frames.items()}
    written = write_report(
        runs, out, command=command, members=run_dirs, figures=figures, frames=shown, **_beside_the_runs()
    )
    print(json.dumps([str(path) for path in written], indent=1) if json_ else "\n".join(map(str, written)))


def check_report(runs: Path, out: Path, json_: bool, command: str, figures: bool) -> None:
    """Print what differs from the report made again; CheckFailed if anything does."""
    from harness.report.again import changed_report

    found = changed_report(runs, out, command=command, figures=figures, **_beside_the_runs())
    checked(out, [str(one) for one in found], [one.as_json() for one in found], command, json_)


def _beside_the_runs() -> dict[str, Any]:
    """What a report says beside the runs' numbers: the printed tables, the audit of them, FLOPs."""
    from harness.analysis.audit.inputs import paper_inputs
    from harness.analysis.audit.whole import audit
    from harness.analysis.costs import begin_costs
    from harness.manifest import manifests_dir

    findings = audit(paper_inputs()).findings
    return {"paper_dir": manifests_dir() / "paper", "flops": begin_costs, "findings": findings}


def _dataset_root(text: str) -> tuple[str, Path]:
    from harness.errors import ManifestError

    dataset, equals, root = text.partition("=")
    if not equals or not root:
        raise ManifestError(f"--with-frames {text!r}: not DATASET=ROOT; give e.g. --with-frames dfew=/data/DFEW")
    return dataset, Path(root)
