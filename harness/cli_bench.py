"""`audfer bench`: how fast, against the upstreams and against the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from harness.cli_common import MANY, Cache, Device, Json, ThirdParty, many, table

Mirror = Annotated[
    Path | None,
    typer.Option("--mirror", envvar="AUDFER_MIRROR", help="Folder of clones to take an absent upstream from."),
]


def bench_command(
    device: Device = "cpu",
    models: Annotated[list[str] | None, typer.Option("--models", "--model", help=f"Only these models; {MANY}.")] = None,
    scale: Annotated[Literal["full", "demo"], typer.Option("--scale", help="Size of the models.")] = "full",
    parts: Annotated[
        list[str] | None, typer.Option("--parts", "--part", help=f"Of step, input, evaluation, run; {MANY}.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "bf16"] | None, typer.Option("--precision", help="Of our engine; default: the device's best.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Of PyTorch; default: as it finds.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, help="Clips of a step; default: what fits.")] = None,
    compile_: Annotated[
        Literal["off", "default", "reduce-overhead", "max-autotune"],
        typer.Option("--compile", help="Of our training step, as recipe.compile."),
    ] = "off",
    clock: Annotated[
        Literal["wall", "cpu"], typer.Option("--clock", help="cpu: seconds of the processor, on a busy machine.")
    ] = "wall",
    rounds: Annotated[int, typer.Option("--rounds", min=3, help="Of each comparison; bars need six or more.")] = 7,
    cache: Cache = Path("data"),
    out: Annotated[Path | None, typer.Option("--out", help="Write <device>.md and <device>.json there.")] = None,
    third_party: ThirdParty = Path("third_party"),
    mirror: Mirror = None,
    json_: Json = False,
) -> None:
    """Measure step, input, evaluation and whole run, by turns with the upstreams' own code where it is there."""
    from harness.bench.bench import PARTS, Wanted, bench
    from harness.bench.lines import rows
    from harness.bench.write import as_json, command_of, write
    from harness.console import Display

    named: Any = tuple(many(parts))  # checked there
    wanted = Wanted(
        device=device,
        models=tuple(many(models)),
        scale=scale,
        parts=named or PARTS,
        precision=precision,
        threads=threads,
        batch=batch,
        compile=compile_,
        clock=clock,
        rounds=rounds,
        cache=cache,
        third_party=third_party,
        mirror=mirror,
    )
    with Display() as display:
        result = bench(wanted, display.line, lambda so_far: write(so_far, wanted, out) if out else None)
        for path in write(result, wanted, out) if out else ():
            display.line(str(path))
    if json_:
        print(json.dumps(as_json(result, command_of(wanted, out or Path("reports/bench"))), indent=1))
    else:
        table(rows(result.lines), [], False)
