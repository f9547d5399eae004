"""Deriving a clone again: fetch and patch in a temporary folder, and the same trees must come out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CheckFailed
from harness.upstream.fetch import fetch
from harness.upstream.manifest import UpstreamManifest
from harness.upstream.patch import patch
from harness.upstream.source import Source, find_source
from harness.upstream.tree import blob_id, checked, require


@dataclass(frozen=True)
class Derived:
    """An upstream that was derived again: from where, and what agreed."""

    name: str
    commit: str
    tree: str
    patched_tree: str
    files: int
    source: str


def derive_again(manifest: UpstreamManifest, mirror: Path | None, third_party: Path, patches: Path) -> Derived:
    """Fetch and patch the upstream anew in a temporary folder and compare every file with `third_party/<name>`.

    The source is the mirror if there is one, else the objects of the clone itself: git names each object again by its
    bytes as it receives it, so that nothing wrong comes through, and no network is needed. UpstreamError: clone, pin or
    patch is refused. CheckFailed: the derived files are not those of the clone.
    """
    clone = require(manifest, third_party, patched=True)
    source = find_source(manifest, mirror) if mirror else Source(str(clone.resolve()), True)
    with tempfile.TemporaryDirectory(prefix="audfer-verify-") as folder:
        fetch(manifest, source, Path(folder))
        patch(manifest, Path(folder), patches)
        derived, here = _ids(manifest, Path(folder)), _ids(manifest, third_party)
    if derived != here:
        different = sorted({path for path, _ in derived ^ here})
        raise CheckFailed(
            f"{clone}: {', '.join(different)} differ from what pin and patches give; "
            f"`audfer upstream clean {manifest.name}`, then fetch and patch again"
        )
    return Derived(
        manifest.name,
        manifest.commit,
        manifest.tree,
        manifest.patched_tree,
        len(here),
        str(mirror or "its own objects"),
    )


def _ids(manifest: UpstreamManifest, third_party: Path) -> set[tuple[str, str]]:
    """Path and blob id, from the bytes on disk, of every file of a clone."""
    clone = third_party / manifest.name
    return {(path, blob_id((clone / path).read_bytes())) for path in checked(manifest, third_party).files}
