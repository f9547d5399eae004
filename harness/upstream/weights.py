"""Pretrained weights of the upstreams: a file with the pinned sha256, fetched if it is not there, or a refusal."""

from __future__ import annotations

import hashlib
import urllib.request
from pathlib import Path

from harness.files import replacing
from harness.upstream.manifest import UpstreamError, UpstreamManifest, Weights

RANDOM = "random"
SECONDS = 60  # without an answer of the server


def initial_of(manifest: UpstreamManifest, *, random_init: bool) -> str:
    """What `initial` of a run's configuration says: `random`, or the name of the file of pretrained weights."""
    return RANDOM if random_init or not manifest.weights else manifest.weights[0].name


def pretrained(manifest: UpstreamManifest, initial: str, cache: Path) -> Path | None:
    """The checked file that a run with this `initial` starts from; None for random initial weights.

    The file lies in `cache/weights`, and is fetched there if it is not and its sha256 is pinned. UpstreamError if it
    cannot be fetched or is another file than the pinned one.
    """
    if initial == RANDOM:
        return None
    for weights in manifest.weights:
        if weights.name == initial:
            return _checked(manifest, weights, cache / "weights" / weights.name)
    raise UpstreamError(f"{manifest.name}: no weights named {initial!r} in its manifest; start with --random-init")


def _checked(manifest: UpstreamManifest, weights: Weights, path: Path) -> Path:
    if not path.is_file():
        _fetch(manifest, weights, path)
    if weights.sha256 is None:
        return path  # it was put there by the user, and torch.load is weights_only
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != weights.sha256:
        raise UpstreamError(
            f"{path}: has sha256 {found[:12]}..., the manifest of {manifest.name} says {weights.sha256[:12]}...; "
            "remove it and run again"
        )
    return path


def _fetch(manifest: UpstreamManifest, weights: Weights, path: Path) -> None:
    remedy = f"put {weights.name} at {path}, or start with --random-init"
    if weights.sha256 is None:
        raise UpstreamError(
            f"{manifest.name}: its pretrained weights are not fetched unasked ({weights.url}); {remedy}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(weights.url, timeout=SECONDS) as answer, replacing(path) as temporary:
            temporary.write_bytes(answer.read())
    except OSError as error:
        raise UpstreamError(f"{manifest.name}: {weights.url} cannot be fetched ({error}); {remedy}") from error
