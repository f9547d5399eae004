"""Patching a clone: every id is checked before and after, and the clone changes only when all of them agree.

git says yes to patches that went nowhere or to the wrong place, so its answer does not count: the blob ids in the
patch, the tree id in the manifest and the bytes of the work tree do. The patches go to a copy of the index first.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from harness.upstream.fetch import locked
from harness.upstream.gitrun import GitError, run_git
from harness.upstream.manifest import UpstreamError, UpstreamManifest
from harness.upstream.patch_text import PatchText, parse_patch
from harness.upstream.tree import checked, read_index, write_tree

MAX_INSERTED = 30


def read_patches(manifest: UpstreamManifest, patches: Path) -> dict[str, bytes]:
    """The bytes of the upstream's patches in `patches/<name>/`, in order, after every check that needs no clone.

    UpstreamError: a file is missing, not in the manifest, of another sha256, does anything but insert lines, or all of
    them together insert more than thirty.
    """
    folder = patches / manifest.name
    _refuse_strays(manifest, folder)
    found = {pin.file: _pinned_bytes(folder / pin.file, pin.sha256) for pin in manifest.patches}
    inserted = sum(parse_patch(data, str(folder / file)).inserted for file, data in found.items())
    if inserted > MAX_INSERTED:
        raise UpstreamError(
            f"{folder}: inserts {inserted} lines, at most {MAX_INSERTED} are allowed; shorten the patches"
        )
    return found


def patch(manifest: UpstreamManifest, third_party: Path, patches: Path) -> str:
    """Apply the upstream's patches to `third_party/<name>` and say so in one line; a patched clone stays as it is.

    UpstreamError: the clone is absent, has been changed or is not at the pin; a patch or an id is wrong.
    The clone is then as it was.
    """
    found = read_patches(manifest, patches)
    with locked(manifest, third_party):
        state = checked(manifest, third_party)
        if not manifest.patches:
            return f"{manifest.name}: the manifest has no patches; nothing to do"
        if state.status == "patched":
            return f"{manifest.name}: already patched, tree {manifest.patched_tree[:12]}; nothing to do"
        clone = third_party / manifest.name
        _to_patched_tree(manifest, clone, patched_tree(clone, found, patches / manifest.name))
        checked(manifest, third_party)
    return f"{manifest.name}: applied {', '.join(found)}, tree {manifest.patched_tree[:12]}"


def patched_tree(clone: Path, found: dict[str, bytes], folder: Path) -> str:
    """Tree id after applying the patches to the clone's index, in a copy of it; the clone's own index stays."""
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch, "index")
        shutil.copy(clone / ".git" / "index", index)
        for file, data in found.items():
            _apply(clone, index, data, str(folder / file))
        return write_tree(clone, index)


def _apply(clone: Path, index: Path, data: bytes, where: str) -> None:
    text = parse_patch(data, where)
    _check_before(clone, index, text, where)
    copy = index.with_name("patch")
    copy.write_bytes(data)
    try:
        run_git(clone, "apply", "--cached", "--unidiff-zero", "--whitespace=nowarn", str(copy), index=index)
    except GitError as error:
        raise UpstreamError(f"{where}: git cannot apply it ({error}); make it again at this pin") from error
    _check_after(clone, index, text, where)


def _check_before(clone: Path, index: Path, text: PatchText, where: str) -> None:
    blobs = {entry.path: entry.blob for entry in read_index(clone, index) if entry.checked_out}
    for change in text.changes:
        if change.path not in blobs:
            raise UpstreamError(
                f"{where}: {change.path} is not among the checked-out files; mend the path, or `needed`"
            )
        if blobs[change.path] != change.old:
            raise UpstreamError(
                f"{where}: is for {change.path} with blob {change.old[:12]}, here it is {blobs[change.path][:12]}; "
                "make the patch again at this pin"
            )


def _check_after(clone: Path, index: Path, text: PatchText, where: str) -> None:
    blobs = {entry.path: entry.blob for entry in read_index(clone, index)}
    for change in text.changes:
        if blobs.get(change.path) != change.new:
            raise UpstreamError(
                f"{where}: git accepted it, and {change.path} is blob {str(blobs.get(change.path))[:12]} "
                f"(before: {change.old[:12]}), the patch says {change.new[:12]}; make the patch again at this pin"
            )


def _to_patched_tree(manifest: UpstreamManifest, clone: Path, tree: str) -> None:
    if tree != manifest.patched_tree:
        raise UpstreamError(
            f"{manifest.name}: the patches give tree {tree}, the manifest says patched_tree {manifest.patched_tree}; "
            f"mend manifests/upstreams/{manifest.name}.toml or the patches"
        )
    run_git(clone, "read-tree", "-m", "-u", manifest.tree, tree)


def _refuse_strays(manifest: UpstreamManifest, folder: Path) -> None:
    pinned = {pin.file for pin in manifest.patches}
    for path in sorted(folder.glob("*")):
        if path.name not in pinned:
            raise UpstreamError(
                f"{path}: is not in manifests/upstreams/{manifest.name}.toml; "
                "add it there under patches with its sha256, or remove it"
            )


def _pinned_bytes(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UpstreamError(
            f"{path}: cannot be read ({error.strerror}); restore it, or take it out of the manifest"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise UpstreamError(
            f"{path}: has sha256 {found[:12]}..., the manifest says {sha256[:12]}...; restore the patch"
        )
    return data
