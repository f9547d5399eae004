"""`audfer data`: check, pack and render data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli_common import Cache, Dataset, Json, Root, ThirdParty, UpstreamLists, cores, lines_or_json, many

data_app = typer.Typer(help="Data sets: check, pack, render.", no_args_is_help=True)

Layout = Literal["dfew", "ferv39k", "mafw", "affwild2", "ravdess"]


@data_app.command("check")
def data_check(
    dataset: Dataset,
    root: Root = None,
    decode: Annotated[bool, typer.Option("--decode", help="Decode every picture, not only its first bytes.")] = False,
    lists: UpstreamLists = None,
    third_party: ThirdParty = Path("third_party"),
    json_: Json = False,
) -> None:
    """Compare a folder with the published data set, each difference a line; exit code 1 if it is not the same."""
    from harness.manifest import load_dataset

    manifest = load_dataset(dataset)
    from harness.console import Display
    from harness.data.check import check
    from harness.errors import CheckFailed
    from harness.runs.experiment import data_root
    from harness.runs.lists import fetched_lists, lists_of

    folder = root or data_root(manifest)
    # Lists that were asked for stand in for the data set's own; others are only compared with.
    instead = lists_of(manifest, lists, third_party)[0] if lists else None
    with Display() as display:
        report = check(
            manifest,
            folder,
            lists=instead,
            upstream_lists=fetched_lists(manifest, third_party),
            decode=decode,
            workers=cores(),
            progress=display.stage(f"looking at {manifest.title}"),
        )
    lines_or_json(report.lines(), report.as_json(), json_)
    if not report.passed:
        raise CheckFailed(f"{folder}: is not {manifest.title} as published; see the lines above")


@data_app.command("pack")
def data_pack(
    dataset: Dataset,
    root: Root = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", help="Side of the packed frames in pixels; default: what the three models are given."),
    ] = None,
    cache: Cache = Path("data"),
    verify: Annotated[bool, typer.Option("--verify", help="Hash the packed frames again.")] = False,
    lists: UpstreamLists = None,
    third_party: ThirdParty = Path("third_party"),
    json_: Json = False,
) -> None:
    """Decode a data set once into memory-mapped frames; what was packed already stays. Given again, it goes on."""
    from harness.cli_common import numbers
    from harness.manifest import load_dataset

    manifest = load_dataset(dataset)
    wanted = numbers("--size", many(sizes))
    from harness.console import Display
    from harness.runs.experiment import data_root
    from harness.runs.lists import lists_of
    from harness.runs.packing import pack_dataset, pack_sizes

    with Display() as display:
        packed = pack_dataset(
            manifest,
            root or data_root(manifest),
            wanted or pack_sizes(),
            cache,
            lists=lists_of(manifest, lists, third_party)[0] if lists else None,
            verify=verify,
            workers=cores(),
            stage=display.stage,
        )
    lines_or_json([line for one in packed for line in one.lines()], [one.as_json() for one in packed], json_)


@data_app.command("render")
def data_render(
    root: Annotated[Path, typer.Argument(help="Folder to write.")],
    layout: Annotated[Layout, typer.Option("--layout", help="The data set whose form is taken.")] = "dfew",
    clips: Annotated[int, typer.Option("--clips", min=10, help="Number of clips; of videos for affwild2.")] = 1600,
    size: Annotated[int, typer.Option("--size", min=32, help="Side of a frame in pixels.")] = 96,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same bytes.")] = 0,
    full_clips: Annotated[
        bool, typer.Option("--full-clips/--16-frames", help="dfew: whole clips too, or sixteen frames of each alone.")
    ] = True,
    json_: Json = False,
) -> None:
    """Render faces in the layout of a data set, with OpenFace files."""
    import dataclasses

    from harness.console import Display
    from harness.data.rendered import render
    from harness.runs.experiment import dfew_shares

    with Display() as display:
        summary = render(
            layout,
            root,
            dfew_shares(),
            clips=clips,
            size=size,
            seed=seed,
            workers=cores(),
            full_clips=full_clips and layout == "dfew",
            progress=display.stage("rendering clips"),
        )
    lines_or_json(summary.lines(), dataclasses.asdict(summary), json_)
