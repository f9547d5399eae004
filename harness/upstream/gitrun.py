"""The one place that runs git: through GitPython, on one repository named in full, deaf to the repository around it.

Without an explicit GIT_DIR, git in a folder that lost its `.git` would work on the repository that encloses it, and
`git apply` there exits 0 and changes nothing. Hooks, attributes and line ends of the user's configuration stay out;
its `url.<base>.insteadOf`, proxies and credentials count.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import ModuleType

from harness.upstream.manifest import UpstreamError

# For every call: no hook, no watcher, bytes as they are in the blobs, and a dead line is given up after half a minute.
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
)

# A local repository serves single commits, and blobs on demand, only if its own side of the connection is told to.
UPLOAD_PACK = "git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack"


class GitError(UpstreamError):
    """git ended with an error; `said` is all it wrote to stderr, the message its last line that matters."""

    def __init__(self, said: str) -> None:
        self.said = said
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        marked = [line for line in lines if line.startswith(("fatal:", "error:", "remote error:", "ERROR:"))]
        super().__init__((marked or lines or ["git failed and said nothing"])[0].split(": ", 1)[-1])


def run_git(clone: Path, *arguments: str, index: Path | None = None) -> str:
    """What `git ARGUMENTS` prints in the repository at `clone` (with its index, or another); GitError if git fails."""
    return run_git_bytes(clone, *arguments, index=index).decode("utf-8", "surrogateescape").rstrip("\n")


def run_git_bytes(clone: Path, *arguments: str, index: Path | None = None) -> bytes:
    """`run_git` with the bytes as git wrote them."""
    git = _gitpython()
    command = ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *arguments]
    process = git.Git(clone)
    status, out, err = process.execute(
        command,
        with_extended_output=True,
        with_exceptions=False,
        stdout_as_string=False,
        strip_newline_in_stdout=False,
        env=_environment(clone, index),
    )
    if status:
        raise GitError(err if isinstance(err, str) else err.decode("utf-8", "replace"))
    return bytes(out)


def init(clone: Path) -> None:
    """Make `clone` an empty repository of SHA-1 ids, without the user's template of hooks."""
    clone.mkdir(parents=True)
    run_git(clone, "init", "--quiet", "--template=", "--object-format=sha1")


def _environment(clone: Path, index: Path | None) -> dict[str, str]:
    folder = clone.absolute() / ".git"
    return {
        "GIT_DIR": str(folder),
        "GIT_WORK_TREE": str(clone.absolute()),
        "GIT_INDEX_FILE": str(index.absolute() if index else folder / "index"),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_NAMESPACE": "",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10"),
    }


def _gitpython() -> ModuleType:
    if shutil.which("git") is None:
        raise UpstreamError("git is not installed, or not on PATH; install it")
    import git  # here: GitPython looks for git when it is imported, and raises if there is none

    return git
