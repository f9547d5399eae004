"""Split lists out of the fetched upstream repositories: for those who lack the published lists, and to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.data.lists import Lists
from harness.data.upstream_lists import read_upstream_lists
from harness.dataset_manifest import DatasetManifest
from harness.errors import HarnessError
from harness.upstream.manifest import load_upstream
from harness.upstream.tree import checked


def lists_of(manifest: DatasetManifest, upstream: str, third_party: Path) -> tuple[Lists, Mapping[str, int]]:
    """Folds and, where the lists hold them, frames per clip. Errors: the clone is absent or not at its pin."""
    pinned = load_upstream(upstream)
    checked(pinned, third_party)
    return read_upstream_lists(manifest, upstream, third_party / pinned.name)


def fetched_lists(manifest: DatasetManifest, third_party: Path) -> dict[str, tuple[Lists, Mapping[str, int]]]:
    """The lists of every upstream that has some for this data set and lies fetched and whole in `third_party`."""
    found = {}
    for one in manifest.upstream_lists:
        try:
            found[one.upstream] = lists_of(manifest, one.upstream, third_party)
        except HarnessError:
            # Only a comparison more: a clone that is not there, or not whole, is `audfer upstream list`'s to say.
            continue
    return found
