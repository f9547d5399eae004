"""`audfer upstream`: the three upstream repositories, from the pin to the proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_common import Json, ThirdParty, table

upstream_app = typer.Typer(help="The three upstream repositories: fetch, patch, verify.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Upstreams; default: all three.")]
Mirror = Annotated[
    Path | None,
    typer.Option("--mirror", envvar="AUDFER_MIRROR", help="Folder of clones or bare repositories to fetch from."),
]


@upstream_app.command("list")
def upstream_list(names: Names = None, third_party: ThirdParty = Path("third_party"), json_: Json = False) -> None:
    """Show pins, licences, the state of each clone and what of it was not checked out."""
    from harness.upstream.lines import list_json, list_row
    from harness.upstream.manifest import load_upstreams
    from harness.upstream.tree import inspect

    found = [(manifest, inspect(manifest, third_party)) for manifest in load_upstreams(names)]
    table([list_row(*one) for one in found], [list_json(*one) for one in found], json_)


@upstream_app.command("fetch")
def upstream_fetch(names: Names = None, mirror: Mirror = None, third_party: ThirdParty = Path("third_party")) -> None:
    """Fetch each upstream at its pin; a right clone stays as it is."""
    from harness.upstream.fetch import fetch
    from harness.upstream.manifest import load_upstreams
    from harness.upstream.source import find_source

    for manifest in load_upstreams(names):
        print(fetch(manifest, find_source(manifest, mirror), third_party), flush=True)


@upstream_app.command("patch")
def upstream_patch(names: Names = None, third_party: ThirdParty = Path("third_party")) -> None:
    """Apply our patches to each upstream; every id is checked before and after."""
    from harness.upstream.manifest import load_upstreams, patches_dir
    from harness.upstream.patch import patch

    for manifest in load_upstreams(names):
        print(patch(manifest, third_party, patches_dir()), flush=True)


@upstream_app.command("verify")
def upstream_verify(
    names: Names = None,
    mirror: Mirror = None,
    third_party: ThirdParty = Path("third_party"),
    trees_only: Annotated[bool, typer.Option("--trees-only", help="Leave the native models out.")] = False,
    json_: Json = False,
) -> None:
    """Derive each upstream again, and hold our native models to it; exit code 1 if anything differs (minutes)."""
    import dataclasses
    import tempfile

    from harness.errors import CheckFailed
    from harness.upstream.lines import derived_row
    from harness.upstream.manifest import load_upstreams, patches_dir
    from harness.upstream.tree import export
    from harness.upstream.verify import derive_again
    from harness.upstream.verify_native import rows, verify_native
    from harness.upstream.verify_patches import verify_ratio_zero

    manifests = load_upstreams(names)
    derived = [derive_again(one, mirror, third_party, patches_dir()) for one in manifests]
    if not json_:
        table([derived_row(one) for one in derived], [], False)
    checks = []
    for one in () if trees_only else manifests:
        with tempfile.TemporaryDirectory() as folder:
            checks += verify_native(one.name, export(one, third_party, Path(folder, one.name), patched=False))
        checks.append(verify_ratio_zero(one.name, third_party))
    if json_:
        print(json.dumps({"trees": [dataclasses.asdict(x) for x in derived], "native": rows(checks)}, indent=1))
    elif checks:
        print()
        table(rows(checks), [], False)
    failed = sorted({f"{check.model}: {check.check}" for check in checks if not check.passed})
    if failed:
        raise CheckFailed(f"{len(failed)} checks failed, the first: {failed[0]}; see the table")


@upstream_app.command("clean")
def upstream_clean(names: Names = None, third_party: ThirdParty = Path("third_party")) -> None:
    """Remove the clones, edited or not."""
    from harness.upstream.fetch import clean
    from harness.upstream.manifest import load_upstreams

    for manifest in load_upstreams(names):
        print(clean(manifest, third_party))
