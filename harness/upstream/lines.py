"""Rows for printing: what `audfer upstream list` and `verify` say of a clone."""

from __future__ import annotations

from collections import Counter

from harness.upstream.manifest import UpstreamManifest
from harness.upstream.tree import State
from harness.upstream.verify import Derived


def list_row(manifest: UpstreamManifest, state: State) -> dict[str, str]:
    """One upstream: repository, pin, licence, state of its clone, and which files of the commit are not checked out."""
    return {
        "upstream": manifest.name,
        "repository": manifest.repository,
        "commit": manifest.commit[:12],
        "licence": manifest.licence.spdx,
        "patches": str(len(manifest.patches)),
        "state": state.status if not state.faults else f"{state.status}: {'; '.join(state.faults)}",
        "files": str(len(state.files)) if state.files else "",
        "not checked out": left_out_summary(state.left_out),
    }


def list_json(manifest: UpstreamManifest, state: State) -> dict[str, object]:
    """The same for `--json`, with full ids and every path."""
    return {
        **manifest.model_dump(mode="json"),
        "status": state.status,
        "index_tree": state.tree,
        "faults": list(state.faults),
        "files": list(state.files),
        "left_out": list(state.left_out),
    }


def left_out_summary(paths: tuple[str, ...]) -> str:
    """Paths that nothing needs, counted by their first folder: `saved/ 57, figs/ 9, README.md`."""
    counts = Counter(path.split("/")[0] + "/" if "/" in path else path for path in paths)
    return ", ".join(f"{place} {count}" if place.endswith("/") else place for place, count in counts.most_common())


def derived_row(derived: Derived) -> dict[str, str]:
    """One upstream that was derived again, its ids shortened to twelve digits."""
    return {
        "upstream": derived.name,
        "commit": derived.commit[:12],
        "tree": derived.tree[:12],
        "patched tree": derived.patched_tree[:12],
        "files": str(derived.files),
        "derived from": derived.source,
    }
