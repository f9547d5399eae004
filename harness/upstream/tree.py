"""What a clone holds, by object id: the state of `third_party/<name>`, and copies of its trees to run.

Nothing that lies in the clone's own `.git` is believed: the pinned tree id is reckoned here, from the ids of the files,
and those from their bytes. The clone's git configuration must be the one that `fetch` wrote (clone_settings.py).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.upstream.clone_settings import foreign_settings
from harness.upstream.gitrun import GitError, run_git
from harness.upstream.manifest import UpstreamError, UpstreamManifest

THIRD_PARTY = Path("third_party")


@dataclass(frozen=True)
class Entry:
    """One file of the index: its path, mode and blob id; `checked_out` is false if it is left out on purpose."""

    path: str
    mode: str
    blob: str
    checked_out: bool


@dataclass(frozen=True)
class State:
    """What `third_party/<name>` is. `faults` is empty for a clone that may be imported from."""

    status: Literal["absent", "fetched", "patched", "refused"]
    tree: str | None = None
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def inspect(manifest: UpstreamManifest, third_party: Path) -> State:
    """Look at the clone of an upstream: commit, tree of the index, and the bytes of every file against its blob id."""
    clone = third_party / manifest.name
    if not os.path.lexists(clone):
        return State("absent")
    if clone.is_symlink() or not (clone / ".git").is_dir():
        return State("refused", faults=("is not a clone that `audfer upstream fetch` made",))
    try:
        if foreign := foreign_settings(clone):
            return State("refused", faults=tuple(foreign))
        entries = read_index(clone)
        tree = tree_id(entries)
        faults = _commit_faults(manifest, clone) + _tree_faults(manifest, tree) + dirt(clone, entries)
    except GitError as error:
        return State("refused", faults=(f"cannot be read by git ({error})",))
    return State(
        "refused" if faults else "patched" if manifest.patches and tree == manifest.patched_tree else "fetched",
        tree=tree,
        files=tuple(entry.path for entry in entries if entry.checked_out),
        left_out=tuple(entry.path for entry in entries if not entry.checked_out),
        faults=tuple(faults),
    )


def checked(manifest: UpstreamManifest, third_party: Path) -> State:
    """`inspect` for those who are about to use the clone; UpstreamError if it is absent or at fault."""
    state = inspect(manifest, third_party)
    if state.status == "absent":
        raise UpstreamError(f"{third_party / manifest.name}: not there; run `audfer upstream fetch {manifest.name}`")
    if state.faults:
        more = f" (and {len(state.faults) - 1} more)" if len(state.faults) > 1 else ""
        raise UpstreamError(
            f"{third_party / manifest.name}: {state.faults[0]}{more}; keep what you need of it, "
            f"then `audfer upstream clean {manifest.name}` and fetch again"
        )
    return state


def require(manifest: UpstreamManifest, third_party: Path, *, patched: bool) -> Path:
    """The clone, checked and in the state asked for; UpstreamError with the remedy otherwise. Call before importing."""
    state = checked(manifest, third_party)
    wanted = "patched" if patched and manifest.patches else "fetched"
    if state.status != wanted:
        remedy = f"run `audfer upstream patch {manifest.name}`" if patched else "take a copy with tree.export"
        raise UpstreamError(f"{third_party / manifest.name}: is {state.status}, not {wanted}; {remedy}")
    return third_party / manifest.name


def export(manifest: UpstreamManifest, third_party: Path, to: Path, *, patched: bool) -> Path:
    """Write the needed files of the pinned tree, or of the patched one, into the new folder `to`, from their blobs.

    The clone may be patched or not for the pinned tree; for the patched one it must be patched. Returns `to`.
    """
    state = checked(manifest, third_party)
    clone = third_party / manifest.name
    if patched:
        require(manifest, third_party, patched=True)
    wanted = manifest.patched_tree if patched else manifest.tree
    to.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        run_git(clone, "read-tree", wanted, index=index)
        entries = read_index(clone, index)
        if tree_id(entries) == wanted:
            run_git(clone, "checkout-index", f"--prefix={to.absolute()}/", "--", *state.files, index=index)
    needed = [entry for entry in entries if entry.path in state.files]
    wrong = sorted(entry.path for entry in needed if not _is_blob(to / entry.path, entry))
    if wrong:
        raise UpstreamError(
            f"{clone}: its objects do not hold what their ids say ({wrong[0]}); "
            f"`audfer upstream clean {manifest.name}` and fetch again"
        )
    return to


def read_index(clone: Path, index: Path | None = None) -> list[Entry]:
    """The entries of a clone's index (or of another index file)."""
    listing = run_git(clone, "ls-files", "-t", "--stage", "-z", index=index)
    return [_entry(record) for record in listing.split("\0") if record]


def write_tree(clone: Path, index: Path | None = None) -> str:
    """Tree id of the index. Blobs that nothing needs may be absent from the clone: their ids are in the index."""
    return run_git(clone, "write-tree", "--missing-ok", index=index)


def blob_id(data: bytes) -> str:
    """The id that git gives to a file's bytes."""
    return _object_id(b"blob", data)


def tree_id(entries: Sequence[Entry]) -> str:
    """The id that git gives to a folder of these entries, reckoned from their modes, names and ids alone.

    `git write-tree` may repeat an id that somebody has written into the index file; this cannot.
    """
    here = [(entry.path, entry.mode, entry.blob) for entry in entries if "/" not in entry.path]
    inside: dict[str, list[Entry]] = {}
    for entry in entries:
        folder, slash, rest = entry.path.partition("/")
        if slash:
            inside.setdefault(folder, []).append(replace(entry, path=rest))
    here += [(folder, "40000", tree_id(below)) for folder, below in inside.items()]
    here.sort(key=lambda one: os.fsencode(one[0]) + (b"/" if one[1] == "40000" else b""))
    return _object_id(b"tree", b"".join(_tree_line(*one) for one in here))


def _tree_line(name: str, mode: str, identity: str) -> bytes:
    return mode.encode() + b" " + os.fsencode(name) + b"\0" + bytes.fromhex(identity)


def _object_id(kind: bytes, data: bytes) -> str:
    return hashlib.sha1(kind + b" %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def dirt(clone: Path, entries: list[Entry]) -> list[str]:
    """What in the work tree is not as the index has it: edited, missing and foreign files, a line each.

    Files are hashed, since git's own look goes by size and time. `__pycache__` is overlooked.
    """
    missing = [f"{entry.path} is missing" for entry in entries if entry.checked_out and not _lies(clone / entry.path)]
    edited = [
        f"{entry.path} was edited"
        for entry in entries
        if _lies(clone / entry.path) and not _is_blob(clone / entry.path, entry)
    ]
    others = run_git(clone, "ls-files", "--others", "--exclude=__pycache__/", "-z").split("\0")
    return missing + edited + [f"{path} is not a file of the upstream" for path in others if path]


def _lies(path: Path) -> bool:
    return os.path.lexists(path)


def _is_blob(path: Path, entry: Entry) -> bool:
    # A link or a submodule among the needed files is never right: what it points to has no id here.
    regular = entry.mode in ("100644", "100755") and path.is_file() and not path.is_symlink()
    return regular and blob_id(path.read_bytes()) == entry.blob


def _entry(record: str) -> Entry:
    facts, path = record.split("\t", 1)
    tag, mode, blob, _stage = facts.split(" ")
    return Entry(path, mode, blob, tag != "S")


def _commit_faults(manifest: UpstreamManifest, clone: Path) -> list[str]:
    commit = run_git(clone, "rev-parse", "HEAD")
    if commit != manifest.commit:
        return [f"is at commit {commit[:12]}, the pin is {manifest.commit[:12]}"]
    tree = run_git(clone, "rev-parse", "HEAD^{tree}")
    return [] if tree == manifest.tree else [f"its commit has tree {tree[:12]}, the pin is {manifest.tree[:12]}"]


def _tree_faults(manifest: UpstreamManifest, tree: str) -> list[str]:
    if tree in (manifest.tree, manifest.patched_tree):
        return []
    return [f"holds tree {tree[:12]}, neither the pinned nor the patched one (patches or pin changed since?)"]
