"""Fetching an upstream: the pinned commit alone, checked by commit and tree id, into `third_party/<name>`.

Only the files the harness needs are checked out, and only their blobs are asked for: a mirror may lack the others
(pictures), and the index still holds every id, so that `git write-tree` gives the id of the whole tree.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.upstream.gitrun import UPLOAD_PACK, GitError, init, run_git
from harness.upstream.manifest import UpstreamError, UpstreamManifest
from harness.upstream.source import Source
from harness.upstream.tree import checked, dirt, inspect, read_index, write_tree


def fetch(manifest: UpstreamManifest, source: Source, third_party: Path) -> str:
    """Bring `third_party/<name>` to the pin and say what was done: one line. A right clone, patched or not, stays.

    Interrupted at any moment, `third_party/<name>` is either absent or right. UpstreamError: the source does not answer
    or lacks the commit, the ids or the licence are wrong, or a clone that is there has been changed.
    """
    with locked(manifest, third_party):
        if inspect(manifest, third_party).status != "absent":
            return f"{manifest.name}: already {checked(manifest, third_party).status} at {manifest.commit[:12]}"
        _remove_leftovers(manifest, third_party)
        partial = third_party / f".{manifest.name}.partial-{os.getpid()}"
        try:
            _bring(manifest, source, partial)
            _check_out(manifest, source, partial)
            os.rename(partial, third_party / manifest.name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return f"{manifest.name}: fetched {manifest.commit[:12]} from {source.address}, licence {manifest.licence.spdx}"


def clean(manifest: UpstreamManifest, third_party: Path) -> str:
    """Remove `third_party/<name>`, whatever it is, and what interrupted fetches left; says so in one line."""
    clone = third_party / manifest.name
    if not third_party.is_dir():
        return f"{manifest.name}: nothing to remove"
    with locked(manifest, third_party):
        _remove_leftovers(manifest, third_party)
        there = os.path.lexists(clone)
        if there:
            # Renamed first: a removal that is interrupted must not leave half a clone under the name.
            leaving = third_party / f".{manifest.name}.partial-{os.getpid()}"
            os.rename(clone, leaving)
            _remove(leaving)
    return f"{manifest.name}: {'removed ' + str(clone) if there else 'nothing to remove'}"


@contextmanager
def locked(manifest: UpstreamManifest, third_party: Path) -> Iterator[None]:
    """One process at a time fetches, patches or removes an upstream; the others wait."""
    third_party.mkdir(parents=True, exist_ok=True)
    with (third_party / f".{manifest.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bring(manifest: UpstreamManifest, source: Source, clone: Path) -> None:
    init(clone)
    settings = {"remote.origin.url": source.address, "remote.origin.promisor": "true"}
    settings |= {"remote.origin.partialclonefilter": "blob:none", "extensions.partialClone": "origin"}
    settings |= {"remote.origin.uploadpack": UPLOAD_PACK} if source.local else {}
    for key, value in {"core.repositoryFormatVersion": "1", **settings}.items():
        run_git(clone, "config", key, value)
    try:
        run_git(clone, "fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "origin", manifest.commit)
    except GitError as error:
        raise UpstreamError(_fetch_fault(manifest, source, error)) from error
    _check_ids(manifest, clone)


def _check_ids(manifest: UpstreamManifest, clone: Path) -> None:
    """git named every object after its bytes as it received them; what remains is that they are the pinned ones."""
    commit = run_git(clone, "rev-parse", "FETCH_HEAD^{commit}")
    tree = run_git(clone, "rev-parse", "FETCH_HEAD^{tree}")
    if commit != manifest.commit:
        raise UpstreamError(
            f"{manifest.name}: commit: {manifest.commit} is not a commit but points to {commit}; pin that"
        )
    if tree != manifest.tree:
        raise UpstreamError(
            f"{manifest.name}: commit {commit[:12]} has tree {tree}, the manifest says {manifest.tree}; "
            f"mend manifests/upstreams/{manifest.name}.toml"
        )


def _check_out(manifest: UpstreamManifest, source: Source, clone: Path) -> None:
    run_git(clone, "config", "core.sparseCheckout", "true")
    run_git(clone, "config", "core.sparseCheckoutCone", "false")
    (clone / ".git" / "info").mkdir(exist_ok=True)
    (clone / ".git" / "info" / "sparse-checkout").write_text("\n".join(manifest.needed) + "\n", encoding="utf-8")
    try:
        run_git(clone, "checkout", "--quiet", "--detach", manifest.commit)
    except GitError as error:
        raise UpstreamError(_checkout_fault(manifest, source, clone, error)) from error
    _check_files(manifest, clone)


def _check_files(manifest: UpstreamManifest, clone: Path) -> None:
    where = f"manifests/upstreams/{manifest.name}.toml"
    entries = read_index(clone)
    faults = dirt(clone, entries)
    here = {entry.path for entry in entries if entry.checked_out}
    if faults or write_tree(clone) != manifest.tree:
        raise UpstreamError(f"{manifest.name}: the checkout is not the pinned tree ({', '.join(faults)}); fetch again")
    for key, file in {"licence.file": manifest.licence.file, "entry": manifest.entry}.items():
        if file not in here:
            raise UpstreamError(
                f"{where}: {key}: {file} is not in the commit, or not among `needed`; mend the manifest"
            )


def _checkout_fault(manifest: UpstreamManifest, source: Source, clone: Path, error: GitError) -> str:
    blob = re.search(r"not our ref ([0-9a-f]{40})", error.said)
    if blob is None:
        return _fetch_fault(manifest, source, error)
    tree = run_git(clone, "ls-tree", "-r", manifest.commit)
    lacking = [line.split("\t")[1] for line in tree.splitlines() if blob[1] in line]
    return f"{manifest.name}: {source.address} lacks {', '.join(lacking)}, which is needed; complete that repository"


def _fetch_fault(manifest: UpstreamManifest, source: Source, error: GitError) -> str:
    if "not our ref" in error.said or "unadvertised object" in error.said:
        return (
            f"{manifest.name}: {source.address} has no commit {manifest.commit}; update that repository, "
            f"or mend the pin in manifests/upstreams/{manifest.name}.toml"
        )
    if source.local:
        return f"{manifest.name}: {source.address} cannot be fetched from ({error}); mend that repository"
    return (
        f"{manifest.name}: no answer from {source.address} ({error}); connect to the network, or set AUDFER_MIRROR "
        f"(or --mirror) to a folder that holds {manifest.repository} as a clone or bare repository"
    )


def _remove_leftovers(manifest: UpstreamManifest, third_party: Path) -> None:
    for path in third_party.glob(f".{manifest.name}.partial-*"):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)
