"""Where an upstream is fetched from: its URL, or a folder of local clones or bare repositories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.upstream.manifest import UpstreamError, UpstreamManifest


@dataclass(frozen=True)
class Source:
    """`address` is what git fetches from; `local`: a repository on this machine."""

    address: str
    local: bool


def find_source(manifest: UpstreamManifest, mirror: Path | None) -> Source:
    """The repository of the upstream in the folder `mirror`, or its URL if there is no such folder in use.

    In the mirror `<owner>/<name>`, `<owner>/<name>.git`, `<name>` and `<name>.git` are looked for, links followed.
    A mirror that was named and lacks the repository is an UpstreamError: nothing is fetched from elsewhere unasked.
    """
    if mirror is None:
        return Source(manifest.url, manifest.url.startswith("file://"))
    found = [path for path in _places(mirror, manifest.repository) if is_repository(path)]
    if not found:
        places = ", ".join(str(path.relative_to(mirror)) for path in _places(mirror, manifest.repository))
        raise UpstreamError(
            f"{manifest.name}: {mirror} has no repository {places}; "
            "clone it there, or unset AUDFER_MIRROR to fetch from the network"
        )
    return Source(str(found[0].resolve()), True)


def is_repository(path: Path) -> bool:
    """True for a clone (with `.git`, a folder or a file) and for a bare repository."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def _places(mirror: Path, repository: str) -> list[Path]:
    name = repository.split("/")[1]
    return [mirror / place for place in (repository, f"{repository}.git", name, f"{name}.git")]
