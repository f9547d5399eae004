"""`audfer au`: from OpenFace's files to AU labels, positive weights and the knowledge matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from harness.cli_common import (
    AUSource,
    Cache,
    Confidence,
    Dataset,
    Json,
    Root,
    ThirdParty,
    UpstreamLists,
    cores,
    lines_or_json,
    many,
)
from harness.errors import CheckFailed, ManifestError

au_app = typer.Typer(help="Action Units: labels, positive weights, knowledge.", no_args_is_help=True)


@au_app.command("labels")
def au_labels(
    dataset: Dataset,
    root: Root = None,
    au: AUSource = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the tables; default: au/DATASET.")] = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="Run OpenFace's FeatureExtraction on clips without a file first.")
    ] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="FeatureExtraction processes at a time.")] = None,
    min_confidence: Confidence = 0.0,
    lists: UpstreamLists = None,
    third_party: ThirdParty = Path("third_party"),
    json_: Json = False,
) -> None:
    """Read every clip's AU file into tables per frame and per clip, and say what was filtered."""
    from harness.manifest import load_dataset

    manifest = load_dataset(dataset)
    from harness.console import Display
    from harness.runs.au_labels import extract_missing, label_tables
    from harness.runs.experiment import data_root
    from harness.runs.lists import lists_of

    folder = root or data_root(manifest)
    own = lists_of(manifest, lists, third_party)[0] if lists else None
    source = au or folder / manifest.openface_dir
    failed: tuple[tuple[str, str], ...] = ()
    with Display() as display:
        if extract:
            bar = display.stage("running FeatureExtraction")
            done = extract_missing(manifest, folder, source, lists=own, workers=jobs or cores(), progress=bar)
            failed = done.failed
            for line in done.lines():
                display.line(line)
        summary = label_tables(
            manifest,
            folder,
            source,
            out or Path("au", manifest.name),
            lists=own,
            min_confidence=min_confidence,
            workers=cores(),
            progress=display.stage("reading AU files"),
        )
    lines_or_json(summary.lines(), summary.as_json(), json_)
    if failed:
        raise CheckFailed(f"{len(failed)} clips have no AU file, the first: {failed[0][0]} ({failed[0][1]})")


@au_app.command("pos-weight")
def au_pos_weight(
    dataset: Dataset,
    root: Root = None,
    au: AUSource = None,
    fold: Annotated[int, typer.Option("--fold", min=1, help="Its training clips are counted.")] = 1,
    level: Annotated[
        Literal["clip", "frame"], typer.Option("--level", help="Count clips (Eq. 6-8) or frames (as released).")
    ] = "clip",
    strategies: Annotated[
        list[str] | None, typer.Option("--strategy", help="global, distinct or minor; default: all three.")
    ] = None,
    released: Annotated[
        str | None, typer.Option("--released", help="Set the released rows of dfew or ferv39k beside.")
    ] = None,
    min_confidence: Confidence = 0.0,
    json_: Json = False,
) -> None:
    """Positive weights (Eq. 6-8) of a fold beside the released rows, with what those rows give away."""
    from harness.manifest import load_dataset

    manifest = load_dataset(dataset)
    from harness.console import Display
    from harness.data.readers import read_listing
    from harness.runs.experiment import data_root
    from harness.runs.pos_weights import compare_pos_weights

    folder = root or data_root(manifest)
    options: dict[str, Any] = {"strategies": many(strategies)} if strategies else {}
    with Display() as display:
        compared = compare_pos_weights(
            manifest,
            read_listing(manifest, folder),
            au or folder / manifest.openface_dir,
            fold,
            level=level,
            released=released,
            workers=cores(),
            min_confidence=min_confidence,
            progress=display.stage("reading AU files"),
            **options,
        )
    lines_or_json(compared.lines(), compared.to_json(), json_)


@au_app.command("knowledge")
def au_knowledge(
    published: Annotated[
        str | None, typer.Option("--published", help="Print a published matrix: fig4 or released.")
    ] = None,
    rederive: Annotated[
        bool, typer.Option("--rederive", help="Derive Fig. 4 from the released constants; exit code 1 if it differs.")
    ] = False,
    run: Annotated[Path | None, typer.Option("--run", help="Directory of a finished M3DFEL run.")] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="DATASET=ROOT or DATASET=ROOT=AU_FILES; may be repeated.")
    ] = None,
    theta: Annotated[float, typer.Option("--theta", help="Frames with P(own class) above it count.")] = 0.5,
    part: Annotated[
        Literal["train", "all"], typer.Option("--part", help="The fold's training clips, or all.")
    ] = "train",
    stride: Annotated[int, typer.Option("--stride", min=1, help="Predict every n-th frame only.")] = 1,
    au28: Annotated[
        Literal["expression", "constant"], typer.Option("--au28", help="AU28: mean of the expression, or one constant.")
    ] = "expression",
    offset: Annotated[
        str, typer.Option("--offset", help="Taken from the sum: 2.5 as in the text, another number, or mid-range.")
    ] = "2.5",
    min_confidence: Confidence = 0.0,
    device: Annotated[str | None, typer.Option("--device", help="cpu, or cuda:0; default: that of the run.")] = None,
    cache: Cache = Path("data"),
    out: Annotated[Path | None, typer.Option("--out", help="Folder for matrix and heat maps.")] = None,
    json_: Json = False,
) -> None:
    """The AU-expression knowledge matrix: as published, derived again, or extracted from data (section 3.1)."""
    if sum((published is not None, rederive, run is not None)) != 1:
        raise ManifestError("au knowledge: give one of --published fig4|released, --rederive, or --run with --source")
    if published is not None:
        _published(published, out, json_)
    elif rederive:
        _rederive(out, json_)
    else:
        assert run is not None
        options: dict[str, Any] = {
            "theta": theta,
            "part": part,
            "stride": stride,
            "min_confidence": min_confidence,
            "au28": au28,
        }
        options |= {"offset": _offset(offset), "device": device}
        _extract(run, sources or [], options, cache, out or Path("au", "knowledge"), json_)


def _published(choice: str, out: Path | None, json_: bool) -> None:
    from harness.au.knowledge import load_knowledge, unit_table_lines
    from harness.au.units import ACTION_UNITS, EXPRESSIONS
    from harness.manifest import manifests_dir

    knowledge_EA = load_knowledge(choice, manifests_dir() / "knowledge")
    if out is not None:
        from harness.report.figures.heatmap import Panel, write_heatmap

        out.mkdir(parents=True, exist_ok=True)
        write_heatmap(out / choice, [Panel(f"Knowledge, {choice}", knowledge_EA)])
    data = {"expressions": EXPRESSIONS, "units": ACTION_UNITS, "knowledge": knowledge_EA.tolist()}
    lines_or_json(unit_table_lines(EXPRESSIONS, knowledge_EA), data, json_)


def _rederive(out: Path | None, json_: bool) -> None:
    from harness.au.knowledge import load_knowledge
    from harness.au.rederive import rederive
    from harness.manifest import manifests_dir

    released_EA, fig4_EA = (load_knowledge(name, manifests_dir() / "knowledge") for name in ("released", "fig4"))
    found = rederive(released_EA, fig4_EA)
    if out is not None:
        from harness.report.figures.heatmap import beside, write_heatmap

        out.mkdir(parents=True, exist_ok=True)
        write_heatmap(out / "rederived", beside(("Fig. 4 as printed", fig4_EA), ("Released", released_EA)))
    lines_or_json(found.lines(), found.to_json(), json_)
    if not found.passed:
        raise CheckFailed("Fig. 4 does not follow from the released matrix; see the lines above")


def _extract(run: Path, sources: list[str], options: dict[str, Any], cache: Path, out: Path, json_: bool) -> None:
    from harness.console import Display
    from harness.manifest import manifests_dir
    from harness.report.figures.heatmap import Panel, beside, write_heatmap
    from harness.runs.knowledge import Options, Source, extract_knowledge

    named = [_source(text) for text in sources]
    with Display() as display:
        extracted = extract_knowledge(
            [Source(*one) for one in named], run, out, cache=cache, options=Options(**options), workers=cores(),
            stage=display.stage,
        )  # fmt: skip
    from harness.au.knowledge import load_knowledge

    fig4_EA = load_knowledge("fig4", manifests_dir() / "knowledge")
    write_heatmap(out / "knowledge", beside(("Computed", extracted.knowledge.knowledge_EA), ("Fig. 4", fig4_EA)))
    for one in extracted.knowledge.sets:
        write_heatmap(out / f"knowledge_{one.name}", [Panel(f"K of {one.name}", one.knowledge_EA)])
    lines = [*extracted.lines(), f"train with it: --set au.knowledge={extracted.choice}"]
    lines_or_json(lines, extracted.to_json(), json_)


def _source(text: str) -> tuple[str, Path, Path | None]:
    dataset, equals, rest = text.partition("=")
    root, _, au = rest.partition("=")
    if not equals or not root:
        raise ManifestError(f"--source {text!r}: not DATASET=ROOT; give e.g. --source dfew=/data/DFEW")
    return dataset, Path(root), Path(au) if au else None


def _offset(text: str) -> Any:
    if text == "mid-range":
        return text
    try:
        return float(text)
    except ValueError:
        raise ManifestError(f"--offset {text!r}: give a number, 2.5 as in the text, or mid-range") from None
