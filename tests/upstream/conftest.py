"""A small upstream made by `git init`, and the real ones where they can be had."""

import functools
import hashlib
import os
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.upstream.fetch import fetch
from harness.upstream.manifest import UpstreamManifest, load_upstreams, patches_dir
from harness.upstream.patch import patch
from harness.upstream.source import Source, find_source

FILES = {
    "main.py": b"import net\n\n\ndef train():\n    return net.forward(1)\n",
    "net.py": b"def forward(x):\r\n    y = x + 1\r\n    return y\r\n",
    "LICENSE": b"MIT License\n",
    "figs/picture.png": b"\x89PNG picture",
    "notes.md": b"# notes\n",
}
# What the patch below makes of net.py, and the patch itself, written by hand.
NET_PATCHED = b"def forward(x):\r\n    y = x + 1\r\n    y = y * 2\r\n    return y\r\n"
REASON = "Doubles the output, so that a test can see it.\n\n"


@pytest.fixture(autouse=True)
def _no_git_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Neither the user's nor the system's git configuration reaches a test; those of the real upstreams keep theirs."""
    if request.node.get_closest_marker("upstream") is None:
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        monkeypatch.delenv("AUDFER_MIRROR", raising=False)


def git(folder: Path, *arguments: str, data: bytes | None = None) -> str:
    """Plain git, not the harness's."""
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode().strip()


def blob(data: bytes) -> str:
    """Blob id by git itself."""
    return git(Path("."), "hash-object", "--no-filters", "--stdin", data=data)


def net_patch(old: bytes = FILES["net.py"], new: bytes = NET_PATCHED, hunk: str = "@@ -2,0 +3 @@") -> bytes:
    """The patch of net.py, by hand; blob ids by git."""
    lines = [
        "diff --git a/net.py b/net.py",
        f"index {blob(old)}..{blob(new)} 100644",
        "--- a/net.py",
        "+++ b/net.py",
        hunk,
        "+    y = y * 2\r",
    ]
    return (REASON + "\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class Toy:
    """An upstream repository of five files, its manifest, the folders the harness works in, and git itself."""

    origin: Path
    manifest: UpstreamManifest
    third_party: Path
    patches: Path

    files = FILES
    net_patched = NET_PATCHED
    git = staticmethod(git)
    blob = staticmethod(blob)
    net_patch = staticmethod(net_patch)
    tree_with = staticmethod(lambda origin, files: tree_with(origin, files))

    @property
    def clone(self) -> Path:
        return self.third_party / "toy"

    @property
    def source(self) -> Source:
        return Source(str(self.origin), True)

    def fetch(self) -> str:
        return fetch(self.manifest, self.source, self.third_party)

    def patch(self) -> str:
        return patch(self.manifest, self.third_party, self.patches)

    def but(self, **changes: Any) -> "Toy":
        """The same with another manifest, checked again."""
        return replace(self, manifest=UpstreamManifest.model_validate({**self.manifest.model_dump(), **changes}))

    def with_patch(self, data: bytes, patched_tree: str, file: str = "0001-double.patch") -> "Toy":
        """The same with one patch on disk and in the manifest."""
        folder = self.patches / "toy"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        pin = {"file": file, "sha256": hashlib.sha256(data).hexdigest()}
        return self.but(patches=[pin], patched_tree=patched_tree)


def tree_with(origin: Path, files: dict[str, bytes]) -> str:
    """Tree id of a commit of these files, by git itself, in a repository of its own."""
    origin.mkdir(parents=True, exist_ok=True)
    git(origin, "init", "--quiet", "--initial-branch=main")
    git(origin, "config", "core.autocrlf", "false")
    for path, data in files.items():
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        (origin / path).write_bytes(data)
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message=files")
    return git(origin, "rev-parse", "HEAD^{tree}")


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    origin = tmp_path / "origin"
    tree = tree_with(origin, FILES)
    manifest = UpstreamManifest(
        name="toy",
        title="Toy",
        url=f"file://{origin}",
        repository="owner/toy",
        commit=git(origin, "rev-parse", "HEAD"),
        tree=tree,
        patched_tree=tree,
        licence={"file": "LICENSE", "spdx": "MIT"},
        needed=("*.py", "/LICENSE"),
        entry="main.py",
        model="net:forward",
    )
    return Toy(origin, manifest, tmp_path / "third_party", tmp_path / "patches")


@pytest.fixture
def patchable(toy: Toy, tmp_path: Path) -> Toy:
    """The small upstream with one good patch, not fetched yet."""
    return toy.with_patch(net_patch(), tree_with(tmp_path / "expected", {**FILES, "net.py": NET_PATCHED}))


@functools.cache
def no_upstreams() -> str | None:
    """Why the real upstreams cannot be had, in one line, or None. GitHub is given two seconds."""
    if os.environ.get("AUDFER_MIRROR"):
        return None
    try:
        socket.create_connection(("github.com", 443), timeout=2).close()
    except OSError as error:
        return f"AUDFER_MIRROR is not set and github.com does not answer ({error})"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `upstream` run when a mirror is set or GitHub answers."""
    if item.get_closest_marker("upstream") and (reason := no_upstreams()):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three real upstreams, fetched and patched once a session. Shared: a test that changes files copies it."""
    folder = tmp_path_factory.mktemp("third_party")
    mirror = os.environ.get("AUDFER_MIRROR")
    for manifest in load_upstreams():
        fetch(manifest, find_source(manifest, Path(mirror) if mirror else None), folder)
        patch(manifest, folder, patches_dir())
    return folder
