"""Data roots and upstream clones: set, readable, at their pin. Nothing is fetched and nobody is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.dataset_manifest import DatasetManifest
from harness.doctor.finding import Finding
from harness.manifest import known, load_dataset
from harness.upstream.manifest import UpstreamManifest, load_upstreams
from harness.upstream.tree import inspect


def material(variables: Mapping[str, str], third_party: Path) -> list[Finding]:
    """All of it; `variables` is the environment."""
    roots: dict[str, list[DatasetManifest]] = {}
    for manifest in map(load_dataset, known("datasets")):
        if manifest.access.variable:
            roots.setdefault(manifest.access.variable, []).append(manifest)
    found = [data_root(name, manifests, variables.get(name)) for name, manifests in roots.items()]
    return found + [clone(manifest, third_party) for manifest in load_upstreams()]


def data_root(variable: str, manifests: list[DatasetManifest], value: str | None) -> Finding:
    """The folder that a variable names; `manifests`: of the data sets that may lie there, each in its form."""
    if not value:
        url = next((one.access.url for one in manifests if one.access.url), None)
        asked = f"; access: {url}" if url else ""
        return Finding(variable, "missing", "not set", f"set it to the folder of {manifests[0].title}{asked}")
    if not _readable(Path(value)):
        return Finding(variable, "broken", f"{value} is not a folder that can be read", "mend or unset the variable")
    there = [one.name for one in manifests if _readable(Path(value, one.frames_dir))]
    if not there:
        folders = " or ".join(dict.fromkeys(one.frames_dir for one in manifests))
        return Finding(variable, "broken", f"{value} has no folder {folders}", "docs/data.md has the layout")
    return Finding(variable, "ok", f"{value} ({', '.join(there)})", f"audfer data check {there[0]} looks into it")


def clone(manifest: UpstreamManifest, third_party: Path) -> Finding:
    """The state of an upstream's clone, every file's bytes against the pin; GitHub is not contacted."""
    name, state = f"upstream {manifest.name}", inspect(manifest, third_party)
    if state.status == "absent":
        return Finding(
            name, "missing", "not fetched", f"audfer upstream fetch {manifest.name} (GitHub or AUDFER_MIRROR)"
        )
    if state.faults:
        return Finding(name, "broken", state.faults[0], f"audfer upstream clean {manifest.name}, then fetch again")
    told = f"{state.status}, tree {str(state.tree)[:12]} as pinned"
    if manifest.patches and state.status != "patched":
        return Finding(name, "missing", told, f"audfer upstream patch {manifest.name}")
    return Finding(name, "ok", told)


def _readable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
