"""`audfer runs`: which runs are done, at work or waiting, and ending them; and the options of launchers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli_common import Json, lines_or_json, table

if TYPE_CHECKING:
    from harness.runs.launch_manifest import Launch

Launcher = Annotated[
    str, typer.Option("--launcher", help="local, slurm, slurm-gpu (manifests/launch/), or the path of a TOML file.")
]
Partition = Annotated[str | None, typer.Option("--partition", help="SLURM: partition of the jobs.")]
Time = Annotated[
    str | None, typer.Option("--time", help="SLURM: time limit of a job, e.g. 1-12:00:00, 08:00 (hours), or minutes.")
]
Gpus = Annotated[int | None, typer.Option("--gpus", min=0, help="SLURM: GPUs of each process of a run.")]
Cpus = Annotated[int | None, typer.Option("--cpus", min=1, help="SLURM: CPUs of each process of a run.")]
Mem = Annotated[str | None, typer.Option("--mem", help="SLURM: memory of a job, e.g. 32G.")]
ArrayLimit = Annotated[int | None, typer.Option("--array-limit", min=1, help="SLURM: jobs that run at a time.")]
Detach = Annotated[bool, typer.Option("--detach", help="SLURM: submit the jobs and do not wait for them.")]
Runs = Annotated[Path, typer.Argument(help="Folder of runs, such as runs/demo, or one run directory.")]

runs_app = typer.Typer(help="Runs of a folder: list them, sum them up, end them.", no_args_is_help=True)


def launch_of(name: str, options: dict[str, Any], workers: int | None) -> Launch:
    """The launcher that the options name."""
    from harness.runs.launch_manifest import load_launch

    return load_launch(name, {**options, "workers": workers})


@runs_app.command("list")
def list_runs(runs: Runs, json_: Json = False) -> None:
    """Each run: done, running, waiting, stopped, failed or stale; its epochs, its last WAR, who is at it or why not."""
    from harness.runs.status import states

    found = states(runs)
    table([one.row() for one in found], [one.as_json() for one in found], json_)


@runs_app.command("status")
def status(runs: Runs, json_: Json = False) -> None:
    """How many runs are in which state, and what is wrong; exit code 1 if a run failed or is stale."""
    from harness.errors import CheckFailed
    from harness.runs.status import WRONG, states

    found = states(runs)
    counts = Counter(one.state for one in found)
    lines = [f"{len(found)} runs: " + ", ".join(f"{count} {state}" for state, count in counts.most_common())]
    lines += [f"{one.run_dir}: {one.state}, {one.said}" for one in found if one.state in WRONG]
    lines_or_json(lines, {"runs": len(found), **counts}, json_)
    wrong = sum(counts[state] for state in WRONG)
    if wrong:
        raise CheckFailed(f"{wrong} runs failed or are stale; give the command that began them again to go on")


@runs_app.command("cancel")
def cancel(runs: Runs, json_: Json = False) -> None:
    """End what is at these runs: local workers (of a folder: and their launchers) save and stop, jobs are cancelled."""
    from harness.runs.cancel import cancel_runs

    lines = cancel_runs(runs)
    lines_or_json(lines or ["nothing is at these runs"], lines, json_)
