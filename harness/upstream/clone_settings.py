"""What a clone's own `.git` may say to git. Configuration can name programs (filters, helpers) that git then runs."""

from __future__ import annotations

import os
from pathlib import Path

from harness.upstream.gitrun import UPLOAD_PACK, run_git

# What `git init`, `fetch` and the checkout write, on every platform.
ALLOWED = {
    "core.repositoryformatversion", "core.filemode", "core.bare", "core.logallrefupdates", "core.symlinks",
    "core.ignorecase", "core.precomposeunicode", "core.sparsecheckout", "core.sparsecheckoutcone",
    "extensions.partialclone", "extensions.objectformat",
    "remote.origin.promisor", "remote.origin.partialclonefilter", "remote.origin.url", "remote.origin.uploadpack",
}  # fmt: skip
VALUES = {"remote.origin.uploadpack": (UPLOAD_PACK,)}
SCHEMES = ("https://", "file://", "/")  # git also knows addresses that are commands
# Files by which another folder's configuration, or attributes that name filters, would count.
STRANGE = ("commondir", "config.worktree", "info/attributes")


def foreign_settings(clone: Path) -> list[str]:
    """What in the clone's `.git` `audfer upstream fetch` did not write and git might act upon; a line each."""
    found = [f".git/{name} is not of our making" for name in STRANGE if os.path.lexists(clone / ".git" / name)]
    if found:
        return found
    config = clone.absolute() / ".git" / "config"
    listing = run_git(clone, "config", "--file", str(config), "--no-includes", "--null", "--list")
    pairs = [record.partition("\n")[::2] for record in listing.split("\0") if record]
    return [f".git/config sets {key}, not of our making" for key, value in pairs if not _ours(key, value)]


def _ours(key: str, value: str) -> bool:
    if key == "remote.origin.url":
        return value.startswith(SCHEMES)
    return key in ALLOWED and value in VALUES.get(key, (value,))
