"""The pin of an upstream repository: `manifests/upstreams/<name>.toml` as frozen models.

This module imports no torch and no git.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from harness.errors import HarnessError, ManifestError
from harness.manifest import Strict, known, load_file, manifests_dir

ObjectId = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _inside(path: str) -> str:
    if not path or path.startswith("/") or {".", "..", ""} & set(path.split("/")):
        raise ValueError("a path inside the repository, with / between its parts")
    return path


RelativePath = Annotated[str, AfterValidator(_inside)]


class UpstreamError(HarnessError):
    """An upstream repository, its pin, one of its patches or a shim is wrong or missing."""


class Licence(Strict):
    """The upstream's licence: its file in the repository and its SPDX identifier."""

    file: RelativePath
    spdx: str = Field(min_length=1)


class PatchPin(Strict):
    """One patch: its file name in `patches/<upstream>/` and the sha256 of its bytes."""

    file: str = Field(pattern=r"^[0-9]{4}-[a-z0-9-]+\.patch$")
    sha256: Sha256


class Shim(Strict):
    """What today's machines need beside the patched tree: a shim's name and why it is there."""

    name: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class Weights(Strict):
    """A file of pretrained weights. `where`: the path at which the upstream's own code looks for it.

    `sha256` is null when nobody of this project could read the file; such a file is never loaded unasked.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")  # a file's bare name: it lies in the cache
    url: str = Field(pattern=r"^https://")
    sha256: Sha256 | None = None
    where: str = Field(min_length=1)


class UpstreamManifest(Strict):
    """One upstream repository at its pin.

    repository: `owner/name`, under which a mirror is searched. commit, tree: the pin, and the tree id of that commit.
    patched_tree: what `git write-tree` gives after all patches, in order. needed: gitignore patterns of the files that
    are checked out. entry: the training script. model: `module:callable` of the upstream that builds its network.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str = Field(min_length=1)
    url: str = Field(pattern=r"^(https|file)://")
    repository: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    commit: ObjectId
    tree: ObjectId
    patched_tree: ObjectId
    licence: Licence
    needed: tuple[str, ...] = Field(min_length=1)
    entry: RelativePath
    model: str = Field(pattern=r"^[A-Za-z0-9_.]+:[A-Za-z0-9_]+$")
    patches: tuple[PatchPin, ...] = ()
    shims: tuple[Shim, ...] = ()
    weights: tuple[Weights, ...] = ()

    @model_validator(mode="after")
    def _trees_and_patches_agree(self) -> UpstreamManifest:
        if bool(self.patches) == (self.tree == self.patched_tree):
            raise ValueError("patched_tree differs from tree when, and only when, there are patches")
        files = [patch.file for patch in self.patches]
        if files != sorted(set(files)):
            raise ValueError("patches are listed in the order of their numbers, each once")
        return self


def upstream_names() -> list[str]:
    """Names of the upstreams that have a manifest."""
    return known("upstreams")


def load_upstream(name: str) -> UpstreamManifest:
    """Manifest of the upstream `name`; ManifestError names the known ones, or the wrong key."""
    path = manifests_dir() / "upstreams" / f"{name}.toml"
    if name not in upstream_names():
        raise ManifestError(f"upstream {name[:80]!r} is not known; known: {', '.join(upstream_names())}")
    manifest = load_file(path, UpstreamManifest)
    if manifest.name != name:
        raise ManifestError(f"{path}: name: {manifest.name!r} is not the name of the file; mend one of them")
    return manifest


def load_upstreams(names: list[str] | None = None) -> list[UpstreamManifest]:
    """Manifests of the upstreams named, or of all."""
    return [load_upstream(name) for name in names or upstream_names()]


def patches_dir() -> Path:
    """The folder `patches/`: inside the installed package, or beside `harness/` in a checkout."""
    packaged = Path(__file__).parent.parent / "_patches"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent / "patches"
