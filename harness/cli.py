"""The commands: parse, call, print. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import harness
from harness.cli_au import au_app
from harness.cli_audit import audit_command
from harness.cli_bench import bench_command
from harness.cli_common import (
    MANY,
    AUSource,
    Cache,
    Device,
    Figures,
    Jobs,
    Json,
    Out,
    Root,
    ThirdParty,
    UpstreamLists,
    many,
    numbers,
    table,
)
from harness.cli_data import data_app
from harness.cli_doctor import doctor_command
from harness.cli_regress import regress_command
from harness.cli_report import report, report_command
from harness.cli_runs import (
    ArrayLimit,
    Cpus,
    Detach,
    Gpus,
    Launcher,
    Mem,
    Partition,
    Time,
    launch_of,
    runs_app,
)
from harness.cli_upstream import upstream_app
from harness.errors import HarnessError
from harness.files import UNWRITABLE

if TYPE_CHECKING:
    from harness.manifest import Experiment

app = typer.Typer(
    name="audfer",
    help="Check AU-DFER: three video models of facial expression, with and without the AU loss, on one device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")
app.add_typer(au_app, name="au")
app.command("audit")(audit_command)
app.command("bench")(bench_command)
app.command("doctor")(doctor_command)
app.command("regress")(regress_command)
app.command("report")(report_command)
app.add_typer(runs_app, name="runs")
app.add_typer(upstream_app, name="upstream")

Engine = Annotated[
    Literal["native", "upstream"], typer.Option("--engine", help="Our models, or the upstream's script.")
]


def main() -> None:
    """Entry point: a HarnessError becomes one line on stderr and its exit code; `--debug` shows the traceback."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(args=arguments, prog_name="audfer")
    except HarnessError as error:
        if debug:
            raise
        print(f"audfer: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        # A full disk or a read-only folder is the user's to mend, wherever it shows.
        if debug or error.errno not in UNWRITABLE:
            raise
        place = error.filename or "output"
        print(f"audfer: {place}: cannot be written ({error.strerror}); make room or give rights", file=sys.stderr)
        sys.exit(HarnessError.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"audfer {harness.__version__}")
        raise typer.Exit


@app.callback(epilog="--debug, anywhere, shows the traceback of an error.")
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of all commands."""


@app.command()
def demo(
    cache: Cache = Path("data"),
    out: Out = Path("runs"),
    report_dir: Annotated[Path, typer.Option("--report", help="Folder for the tables.")] = Path("reports/demo"),
    jobs: Jobs = None,
    figures: Figures = True,
    json_: Json = False,
) -> None:
    """Render data, train three models with and without the AU loss, and write the paper's tables beside the results."""
    run_dirs = _run("demo", {}, {"cache": cache, "out": out, "jobs": jobs})
    from harness.manifest import load_experiment
    from harness.runs.experiment import rendered_root

    frames = {"rendered": rendered_root(load_experiment("demo"), cache)}
    report(out / "demo", report_dir, json_, "audfer demo", run_dirs, figures, frames)


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="Name of an experiment, or the path of its TOML file.")],
    data_root: Root = None,
    engine: Engine = "native",
    device: Device = "cpu",
    cache: Cache = Path("data"),
    out: Out = Path("runs"),
    jobs: Jobs = None,
    models: Annotated[list[str] | None, typer.Option("--models", "--model", help=f"Only these models; {MANY}.")] = None,
    arms: Annotated[list[str] | None, typer.Option("--arms", "--arm", help=f"Only these arms; {MANY}.")] = None,
    folds: Annotated[list[str] | None, typer.Option("--folds", "--fold", help=f"Only these folds; {MANY}.")] = None,
    seeds: Annotated[list[str] | None, typer.Option("--seeds", "--seed", help=f"These seeds; {MANY}.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Another data set, such as dfew_16f or ferv39k:Action.")
    ] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="full or demo.")] = None,
    nproc: Annotated[
        int | None, typer.Option("--nproc", min=1, help="Processes that train one run together; on GPUs, one on each.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Epochs instead of the recipe's.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, e.g. m3dfel.sampling.test=upstream or au.ratio=0.5; may be repeated."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option("--init", help="Initial weights for the one model that is named.")
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard event files beside the records.")
    ] = False,
    random_init: Annotated[bool, typer.Option("--random-init", help="Upstream engine: no pretrained weights.")] = False,
    lists: UpstreamLists = None,
    au: AUSource = None,
    third_party: ThirdParty = Path("third_party"),
    launcher: Launcher = "local",
    partition: Partition = None,
    time: Time = None,
    gpus: Gpus = None,
    cpus: Cpus = None,
    mem: Mem = None,
    array_limit: ArrayLimit = None,
    detach: Detach = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which runs, how many clips, FLOPs and hours.")
    ] = False,
    json_: Json = False,
) -> None:
    """Carry out an experiment; a run that was interrupted goes on where it was."""
    changes = {"models": many(models), "arms": many(arms), "folds": numbers("--folds", folds)}
    changes |= {"seeds": numbers("--seeds", seeds), "dataset": dataset, "scale": scale, "epochs": epochs}
    changes |= {"nproc": nproc}
    changes |= {"settings": settings}
    means: dict[str, Any] = {"data_root": data_root, "cache": cache, "out": out, "engine": engine, "device": device}
    means |= {"init": init, "random_init": random_init, "third_party": third_party, "lists": lists, "au": au}
    asked = {"partition": partition, "time": time, "gpus": gpus, "cpus": cpus, "mem": mem, "array_limit": array_limit}
    means |= {"tensorboard": tensorboard, "launch": launch_of(launcher, asked, jobs), "detach": detach}
    means["jobs"] = jobs
    if dry_run:
        _forecast(experiment, changes, means, json_)
        return
    run_dirs = _run(experiment, changes, means)
    print(json.dumps([str(path) for path in run_dirs], indent=1) if json_ else "\n".join(map(str, run_dirs)))


@app.command()
def flops(
    models: Annotated[list[str] | None, typer.Argument(help="Models; default: all three.")] = None,
    scale: Annotated[str, typer.Option("--scale", help="full or demo.")] = "full",
    json_: Json = False,
) -> None:
    """Count multiply-adds of baseline and AU arm by fvcore; exit code 1 if inference is not the same."""
    from harness import models as native
    from harness.analysis.flops import compare, comparison_json, comparison_rows
    from harness.errors import CheckFailed

    found = [compare(name, scale) for name in models or native.MODELS]
    if json_:
        print(json.dumps([comparison_json(one) for one in found], indent=1))
    else:
        from tabulate import tabulate

        rows = [row for one in found for row in comparison_rows(one)]
        print(tabulate(rows, headers="keys", intfmt=","))
    failed = [one.model for one in found if not one.passed]
    if failed:
        raise CheckFailed(f"{', '.join(failed)}: the AU arm does not cost what the baseline costs; see the table")


def _run(name: str, changes: dict[str, Any], means: dict[str, Any]) -> list[Path]:
    experiment = _experiment(name, changes, means)
    # After the manifests: a typo in one is told before torch is imported.
    from harness.console import Display
    from harness.runs.experiment import Means, run_experiment

    with Display() as display:
        return run_experiment(experiment, Means(**{"data_root": None, **means}), display.watcher())


def _forecast(name: str, changes: dict[str, Any], means: dict[str, Any], json_: bool) -> None:
    experiment = _experiment(name, changes, means)
    from harness.console import Display
    from harness.runs.experiment import Means, forecast_experiment

    with Display() as display:
        clips_from, found = forecast_experiment(experiment, Means(**means), display.watcher())
    hours = sum(one.hours for one in found)
    if json_:
        rows = [one.as_json() for one in found]
        print(json.dumps({"clips_from": clips_from, "hours": hours, "models": rows}, indent=1))
        return
    table([one.row() for one in found], [], False)
    print(f"{sum(one.runs for one in found)} runs, {hours:.3g} hours one after the other; clips: {clips_from}")


def _experiment(name: str, changes: dict[str, Any], means: dict[str, Any]) -> Experiment:
    from harness.manifest import change, known, load_experiment

    # The upstreams' scripts fix what the demo's small models change: some experiments have a form of their own there.
    own_form = f"{name}-upstream"
    if means.get("engine") == "upstream" and own_form in known("experiments"):
        name = own_form
    return change(load_experiment(name), changes)


if __name__ == "__main__":
    main()
